"""Rows of others that tell of a person: found however they spell it, and after a first look only where they changed."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from huitou.customers.mentions import Mentions, find_mentions
from huitou.customers.models import Person
from huitou.customers.needles import Needles

NOW = datetime(2024, 6, 1, tzinfo=UTC)
KEYS = [
    ("phone", "", "+8613912345670"),
    ("customer_id", "", "C-90017"),
    ("member_no", "", "11"),
    ("buyer_id", "taobao:x", 'a_b%c\\d"e123456'),
    ("email", "", "lei@qq.com"),
]
HELD = (
    "13912345670",
    "tel 139 1234-5670",
    "１３９１２３４５６７０",
    "c-90017",
    "see C-90017.",
    "11",
    11,
    'a_b%c\\d"e123456',
    "Lei@QQ.com",
    ["x", {"deep": "C-90017"}],
)
OTHERS = ("13912345671", "C-9001", "211", 110, 'aXbZc\\d"e123456', "面霜", "lei at qq")


def person(value: object) -> int:
    return Person.objects.create(attributes={"told": value}, created_at=NOW).pk


def found(before: Mentions | None = None, but: int = 0) -> Mentions:
    return find_mentions(Person, "attributes::text", Needles(KEYS), [but], before)


@pytest.mark.django_db
def test_every_spelling_is_found_and_nothing_of_others() -> None:
    held = {person(value) for value in HELD}
    for value in OTHERS:
        person(value)
    assert found().keys == held
    assert found(but=min(held)).keys == held - {min(held)}


@pytest.mark.django_db(transaction=True)
def test_a_second_look_reads_what_was_written_since() -> None:
    first, untouched, changed = person("C-90017"), person("C-90017"), person("nothing")
    look = found()
    assert look.keys == {first, untouched}
    fresh = person("C-90017")
    Person.objects.filter(pk=changed).update(attributes={"told": "11"})
    assert found(look).keys == {first, untouched, changed, fresh}
    assert found(Mentions(frozenset(), look.since)).keys == {changed, fresh}
