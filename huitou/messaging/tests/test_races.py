"""Two workers and one last place: exactly one touch takes it, whichever cap or quota it is under.

The first worker is stopped inside its transaction, after it has judged and before anything is committed; the second one
runs against it over a connection of its own.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction

from huitou.core.clock import FixedClock, local_day
from huitou.customers.services import merge_customers
from huitou.experiments.services import hold_out
from huitou.messaging import deciding
from huitou.messaging.channel import CHANNELS, Quota
from huitou.messaging.models import ChannelAccount, ContactPolicy, ContactSlot, Touch
from huitou.messaging.outbox import send_due
from huitou.messaging.services import Content, TouchRequest, Words, request_touches
from huitou.messaging.tests.stage import NOON, Recorder, a_channel, agree, ask, make_customer

pytestmark = pytest.mark.django_db(transaction=True)
CLOCK = FixedClock(NOON)
_PATIENCE = 20.0


def other(key: str, customer: int, **more: Any) -> TouchRequest:
    """A touch with words of its own, so that only the places count."""
    return ask(key, customer, content=Content({"zh": Words(text=f"另一条 {key}")}), **more)


def drawn_customer() -> int:
    """A customer whose place in the holdout is drawn: the first draw makes others wait, which would hide the race."""
    customer = make_customer()
    hold_out([customer], clock=CLOCK)
    return customer


class Gate:
    """Holds the first worker that has judged until the second one has run as far as it can."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.inside, self.go = threading.Event(), threading.Event()
        self._first = threading.Lock()
        real = deciding._write_decisions

        def held(*given: Any) -> None:
            if self._first.acquire(blocking=False):
                self.inside.set()
                assert self.go.wait(_PATIENCE)
            real(*given)

        monkeypatch.setattr(deciding, "_write_decisions", held)


def race(gate: Gate, work: Callable[[], object], meanwhile: Callable[[], object] = lambda: None) -> list[BaseException]:
    """Run `work` in two threads, the second while the first one is held; returns what they raised.

    `meanwhile` happens in between: what the first one cannot have in hand.
    """
    errors: list[BaseException] = []

    def run() -> None:
        try:
            work()
        except BaseException as error:
            errors.append(error)
        finally:
            connection.close()

    first, second = threading.Thread(target=run), threading.Thread(target=run)
    first.start()
    assert gate.inside.wait(_PATIENCE)
    meanwhile()
    second.start()
    ends = time.monotonic() + _PATIENCE
    while second.is_alive() and not _somebody_waits() and time.monotonic() < ends:
        time.sleep(0.02)
    gate.go.set()
    for thread in (first, second):
        thread.join(_PATIENCE)
        assert not thread.is_alive()
    return errors


def _somebody_waits() -> bool:
    """Whether a connection waits for a lock: the second worker gets no further while the first is held."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_locks WHERE NOT granted")
        return bool(cursor.fetchone()[0])


def one_place_a_day() -> None:
    ContactPolicy.objects.create(pk=1, cap_day=1, cap_week=9)


def one_place_a_week() -> None:
    ContactPolicy.objects.create(pk=1, cap_day=5, cap_week=1)


@pytest.mark.parametrize("cap", [one_place_a_day, one_place_a_week])
@pytest.mark.parametrize("joined", [False, True])
def test_the_last_place_under_a_cap_is_taken_once(
    accounts: dict[str, ChannelAccount],
    recorder: Recorder,
    monkeypatch: pytest.MonkeyPatch,
    cap: Callable[[], None],
    joined: bool,
) -> None:
    """Two touches of one customer, or of two persons who are one customer; the second is planned in mid-air."""
    cap()
    one = drawn_customer()
    two = drawn_customer() if joined else one
    if joined:
        merge_customers(person_a=one, person_b=two, clock=CLOCK)
    request_touches([other("a", one)], clock=CLOCK)
    late = [other("b", two)]
    gate = Gate(monkeypatch)
    assert race(gate, lambda: send_due(clock=CLOCK), lambda: request_touches(late, clock=CLOCK)) == []
    send_due(clock=CLOCK)
    assert len(recorder.sent) == 1
    assert sorted(Touch.objects.values_list("state", flat=True)) in (["refused", "sent"], ["sent", "waiting"])
    assert ContactSlot.objects.filter(period="day").count() == 1


def test_the_last_message_of_an_accounts_minute_is_sent_once(
    accounts: dict[str, ChannelAccount], recorder: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two customers who have nothing to do with each other, one account with one message left."""
    ChannelAccount.objects.filter(pk=accounts["text"].pk).update(per_minute=1)
    request_touches([other("a", drawn_customer())], clock=CLOCK)
    late = [other("b", drawn_customer())]
    gate = Gate(monkeypatch)
    assert race(gate, lambda: send_due(clock=CLOCK), lambda: request_touches(late, clock=CLOCK)) == []
    send_due(clock=CLOCK)
    assert len(recorder.sent) == 1
    send_due(clock=FixedClock(NOON + timedelta(minutes=2)))
    assert len(recorder.sent) == 2


def test_the_last_message_of_a_customers_quota_is_sent_once(
    accounts: dict[str, ChannelAccount], recorder: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    ContactPolicy.objects.create(pk=1, cap_day=9, cap_week=9)
    bound = a_channel("text", recorder, quotas=lambda _settings, _day: (Quota("q", 1, "day"),))
    monkeypatch.setattr(CHANNELS, "_entries", dict(CHANNELS._load()) | {"text": bound})
    customer = drawn_customer()
    request_touches([other("a", customer)], clock=CLOCK)
    late = [other("b", customer)]
    gate = Gate(monkeypatch)
    assert race(gate, lambda: send_due(clock=CLOCK), lambda: request_touches(late, clock=CLOCK)) == []
    send_due(clock=CLOCK)
    assert len(recorder.sent) == 1


def test_the_database_gives_no_place_twice_even_to_who_does_not_lock(accounts: dict[str, ChannelAccount]) -> None:
    """The last guard: two connections insert the same place at the same time."""
    customer = drawn_customer()
    ids = request_touches([other("a", customer), other("b", customer)], clock=CLOCK)
    outcomes: list[str] = []
    barrier = threading.Barrier(2)

    def take(touch_id: int) -> None:
        day = local_day(NOON, CLOCK.now().tzinfo)  # type: ignore[arg-type]
        try:
            with transaction.atomic():
                barrier.wait(_PATIENCE)
                ContactSlot.objects.create(person_id=customer, period="day", starts=day, number=1, touch_id=touch_id)
            outcomes.append("taken")
        except IntegrityError:
            outcomes.append("refused")
        finally:
            connection.close()

    threads = [threading.Thread(target=take, args=(pk,)) for pk in ids]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(_PATIENCE)
    assert sorted(outcomes) == ["refused", "taken"]


def test_a_withdrawal_of_the_other_person_binds_both(accounts: dict[str, ChannelAccount], recorder: Recorder) -> None:
    """Joined between planning and sending: the most restrictive decision wins."""
    one, two = drawn_customer(), drawn_customer()
    request_touches([other("a", one)], clock=CLOCK)
    agree(two, "text", granted=False, at=NOON - timedelta(hours=1))
    merge_customers(person_a=one, person_b=two, clock=CLOCK)
    send_due(clock=CLOCK)
    assert recorder.sent == []
    assert Touch.objects.get().reason == "no_consent"
