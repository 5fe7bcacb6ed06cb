"""Tags: given and taken once each, with origin, time and expiry, over joined customers; keys make repeats nothing."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.db import IntegrityError, transaction

from huitou.accounts.models import AuditEntry
from huitou.core.clock import FixedClock
from huitou.customers.models import Person
from huitou.customers.personal import erase_customer, export_customer
from huitou.customers.services import merge_customers, undo_merge
from huitou.segments.models import TagAssignment
from huitou.segments.queries import tags_of
from huitou.segments.services import (
    TagRefusedError,
    TagUnknownError,
    archive_tag,
    create_tag,
    give_tags,
    take_tags,
)

NOW = datetime(2024, 5, 1, tzinfo=UTC)
CLOCK = FixedClock(NOW)
pytestmark = pytest.mark.django_db


def later(days: int) -> FixedClock:
    return FixedClock(NOW + timedelta(days=days))


def people(count: int) -> list[int]:
    return [Person.objects.create(created_at=NOW).pk for _ in range(count)]


def names(customer: int, at: datetime = NOW) -> list[str]:
    return [held.tag for held in tags_of([customer], at)[customer]]


def test_given_twice_is_once_and_the_longer_expiry_counts() -> None:
    one, two = people(2)
    create_tag(name="vip", clock=CLOCK)
    assert give_tags(customer_ids=[one, two, one, 999_999], tag="vip", clock=CLOCK, expires_at=NOW + timedelta(9)) == 2
    assert give_tags(customer_ids=[one], tag="vip", clock=CLOCK, expires_at=NOW + timedelta(3)) == 0
    assert names(one, NOW + timedelta(8)) == ["vip"]
    assert names(one, NOW + timedelta(9)) == [], "an expiry is the first instant at which it holds no more"
    assert give_tags(customer_ids=[one], tag="vip", clock=CLOCK) == 0
    assert names(one, NOW + timedelta(90)) == ["vip"], "without an expiry it holds until it is taken"
    assert take_tags(customer_ids=[one, two], tag="vip", clock=later(1)) == 2
    assert take_tags(customer_ids=[one, two], tag="vip", clock=later(2)) == 0
    assert [names(one), names(one, NOW + timedelta(2))] == [["vip"], []], "the past stays as it was"


def test_an_expired_tag_can_be_given_anew() -> None:
    (one,) = people(1)
    create_tag(name="hot", clock=CLOCK)
    give_tags(customer_ids=[one], tag="hot", clock=CLOCK, expires_at=NOW + timedelta(1))
    assert give_tags(customer_ids=[one], tag="hot", clock=later(5)) == 1
    told = TagAssignment.objects.order_by("pk").values_list("taken_origin", "given_at")
    assert list(told) == [("expired", NOW), ("", NOW + timedelta(5))]
    assert [names(one, NOW + timedelta(days)) for days in (0, 2, 6)] == [["hot"], [], ["hot"]]


def test_a_key_makes_repeating_nothing() -> None:
    one, two = people(2)
    create_tag(name="hot", clock=CLOCK)
    assert give_tags(customer_ids=[one, two], tag="hot", clock=CLOCK, origin="play", key="launch:1") == 2
    take_tags(customer_ids=[one], tag="hot", clock=CLOCK)
    assert give_tags(customer_ids=[one, two], tag="hot", clock=CLOCK, origin="play", key="launch:1") == 2
    assert (names(one), names(two)) == ([], ["hot"])


def test_tags_follow_joins_and_their_undoing() -> None:
    """A customer carries what any of its persons carries; each person keeps what it was given."""
    one, two = people(2)
    for name in ("a", "b"):
        create_tag(name=name, clock=CLOCK)
    give_tags(customer_ids=[two], tag="a", clock=CLOCK)
    done = merge_customers(person_a=one, person_b=two, clock=CLOCK)
    assert names(one) == ["a"]
    give_tags(customer_ids=[two], tag="b", clock=CLOCK)
    undo_merge(merge_id=done.pk, clock=CLOCK)
    assert (names(one), names(two)) == (["b"], ["a"])
    merge_customers(person_a=one, person_b=two, clock=CLOCK)
    assert take_tags(customer_ids=[one], tag="a", clock=CLOCK) == 1
    assert names(one) == ["b"]


def test_what_cannot_be_is_refused_with_a_reason() -> None:
    (one,) = people(1)
    with pytest.raises(TagUnknownError):
        give_tags(customer_ids=[one], tag="nothing", clock=CLOCK)
    for name in ("", "x" * 61, 'a"b', "a|b"):
        with pytest.raises(TagRefusedError):
            create_tag(name=name, clock=CLOCK)
    create_tag(name="late", clock=CLOCK)
    with pytest.raises(TagRefusedError):
        give_tags(customer_ids=[one], tag="late", clock=CLOCK, expires_at=NOW)
    archive_tag(name="late", clock=CLOCK)
    with pytest.raises(TagRefusedError):
        give_tags(customer_ids=[one], tag="late", clock=CLOCK)
    create_tag(name="late", clock=CLOCK, group="季节", description="买得晚")
    assert give_tags(customer_ids=[one], tag="late", clock=CLOCK) == 1
    assert tags_of([one], NOW)[one][0].group == "季节"


def test_the_database_holds_one_standing_reason() -> None:
    (one,) = people(1)
    tag = create_tag(name="x", clock=CLOCK)
    row = {"person_id": one, "tag": tag, "origin": "manual", "given_at": NOW}
    TagAssignment.objects.create(**row)
    with pytest.raises(IntegrityError), transaction.atomic():
        TagAssignment.objects.create(**row)
    TagAssignment.objects.create(**row, origin_ref="another reason")


def test_one_audit_entry_tells_of_a_batch() -> None:
    create_tag(name="vip", clock=CLOCK)
    give_tags(customer_ids=people(3), tag="vip", clock=CLOCK, actor_label="worker", origin="import", origin_ref="a.csv")
    entry = AuditEntry.objects.get(action="tag.given")
    assert (entry.target, entry.count, entry.detail) == ("vip", 3, {"origin": "import", "origin_ref": "a.csv"})


def test_erasing_takes_tags_and_no_erased_customer_gets_one() -> None:
    (one,) = people(1)
    create_tag(name="vip", clock=CLOCK)
    give_tags(customer_ids=[one], tag="vip", clock=CLOCK)
    assert export_customer(person_id=one, clock=CLOCK)["segments"]["tags"][0]["tag"] == "vip"
    erase_customer(person_id=one, clock=CLOCK)
    assert not TagAssignment.objects.exists()
    assert give_tags(customer_ids=[one], tag="vip", clock=CLOCK) == 0
