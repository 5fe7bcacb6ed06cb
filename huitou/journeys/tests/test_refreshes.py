"""What a refresh shows the engine: who entered or left a segment, who reached the goal; and tags on the way."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from huitou.accounts.models import Brand
from huitou.core.clock import FixedClock
from huitou.core.home import Home
from huitou.customers.models import Person
from huitou.experiments.models import HoldoutShare
from huitou.journeys.engine.advance import Advanced, advance
from huitou.journeys.models import Enrollment, Launch
from huitou.journeys.services import create_journey, launch, pause, publish, resume
from huitou.journeys.tests.travelling import DAY, END, World, journey
from huitou.orders.refresh import refresh
from huitou.orders.tests.conftest import Feed, feed
from huitou.segments.models import TagAssignment
from huitou.segments.saving import create_segment
from huitou.segments.tests.conftest import buy, order

__all__ = ["feed"]
pytestmark = pytest.mark.django_db
NOW = datetime(2024, 4, 9, 4, 0, tzinfo=UTC)
PAUSE = {"id": "pause", "kind": "wait", "mode": "for", "duration": "30d"}


class Shop:
    """A brand with customers who bought so many days ago, refreshed."""

    def __init__(self, home: Home, feed: Feed, days: list[float]) -> None:
        self.home, self.feed, self.now = home, feed, NOW
        Brand.objects.create(pk=1, name="Test", zone="Asia/Shanghai", currency="CNY", clock_now=NOW)
        HoldoutShare.objects.create(share_bp=0, first_day=date(2000, 1, 1), at=NOW)
        self.people = [Person.objects.create(created_at=NOW, known_since=NOW - 900 * DAY).pk for _ in days]
        self.buy(*zip(self.people, days, strict=True))

    @property
    def clock(self) -> FixedClock:
        return FixedClock(self.now)

    def buy(self, *bought: tuple[int, float]) -> None:
        buy(self.feed, [order(person, self.now - timedelta(days=days)) for person, days in bought])
        self.refresh()

    def refresh(self) -> None:
        brand = Brand.objects.get()
        refresh(home=self.home, brand=brand, clock=brand.clock)

    def turn(self, passed: timedelta = timedelta(0)) -> Advanced:
        self.now += passed
        Brand.objects.update(clock_now=self.now)
        if passed:
            self.refresh()
        return advance(brand=Brand.objects.get(), clock=self.clock)

    def launch(self, definition: dict[str, Any]) -> Launch:
        draft = create_journey(name="test", title="test", definition=definition, clock=self.clock)
        version = publish(journey=draft.journey, clock=self.clock)
        return launch(version=version, clock=self.clock, control_bp=0, holdout=False)


def silent_journey(**trigger: Any) -> dict[str, Any]:
    return {
        "trigger": {"kind": "segment", "segment": "silent", **trigger},
        "steps": [PAUSE, END],
        "reentry": "after_exit",
        "control_bp": 0,
    }


def silent_shop(home: Home, feed: Feed) -> Shop:
    """Silent for 60 days: the first already, the second from tomorrow on, the third not for long."""
    shop = Shop(home, feed, [70, 59.5, 10])
    silent = {"feature": "days_since_last_order", "is": ">=", "value": 60}
    create_segment(name="silent", title="Silent", definition=silent, clock=shop.clock)
    shop.refresh()
    return shop


@pytest.mark.parametrize(("inside", "expected"), [("skip", [1]), ("enter", [0, 1])])
def test_a_segment_lets_in_who_enters_it_once_for_each_change(
    home: Home, feed: Feed, inside: str, expected: list[int]
) -> None:
    shop = silent_shop(home, feed)
    shop.launch(silent_journey(inside=inside))
    shop.turn(timedelta(minutes=1))
    shop.turn(DAY)
    found = [shop.people[i] for i in expected]
    assert list(Enrollment.objects.order_by("person_id").values_list("person_id", flat=True)) == found
    assert shop.turn().entered == 0
    assert shop.turn(DAY).entered == 0


def test_who_enters_the_segment_during_a_pause_is_passed_over(home: Home, feed: Feed) -> None:
    shop = silent_shop(home, feed)
    launched = shop.launch(silent_journey())
    shop.turn(timedelta(minutes=1))
    pause(launch=launched, clock=shop.clock)
    shop.turn(DAY)
    resume(launch=launched, clock=shop.clock)
    assert shop.turn(timedelta(minutes=1)).entered == 0


def test_a_segment_lets_in_who_leaves_it(home: Home, feed: Feed) -> None:
    shop = silent_shop(home, feed)
    shop.launch(silent_journey(change="left"))
    shop.turn(timedelta(minutes=1))
    shop.now += DAY
    Brand.objects.update(clock_now=shop.now)
    shop.buy((shop.people[0], 0.1))
    shop.turn()
    assert [e.person_id for e in Enrollment.objects.all()] == [shop.people[0]]


def test_a_refresh_ends_the_ways_of_who_bought_since_or_meets_the_condition(home: Home, feed: Feed) -> None:
    """A purchase before the entry is none since; a condition to leave ends a way as an exit."""
    shop = Shop(home, feed, [70, 10, 100])
    leaving = {"when": {"feature": "days_since_last_order", "is": ">=", "value": 101}}
    definition = {
        "trigger": {"kind": "schedule", "repeat": "daily", "at": "13:00"},
        "steps": [PAUSE, END],
        "goal": {"purchase": True},
        "exit_when": leaving,
        "reentry": "never",
        "control_bp": 0,
    }
    shop.launch(definition)
    assert shop.turn(timedelta(hours=1)).entered == 3
    shop.now += DAY
    Brand.objects.update(clock_now=shop.now)
    shop.buy((shop.people[0], 0.1))
    shop.turn(timedelta(hours=1))
    reasons = dict(Enrollment.objects.values_list("person_id", "exit_reason"))
    assert reasons == dict(zip(shop.people, ["goal", "", "exit"], strict=True))


def test_one_refresh_ends_a_way_and_finds_that_its_customer_comes_in_again(home: Home, feed: Feed) -> None:
    """The engine looks an hour after the refresh: the way ends then, and the change is of the refresh."""
    shop = Shop(home, feed, [10])
    fresh = {"feature": "days_since_last_order", "is": "<", "value": 5}
    create_segment(name="silent", title="Fresh", definition=fresh, clock=shop.clock)
    shop.refresh()
    shop.launch(silent_journey() | {"goal": {"purchase": True}})
    shop.turn(timedelta(minutes=1))
    for _again in range(2):
        shop.now += 6 * DAY
        Brand.objects.update(clock_now=shop.now)
        shop.refresh()
        shop.now += DAY
        Brand.objects.update(clock_now=shop.now)
        shop.buy((shop.people[0], 0.1))
        shop.now += timedelta(hours=1)
        advance(brand=Brand.objects.get(), clock=shop.clock)
    ways = Enrollment.objects.order_by("entered_at").values_list("entered_at", "exit_reason")
    assert list(ways) == [(NOW + timedelta(days=7, minutes=1), "goal"), (shop.now - timedelta(hours=1), "")]


def test_tags_are_given_for_a_while_and_taken_and_nothing_is_done_in_control() -> None:
    world = World(30)
    steps = [
        {"id": "give", "kind": "tag", "give": ["asked", "warm"], "expires": "10d"},
        {"id": "pause", "kind": "wait", "mode": "for", "duration": "1d"},
        {"id": "take", "kind": "tag", "take": ["warm"]},
        END,
    ]
    made = world.launch(journey(steps), control_bp=5000)
    for person in world.people:
        world.hear(person, "Order Completed")
    world.turn()
    treated = set(Enrollment.objects.filter(arm="treatment").values_list("person_id", flat=True))
    assert 0 < len(treated) < 30
    given = TagAssignment.objects.filter(tag__name="warm")
    assert {(row.person_id, row.expires_at, row.origin_ref) for row in given} == {
        (person, world.now + 10 * DAY, f"launch:{made.pk}") for person in treated
    }
    world.turn(DAY)
    open_tags = TagAssignment.objects.filter(taken_at=None).values_list("person_id", "tag__name")
    assert set(open_tags) == {(person, "asked") for person in treated}
