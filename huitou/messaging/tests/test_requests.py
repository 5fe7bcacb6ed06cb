"""Asking for touches: the same key is the same touch, what is incomplete is refused whole."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from huitou.core.clock import FixedClock
from huitou.customers.models import Person
from huitou.messaging.models import Touch
from huitou.messaging.services import Content, TouchInvalidError, TouchRequest, Words, cancel_touches, request_touches

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 3, 4, 4, tzinfo=UTC)
CLOCK = FixedClock(NOW)


def person() -> int:
    return Person.objects.create(created_at=NOW).pk


def asked(key: str, customer: int) -> TouchRequest:
    return TouchRequest(
        key=key,
        customer_id=customer,
        source="launch:1",
        step="hello",
        channels=("console_log",),
        content=Content({"zh": Words(text="您好")}),
        send_after=NOW,
        not_after=NOW + timedelta(days=1),
    )


def test_the_same_key_is_the_same_touch_and_ids_come_in_the_order_of_the_requests() -> None:
    one, two = person(), person()
    ids = request_touches([asked("b", one), asked("a", two), asked("b", one)], clock=CLOCK)
    assert ids[0] == ids[2] != ids[1]
    again = request_touches([replace(asked("a", two), step="other")], clock=CLOCK)
    assert again == [ids[1]]
    assert Touch.objects.get(pk=ids[1]).step == "hello"
    assert Touch.objects.count() == 2


@pytest.mark.parametrize(
    "change",
    [
        {"channels": ()},
        {"channels": ("pigeon",)},
        {"purpose": "fun"},
        {"content": Content({})},
        {"content": Content({"zh": Words(text=" ")})},
        {"content": Content({"zh": Words(text="a", link="javascript:x")})},
        {"not_after": NOW - timedelta(seconds=1)},
        {"customer_id": 999_999_999},
        {"key": ""},
        {"source": "x" * 101},
    ],
)
def test_what_is_not_complete_is_refused_and_nothing_is_taken(change: dict[str, Any]) -> None:
    good = asked("good", person())
    with pytest.raises(TouchInvalidError):
        request_touches([good, replace(good, **({"key": "bad"} | change))], clock=CLOCK)
    assert not Touch.objects.exists()


def test_what_has_not_gone_out_can_be_taken_back() -> None:
    one, two = person(), person()
    ids = request_touches([asked("a", one), asked("b", two)], clock=CLOCK)
    assert cancel_touches(source="launch:1", customer_ids=[one], clock=CLOCK) == 1
    assert cancel_touches(source="launch:2", clock=CLOCK) == 0
    states = dict(Touch.objects.values_list("pk", "state"))
    assert states == {ids[0]: "cancelled", ids[1]: "planned"}
