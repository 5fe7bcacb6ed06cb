"""What persons told: the latest counts whatever the order, milestones are read or refused, withdrawal wins."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from huitou.core.clock import FixedClock
from huitou.customers.models import Acquisition, Consent, Identifier, Milestone, Person
from huitou.customers.portrait import find_portrait
from huitou.customers.queries import may_contact
from huitou.customers.services import (
    AcquisitionReport,
    ConsentDecision,
    Sighting,
    TraitReport,
    merge_customers,
    record_acquisitions,
    record_consents,
    record_traits,
    resolve_sightings,
    undo_merge,
)

NOW = datetime(2024, 5, 1, tzinfo=UTC)
CLOCK = FixedClock(NOW)
pytestmark = pytest.mark.django_db


def person() -> int:
    return Person.objects.create(created_at=NOW).pk


def report(who: int, minute: int, name: str = "", phone: str = "", **attributes: object) -> TraitReport:
    return TraitReport(who, NOW + timedelta(minutes=minute), name, phone, attributes)


def decision(who: int, granted: bool, minute: int, channel: str = "sms", purpose: str = "marketing") -> ConsentDecision:
    return ConsentDecision(who, channel, purpose, granted, NOW + timedelta(minutes=minute), "form", "v2")


def test_the_latest_report_of_each_trait_counts_whatever_the_order() -> None:
    """Late reports change only what nobody told later; None takes a trait back; masked phones replace no whole one."""
    who = person()
    told = [
        report(who, 3, "李雷", "13912345670", city="上海", vip=True),
        report(who, 1, "李", "13700000001", city="北京", age=30),
        report(who, 5, phone="139****5670", city="杭州", vip=None),
    ]
    for order in (told, told[::-1], [told[1], told[0], told[2]]):
        Person.objects.filter(pk=who).update(attributes={}, told_at={}, display_name="", phone="")
        for one in order:
            record_traits(traits=[one], source="app", clock=CLOCK)
        found = Person.objects.get(pk=who)
        assert (found.display_name, found.attributes) == ("李雷", {"city": "杭州", "age": 30})
    Person.objects.filter(pk=who).update(attributes={}, told_at={}, display_name="", phone="")
    record_traits(traits=told, source="app", clock=CLOCK)
    assert Person.objects.get(pk=who).attributes == {"city": "杭州", "age": 30}
    assert Person.objects.get(pk=who).phone in ("13912345670", "139****5670")


@pytest.mark.parametrize(
    ("name", "value", "kept"),
    [
        ("birthday", "1990/5/1", ("birthday", "1990-05-01")),
        ("生日", "1990年5月1日", ("birthday", "1990-05-01")),
        ("dob", "19900501", ("birthday", "1990-05-01")),
        ("birthday", "1990-05-01T00:00:00Z", ("birthday", "1990-05-01")),
        ("birthday", "2024-06-01", None),
        ("birthday", "1990-02-30", None),
        ("birthday", "1888-01-01", None),
        ("birthday", "05-01", None),
        ("due_date", "2024-09-01", ("child_birth_date", "2024-09-01")),
        ("due_date", "2025-09-01", None),
        ("skin_type", "干皮", ("skin_type", "dry")),
        ("skin_type", "Oily", ("skin_type", "oily")),
        ("skin_type", "blue", None),
        ("height", "172 cm", ("height_cm", "172")),
        ("height", 1720, None),
        ("height", "NaN", None),
    ],
)
def test_milestones_are_read_into_their_type_or_refused_with_a_reason(
    name: str, value: object, kept: tuple[str, str] | None
) -> None:
    """Nothing half understood is kept."""
    who = person()
    problems = record_traits(traits=[TraitReport(who, NOW, "", "", {name: value})], source="app", clock=CLOCK)
    assert list(Milestone.objects.values_list("kind", "value")) == ([kept] if kept else [])
    assert [(p.person_id, p.name, p.value) for p in problems] == ([] if kept else [(who, name, str(value))])
    assert all(p.reason for p in problems)
    assert Person.objects.get().attributes == {}


def test_what_postgresql_cannot_keep_is_left_out() -> None:
    """NUL and halves of characters: a device that sends them does not stop a batch."""
    who = person()
    odd = "a\0b\ud83dc"
    told = TraitReport(who, NOW, odd, odd, {"city": odd, "word": "\\u0000", odd: 1, "height_m": float("nan")})
    problems = record_traits(traits=[told], source="app", clock=CLOCK)
    found = Person.objects.get(pk=who)
    assert (found.display_name, found.attributes) == ("abc", {"city": "abc", "word": "\\u0000"})
    assert len(problems) == 2
    record_consents(decisions=[ConsentDecision(who, "sms", "x", False, NOW, "form", odd)], clock=CLOCK)
    record_acquisitions(reports=[AcquisitionReport(who, NOW, "ad", odd, odd)], clock=CLOCK)
    identifiers = (("customer_id", "", odd), ("anonymous_id", "", "\0"), ("openid", odd, odd))
    resolve_sightings(sightings=[Sighting(0, identifiers, NOW)], source="app", clock=CLOCK)
    assert set(Identifier.objects.values_list("kind", "value")) == {("customer_id", "abc"), ("openid", "abc")}


def test_milestones_keep_their_history() -> None:
    """Every value that was told, once."""
    who = person()
    for minute, value in ((2, "2021-01-01"), (1, "2020-01-01"), (2, "2021-01-01")):
        record_traits(traits=[report(who, minute, child_birth_date=value)], source="app", clock=CLOCK)
    told = Milestone.objects.order_by("at").values_list("value", flat=True)
    assert list(told) == ["2020-01-01", "2021-01-01"]


def test_nobody_may_be_contacted_unasked_and_withdrawal_works_at_once() -> None:
    """The latest decision counts, of two at one time the withdrawal; other channels and purposes are not touched."""
    who = person()
    assert not may_contact(who, "sms", "marketing", NOW)
    record_consents(decisions=[decision(who, True, 0)], clock=CLOCK)
    assert may_contact(who, "sms", "marketing", NOW)
    assert not may_contact(who, "email", "marketing", NOW)
    assert not may_contact(who, "sms", "service", NOW)
    record_consents(decisions=[decision(who, False, 0)], clock=CLOCK)
    assert not may_contact(who, "sms", "marketing", NOW)
    record_consents(decisions=[decision(who, True, 5)], clock=CLOCK)
    assert not may_contact(who, "sms", "marketing", NOW), "a grant does not count before its time"
    assert may_contact(who, "sms", "marketing", NOW + timedelta(minutes=5))
    record_consents(decisions=[decision(who, False, 6, channel="*", purpose="*")], clock=CLOCK)
    assert not may_contact(who, "sms", "marketing", NOW + timedelta(minutes=5)), "a withdrawal counts at once"
    assert record_consents(decisions=[decision(who, True, 7, channel="*")], clock=CLOCK)[0].person_id == who
    assert Consent.objects.count() == 4


def test_a_customer_has_the_most_restrictive_of_its_persons_decisions() -> None:
    """A join never makes anybody reachable who said no; persons who never decided say nothing."""
    yes, no, silent = person(), person(), person()
    record_consents(decisions=[decision(yes, True, 9), decision(no, False, 1)], clock=CLOCK)
    later = NOW + timedelta(hours=1)
    merge_customers(person_a=yes, person_b=silent, clock=CLOCK)
    assert may_contact(yes, "sms", "marketing", later)
    assert may_contact(silent, "sms", "marketing", later)
    merge_customers(person_a=silent, person_b=no, clock=CLOCK)
    assert not may_contact(yes, "sms", "marketing", later)


@settings(deadline=None)
@given(
    decisions=st.lists(st.tuples(st.integers(0, 5), st.booleans(), st.sampled_from(["sms", "email", "*"])), max_size=8)
)
def test_consent_against_a_plain_reading(decisions: list[tuple[int, bool, str]]) -> None:
    """Random decisions in random order against: sort by time, withdrawals last, take the last that matches."""
    who = person()
    for minute, granted, channel in decisions:
        record_consents(decisions=[decision(who, granted, minute, channel)], clock=CLOCK)
    matching = [d for d in decisions if d[2] in ("sms", "*") and not (d[1] and d[2] == "*")]
    expected = max(matching, key=lambda d: (d[0], not d[1]))[1] if matching else False
    assert may_contact(who, "sms", "marketing", NOW + timedelta(hours=1)) is expected


@pytest.mark.parametrize("asked", [0, 1])
def test_a_decision_of_a_joined_customer_outlives_the_undoing(asked: int) -> None:
    """Whichever person is asked about, a withdrawal stays with both; a grant lifts it for both, for others nothing."""
    both = person(), person()
    later = NOW + timedelta(hours=1)
    record_consents(decisions=[decision(who, True, 0) for who in both], clock=CLOCK)
    merge = merge_customers(person_a=both[0], person_b=both[1], clock=CLOCK)
    record_consents(decisions=[decision(both[asked], False, 1, channel="*", purpose="*")], clock=CLOCK)
    undo_merge(merge_id=merge.pk, clock=CLOCK)
    assert [may_contact(who, "sms", "marketing", later) for who in both] == [False, False]
    again = merge_customers(person_a=both[0], person_b=both[1], clock=CLOCK)
    record_consents(decisions=[decision(both[asked], True, 2)], clock=CLOCK)
    assert may_contact(both[0], "sms", "marketing", later), "a new grant takes effect"
    record_consents(decisions=[decision(both[asked], True, 3, channel="email")], clock=CLOCK)
    undo_merge(merge_id=again.pk, clock=CLOCK)
    assert [may_contact(who, "sms", "marketing", later) for who in both] == [True, True]
    assert not may_contact(both[0], "phone", "marketing", later)


def test_a_grant_stays_with_its_person_where_it_lifts_nothing() -> None:
    """A join undone gives nobody a consent that only the other gave."""
    one, other = person(), person()
    merge = merge_customers(person_a=one, person_b=other, clock=CLOCK)
    record_consents(decisions=[decision(other, False, 0, channel="email"), decision(other, True, 1)], clock=CLOCK)
    undo_merge(merge_id=merge.pk, clock=CLOCK)
    later = NOW + timedelta(hours=1)
    assert (may_contact(one, "sms", "marketing", later), may_contact(other, "sms", "marketing", later)) == (False, True)


def test_withdrawal_and_grant_of_one_batch_count_by_their_times() -> None:
    """In whatever order a batch holds them: a grant lifts what was withdrawn just before it, for every person."""
    for first in (0, 1):
        one, other = person(), person()
        merge_customers(person_a=one, person_b=other, clock=CLOCK)
        batch = [decision(one, False, 1), decision(other, True, 2)]
        record_consents(decisions=[batch[first], batch[1 - first]], clock=CLOCK)
        assert may_contact(one, "sms", "marketing", NOW + timedelta(hours=1))


@given(
    decisions=st.lists(
        st.tuples(st.integers(0, 1), st.integers(0, 9), st.booleans(), st.sampled_from(["sms", "email", "*"])),
        min_size=1,
        max_size=8,
    )
)
def test_what_is_shown_is_what_counts(decisions: list[tuple[int, int, bool, str]]) -> None:
    """Two persons who decided apart and were joined: each row shown says what `may_contact` answers, now."""
    both = person(), person()
    for who, minute, granted, channel in decisions:
        record_consents(decisions=[decision(both[who], granted, minute, channel)], clock=CLOCK)
    merge_customers(person_a=both[0], person_b=both[1], clock=CLOCK)
    now = NOW + timedelta(minutes=5)
    portrait = find_portrait(both[1], clock=FixedClock(now))
    assert portrait is not None
    for row in portrait.consents:
        assert row.granted is may_contact(both[0], row.channel, row.purpose, now), row
    kept = {d[3] for d in decisions if not (d[2] and d[3] == "*") and (d[1] <= 5 or not d[2])}
    assert {row.channel for row in portrait.consents} == kept


def test_the_first_touch_wins() -> None:
    """In whatever order reports come; unknown kinds are refused."""
    who, friend = person(), person()

    def touch(minute: int, kind: str, inviter: int | None = None) -> AcquisitionReport:
        return AcquisitionReport(who, NOW + timedelta(minutes=minute), kind, f"c{minute}", "618", inviter)

    for batch in ([touch(3, "ad")], [touch(1, "inviter", friend), touch(2, "card")], [touch(4, "kol")]):
        record_acquisitions(reports=batch, clock=CLOCK)
    found = Acquisition.objects.get(person=who)
    assert (found.kind, found.code, found.inviter_id, found.campaign) == ("inviter", "", friend, "618")
    assert record_acquisitions(reports=[touch(0, "magic")], clock=CLOCK)[0].value == "magic"
