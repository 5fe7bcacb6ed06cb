"""Counts, members and matches equal a plain account, now and in the past; tags and consent as PostgreSQL has them."""

from __future__ import annotations

from datetime import timedelta

import pytest

from huitou.core.clock import FixedClock
from huitou.customers.services import ConsentDecision, merge_customers, record_consents
from huitou.orders.queries import NotRefreshedError
from huitou.orders.tests.conftest import Feed
from huitou.segments.counting import estimate
from huitou.segments.queries import (
    SegmentUnknownError,
    WhereRefusedError,
    changes_of,
    count_members,
    customer_ids_of,
    matching,
    moves_of,
    sample_people,
    sample_size,
    segments_of,
)
from huitou.segments.services import change_segment, create_segment, create_tag, give_tags, take_tags
from huitou.segments.tests.conftest import NOW, Refresh, buy, move_to, order, people

pytestmark = pytest.mark.django_db(transaction=True)
TWICE = {"feature": "order_count", "is": ">=", "value": 2}
CLOCK = FixedClock(NOW)


def test_counts_now_and_as_of_the_past(feed: Feed, refreshed: Refresh) -> None:
    one, two, three = people(3)
    days = {one: (50, 40), two: (20, 1), three: (3,)}
    buy(feed, [order(p, NOW - timedelta(d)) for p, listed in days.items() for d in listed])
    refreshed()
    assert count_members(TWICE) == 2
    assert count_members(TWICE, NOW - timedelta(10)) == 1
    assert count_members(TWICE, NOW - timedelta(45)) == 0
    assert count_members({"not": TWICE}, NOW - timedelta(10)) == 2, "known for long, though nothing was bought"
    idle = {"all": [TWICE, {"feature": "days_since_last_order", "is": ">=", "value": 30}]}
    assert (count_members(idle), count_members(idle, NOW - timedelta(15))) == (1, 0)
    assert matching(TWICE, [one, three]) == {one}
    assert matching(TWICE, [one, two], NOW - timedelta(10)) == {one}
    assert {p.person_id for p in sample_people(TWICE)} == {one, two}
    small = sample_size(TWICE)
    assert (small.size, small.low, small.high, small.exact) == (2, 2, 2, True)


def test_saved_segments_before_and_after_their_first_refresh(feed: Feed, refreshed: Refresh) -> None:
    one, two = people(2)
    buy(feed, [order(one, NOW - timedelta(d)) for d in (9, 3)])
    refreshed()
    create_segment(name="twice", title="买过两次", definition=TWICE, clock=CLOCK)
    other = {"not": {"segment": "twice"}}
    assert (customer_ids_of("twice"), count_members(other)) == ([one], 1), "computed where no refresh has counted it"
    first = refreshed()
    assert [(m.segment, m.since) for m in segments_of(one)] == [("twice", NOW)]
    later = move_to(NOW + timedelta(2))
    buy(feed, [order(two, NOW + timedelta(days=1, hours=h)) for h in (0, 1)])
    second = refreshed()
    assert [(m.segment, m.since) for m in segments_of(two)] == [("twice", later.now())]
    told = [row for batch in changes_of("twice", after_run=first.pk) for row in batch.to_pylist()]
    assert [(r["run"], r["person_id"], r["change"]) for r in told] == [(second.pk, two, "entered")]
    assert customer_ids_of("twice", NOW - timedelta(1)) == [one]
    assert customer_ids_of("twice", NOW - timedelta(5)) == []
    change_segment(name="twice", definition={"feature": "order_count", "is": "=", "value": 0}, clock=later)
    assert customer_ids_of("twice") == [], "the condition of today counts"
    assert count_members(other) == 2
    refreshed()
    assert [(m.segment, m.change) for m in moves_of(one)] == [("twice", "left"), ("twice", "entered")]
    with pytest.raises(SegmentUnknownError):
        customer_ids_of("nobody")


def test_matching_looks_at_postgresql(feed: Feed, refreshed: Refresh) -> None:
    """Tags and consent given since the refresh count at once; joined persons stand for their customer."""
    one, two = people(2)
    create_tag(name="vip", clock=CLOCK)
    refreshed()
    where = {"all": [{"tag": "vip"}, {"consent": {"channel": "sms", "purpose": "marketing"}}]}
    record_consents(decisions=[ConsentDecision(one, "sms", "marketing", True, NOW, "form", "v1")], clock=CLOCK)
    give_tags(customer_ids=[one, two], tag="vip", clock=CLOCK, expires_at=NOW + timedelta(2))
    later = NOW + timedelta(1)
    assert matching(where, [one, two], later) == {one}
    assert count_members(where) == 0, "an audience is as of the refresh"
    assert matching(where, [one, two], NOW + timedelta(3)) == set(), "expired"
    record_consents(decisions=[ConsentDecision(one, "*", "*", False, later, "form", "v1")], clock=FixedClock(later))
    assert matching(where, [one], later) == set()
    assert matching({"tag": "vip"}, [two], later) == {two}
    merge_customers(person_a=one, person_b=two, clock=CLOCK)
    take_tags(customer_ids=[one], tag="vip", clock=FixedClock(later))
    assert matching({"tag": "vip"}, [one, two], later) == set()


def test_what_expires_shows_at_the_next_refresh(refreshed: Refresh) -> None:
    (one,) = people(1)
    create_tag(name="hot", clock=CLOCK)
    create_segment(name="hot_ones", definition={"tag": "hot"}, clock=CLOCK)
    give_tags(customer_ids=[one], tag="hot", clock=CLOCK, expires_at=NOW + timedelta(hours=2))
    first = refreshed()
    assert customer_ids_of("hot_ones") == [one]
    move_to(NOW + timedelta(hours=1))
    assert refreshed().pk == first.pk, "nothing has changed"
    move_to(NOW + timedelta(hours=2))
    assert refreshed().pk != first.pk
    assert customer_ids_of("hot_ones") == []


def test_errors_say_what_and_where(refreshed: Refresh) -> None:
    with pytest.raises(NotRefreshedError):
        count_members(TWICE)
    refreshed()
    for where, code in (
        ({"feature": "orders", "is": ">=", "value": 2}, "unknown_feature"),
        ({"segment": "nobody"}, "segment_unknown"),
        (None, "not_an_object"),
        ([], "not_an_object"),
    ):
        with pytest.raises(WhereRefusedError) as caught:
            count_members(where)  # type: ignore[arg-type]
        assert caught.value.code == code
        assert caught.value.path.startswith("$")


def test_the_interval_of_a_sample() -> None:
    """Wilson's interval of 10 in 100 is 0.0552 to 0.1744."""
    found = estimate(10, 100, 10_000)
    assert (found.size, found.low, found.high) == (1000, 552, 1744)
    nobody, everybody = estimate(0, 200, 20_000), estimate(200, 200, 20_000)
    assert (nobody.size, nobody.low) == (0, 0)
    assert 0 < nobody.high < 400
    assert (everybody.size, everybody.high) == (20_000, 20_000)
    assert estimate(0, 0, 50).high == 50


def test_the_sample_covers_the_truth() -> None:
    """Over the draws of many salts, about 95 of 100 intervals hold the true size."""
    from hashlib import md5

    whole, truth, held = 20_000, 3_000, 0
    for salt in range(100):
        drawn = [i for i in range(whole) if int(md5(f"{salt}:{i}".encode()).hexdigest()[:8], 16) < 2**32 // 100]
        found = estimate(sum(i < truth for i in drawn), len(drawn), whole)
        held += found.low <= truth <= found.high
    assert 89 <= held <= 100
