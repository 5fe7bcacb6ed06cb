"""Feeds by their counters: freshness, completeness and accuracy, beside an account of every single event."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from random import Random

import pytest

from huitou.accounts.keys import create_key
from huitou.accounts.models import AuditEntry, Brand
from huitou.core.clock import FixedClock
from huitou.core.home import Home
from huitou.sources.consuming.batch import Batch, Event
from huitou.sources.consuming.quality import count_quality
from huitou.sources.feeds.queries import find_feed, list_feeds
from huitou.sources.feeds.services import ExpectationInvalidError, FeedUnknownError, expect_feed
from huitou.sources.models import FeedDay, ImportRun
from huitou.sources.tests.test_tracking_plan import VIEWED, event

NAMES = (
    *("received", "accepted", "rejected", "with_user", "with_channel"),
    *("complete", "invalid", "unplanned", "prompt", "corrected"),
)
NOW = datetime(2026, 3, 2, 4, 0, tzinfo=UTC)


@pytest.fixture
def brand(db: None) -> Brand:
    return Brand.objects.create(pk=1, name="Test", zone="Asia/Shanghai", currency="CNY")


def send(brand: Brand, home: Home, at: datetime, *events: Event, repeated: int = 0, refused: int = 0) -> None:
    batch = Batch(list(events), home, FixedClock(at), repeated={"app": repeated} if repeated else {})
    for one in events[:refused]:
        batch.refuse(one, "failed")
    count_quality(batch)


def steady(brand: Brand, home: Home, days: int, until: datetime, n: int = 30, hours: int = 6) -> None:
    """Some events every few hours, up to and with `until`."""
    at = until - timedelta(days=days)
    while at <= until:
        send(brand, home, at, *(event(k, "Product Viewed", VIEWED, received_at=at, occurred_at=at) for k in range(n)))
        at += timedelta(hours=hours)


@pytest.mark.django_db
def test_counters_add_up_to_what_single_events_say(brand: Brand, home: Home) -> None:
    """Random events in random batches around the brand's midnight, counted once more one by one."""
    random = Random(7)
    told: dict[date, dict[str, int]] = {}
    midnight = datetime(2026, 3, 1, 16, 0, tzinfo=UTC)
    for _batch in range(60):
        events, refused = [], random.randint(0, 2)
        for k in range(random.randint(2, 9)):
            received = midnight + timedelta(minutes=random.randint(-300, 300))
            held, off = random.choice([0, 299, 301]), random.choice([0.0, -61.0, 59.0])
            user, channel = random.choice(["", "c1"]), random.choice(["", "app"])
            properties = random.choice([VIEWED, {}, {**VIEWED, "price": "x"}, {**VIEWED, "colour": 1}])
            events.append(
                event(
                    k,
                    "Product Viewed",
                    properties,
                    received_at=received,
                    occurred_at=received - timedelta(seconds=held),
                    user_id=user,
                    channel_told=bool(channel),
                    clock_off_seconds=off,
                )
            )
            day = told.setdefault((received + timedelta(hours=8)).date(), dict.fromkeys(NAMES, 0))
            day["received"] += 1
            if k < refused:
                day["rejected"] += 1
                continue
            day["accepted"] += 1
            day["with_user"] += bool(user)
            day["with_channel"] += bool(channel)
            day["complete"] += "product_id" in properties
            day["invalid"] += "product_id" not in properties or properties["price"] == "x"
            day["unplanned"] += "colour" in properties
            day["prompt"] += held < 300
            day["corrected"] += abs(off) > 60
        send(brand, home, midnight, *events, refused=refused)
    send(brand, home, midnight, repeated=5)
    kept = {row.day: row for row in FeedDay.objects.filter(source="app")}
    assert kept[date(2026, 3, 2)].repeated == 5
    told[date(2026, 3, 2)]["received"] += 5
    assert {day: {name: getattr(row, name) for name in told[day]} for day, row in kept.items()} == told


@pytest.mark.django_db
def test_a_feed_is_late_by_its_own_rhythm_or_as_set(brand: Brand, home: Home) -> None:
    steady(brand, home, 10, NOW)

    def late(hours: float) -> bool:
        feed = find_feed("app", brand=brand, clock=FixedClock(NOW + timedelta(hours=hours)))
        assert feed is not None
        assert feed.is_late == ("late" in feed.attention)
        return feed.is_late

    # It is used to six hours of silence; half as much again is let pass.
    assert [late(hours) for hours in (1, 8.9, 9.1, 40)] == [False, False, True, True]
    expect_feed(source="app", expected=timedelta(hours=30), clock=FixedClock(NOW))
    assert [late(hours) for hours in (29, 31)] == [False, True]
    expect_feed(source="app", expected=None, clock=FixedClock(NOW))
    assert [late(hours) for hours in (8.9, 9.1)] == [False, True]
    assert AuditEntry.objects.filter(action="feed.expectation_set").count() == 2


@pytest.mark.django_db
def test_a_young_feed_may_be_silent_for_a_day(brand: Brand, home: Home) -> None:
    send(brand, home, NOW, event(1, "Product Viewed", VIEWED))
    for hours, late in ((35, False), (37, True)):
        feed = find_feed("app", brand=brand, clock=FixedClock(NOW + timedelta(hours=hours)))
        assert feed is not None
        assert feed.is_late is late


@pytest.mark.django_db
def test_a_day_with_less_than_half_of_the_usual_is_a_gap(brand: Brand, home: Home) -> None:
    """Seven days of 120 events, one of 30, then 120 again; today is never judged."""
    steady(brand, home, 12, NOW)
    FeedDay.objects.filter(day=date(2026, 2, 27)).update(received=30, accepted=30)
    FeedDay.objects.filter(day=date(2026, 3, 2)).update(received=1, accepted=1)
    feed = find_feed("app", brand=brand, clock=FixedClock(NOW))
    assert feed is not None
    assert [day.day for day in feed.days if day.is_gap] == [date(2026, 2, 27)]
    usual = {day.day: day.usual for day in feed.days}
    assert usual[date(2026, 3, 1)] == 120
    assert usual[date(2026, 2, 19)] is None
    assert "gap" in feed.attention


@pytest.mark.django_db
def test_what_needs_attention_is_said(brand: Brand, home: Home) -> None:
    odd = [event(k, "Product Viewed", {}, user_id="", channel_told=False, clock_off_seconds=90.0) for k in range(100)]
    send(brand, home, NOW, *odd, refused=5, repeated=60)
    feed = find_feed("app", brand=brand, clock=FixedClock(NOW))
    assert feed is not None
    assert feed.attention == ("rejected", "invalid", "incomplete", "repeated", "clock", "no_user", "no_channel")
    assert (feed.share("rejected"), feed.share("complete")) == (5 / 160, 0.0)


@pytest.mark.django_db
def test_a_write_key_that_nobody_used_and_files_are_feeds_too(brand: Brand) -> None:
    create_key(name="Shop", kind="write", source="shop", clock=FixedClock(NOW))
    for days in (15, 12, 9, 6):
        ImportRun.objects.create(
            key=str(days),
            kind="orders",
            source="taobao",
            file_name="o.csv",
            file_path="/o.csv",
            content_hash="x",
            state="done",
            rows=100,
            accepted=98,
            rejected=2,
            created_at=NOW - timedelta(days=days),
        )
    found = {feed.source: feed for feed in list_feeds(brand=brand, clock=FixedClock(NOW))}
    assert (found["shop"].attention, found["shop"].keys) == (("never_sent",), ("Shop",))
    files = found["taobao"]
    # Every three days; six days later it is about to be late.
    assert (files.kind, files.expected, files.is_late) == ("files", timedelta(days=3), False)
    assert (files.counts.received, files.counts.rejected) == (300, 6)
    later = {feed.source: feed for feed in list_feeds(brand=brand, clock=FixedClock(NOW + timedelta(hours=1)))}
    assert later["taobao"].is_late


@pytest.mark.django_db
def test_expectations_that_make_no_sense_are_refused(brand: Brand) -> None:
    with pytest.raises(FeedUnknownError):
        expect_feed(source="nobody", expected=timedelta(hours=1), clock=FixedClock(NOW))
    with pytest.raises(ExpectationInvalidError):
        expect_feed(source="nobody", expected=timedelta(seconds=1), clock=FixedClock(NOW))
