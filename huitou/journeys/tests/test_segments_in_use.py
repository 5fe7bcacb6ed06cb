"""Who asks about a segment is named before it goes into the archive, by every way; that lets nobody in."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from typer.testing import CliRunner

from config.cli import build
from huitou.accounts.models import AuditEntry, Brand, User
from huitou.accounts.roles import ADMIN
from huitou.core.home import Home
from huitou.journeys.models import Enrollment
from huitou.journeys.services import create_journey, pause, publish, stop
from huitou.journeys.tests.test_refreshes import Shop, silent_journey, silent_shop
from huitou.journeys.tests.travelling import DAY, END, World, journey
from huitou.orders.tests.conftest import Feed, feed
from huitou.segments.models import Segment
from huitou.segments.services import SegmentInUseError, archive_segment, create_segment, restore_segment
from huitou.segments.uses import uses_of
from tests.contract.calling import program

__all__ = ["feed"]
pytestmark = pytest.mark.django_db
REST = {"id": "rest", "kind": "wait", "mode": "for", "duration": "2d"}
SILENT: dict[str, Any] = {"segment": "silent"}
NOT_SILENT: dict[str, Any] = {"not": {"segment": ["other", "silent"], "entered_last_days": 3}}
ASK = {"id": "ask", "kind": "branch", "cases": [{"when": {"all": [SILENT]}, "next": "end"}], "next": "end"}
BY_SEGMENT = {"trigger": {"kind": "segment", "segment": "silent"}}


def silent(world: World) -> None:
    condition = {"feature": "days_since_last_order", "is": ">=", "value": 60}
    create_segment(name="silent", title="Silent", definition=condition, clock=world.clock)


@pytest.mark.parametrize(
    "definition",
    [
        journey([REST, END]) | BY_SEGMENT,
        journey([REST, ASK, END]),
        journey([REST, END], audience=NOT_SILENT),
        journey([REST, END], goal={"when": SILENT}),
        journey([REST, END], exit_when={"when": NOT_SILENT}),
    ],
)
def test_a_launch_asks_wherever_its_definition_names_the_segment(definition: dict[str, Any]) -> None:
    world = World()
    silent(world)
    made = world.launch(definition)
    (use,) = uses_of("silent")
    assert (use.url, use.stops) == (f"/plays/launches/{made.pk}/", True)
    assert not uses_of("other_one")
    with pytest.raises(SegmentInUseError, match=f"{made.pk}.*test"):
        archive_segment(name="silent", clock=world.clock)
    assert Segment.objects.get().archived_at is None


def test_a_paused_launch_goes_on_and_so_does_an_ended_one_with_customers_inside() -> None:
    world = World()
    silent(world)
    made = world.launch(journey([REST, ASK, END]), ends_at=world.now + 1 * DAY)
    pause(launch=made, clock=world.clock)
    assert [use.stops for use in uses_of("silent")] == [True]
    Enrollment.objects.all().delete()
    stop(launch=made, clock=world.clock)
    # What is left is the journey itself, which could be launched again.
    assert [(use.url, use.stops) for use in uses_of("silent")] == [("/journeys/test/", False)]


def test_who_is_on_the_way_of_an_ended_launch_still_needs_the_segment() -> None:
    world = World()
    silent(world)
    made = world.launch(journey([REST, ASK, END]), ends_at=world.now + DAY)
    world.hear(world.people[0], "Order Completed")
    world.turn()
    type(made).objects.filter(pk=made.pk).update(state="ended")
    assert [use.stops for use in uses_of("silent")] == [True]
    Enrollment.objects.update(state="ended", ended_at=world.now, due_at=None, exit_reason="finished")
    assert [use.stops for use in uses_of("silent")] == [False]


def test_a_draft_asks_too_whatever_it_holds_and_a_version_that_was_replaced_does_not() -> None:
    world = World()
    silent(world)
    create_journey(name="draft", title="Draft", definition={"steps": [{"when": SILENT}, 7]}, clock=world.clock)
    draft = create_journey(name="old", title="Old", definition=journey([REST, ASK, END]), clock=world.clock)
    publish(journey=draft.journey, clock=world.clock)
    draft.journey.versions.create(number=2, definition=journey([REST, END]), created_at=world.now, changed_at=world.now)
    assert [use.url for use in uses_of("silent")] == ["/journeys/draft/"]


def test_the_page_names_them_and_asks_once_more() -> None:
    world = World()
    silent(world)
    made = world.launch(journey([REST, ASK, END]), name="care")
    browser = Client()
    browser.force_login(User.objects.create_user("ada", password="x", role=ADMIN, is_superuser=True))
    link = f'href="/plays/launches/{made.pk}/"'
    assert link in browser.get("/segments/saved/silent/").content.decode()
    asked = browser.post("/segments/saved/silent/archive/")
    assert asked.status_code == 409
    assert link in asked.content.decode()
    assert Segment.objects.get().archived_at is None
    meant = browser.post("/segments/saved/silent/archive/", {"although_used": "yes"})
    assert meant.headers["Location"] == "/segments/saved/silent/"
    assert Segment.objects.get().archived_at is not None
    (entry,) = AuditEntry.objects.filter(action="segment.archived")
    assert "care" in str(entry.detail)


def test_command_and_api_refuse_until_it_is_said() -> None:
    world = World()
    silent(world)
    made = world.launch(journey([REST, ASK, END]), name="care")
    ran = CliRunner().invoke(build(), ["segments", "archive", "silent"])
    assert ran.exit_code != 0
    assert isinstance(ran.exception, SegmentInUseError)
    assert "--although-used" in ran.exception.for_terminal
    caller = program("segments.view", "segments.write")
    (asking,) = caller.ask("GET", "/segments/silent", expect=200)["asked_by"]
    assert f"{made.pk}" in asking["title"]
    assert asking["stops"] is True
    assert caller.ask("DELETE", "/segments/silent", expect=409)["code"] == "segment_in_use"
    assert caller.ask("DELETE", "/segments/silent?although_used=true", expect=200)["archived_at"]
    restore_segment(name="silent", clock=world.clock)
    ran = CliRunner().invoke(build(), ["segments", "archive", "silent", "--although-used"])
    assert ran.exit_code == 0, ran.output
    assert Segment.objects.get().archived_at is not None


def test_a_segment_that_nothing_asks_about_goes_at_once() -> None:
    world = World()
    silent(world)
    world.launch(journey([REST, END]))
    assert archive_segment(name="silent", clock=world.clock).archived_at is not None


@pytest.mark.parametrize("change", ["entered", "left"])
def test_archiving_and_taking_back_lets_nobody_in(home: Home, feed: Feed, change: str) -> None:
    """Everybody leaves the segment at one refresh and is back at another: no change of theirs. Then it goes on."""
    shop = silent_shop(home, feed)
    launched = shop.launch(silent_journey(change=change))
    shop.turn(timedelta(minutes=1))
    archive_segment(name="silent", clock=shop.clock, although_used=True)
    assert list(shop.turn(timedelta(hours=1)).failed) == [launched.pk]
    restore_segment(name="silent", clock=shop.clock)
    for _ in range(2):
        done = shop.turn(timedelta(hours=1))
        assert (done.entered, dict(done.failed)) == (0, {})
    later(shop, change)
    assert [e.person_id for e in Enrollment.objects.all()] == [shop.people[1 if change == "entered" else 0]]


def later(shop: Shop, change: str) -> None:
    """The second customer becomes silent, or the first buys."""
    if change == "left":
        shop.now += timedelta(hours=1)
        Brand.objects.update(clock_now=shop.now)
        shop.buy((shop.people[0], 0.01))
        shop.turn()
    else:
        shop.turn(DAY)


def test_who_is_in_a_new_segment_when_it_is_first_counted_was_inside_at_the_start(home: Home, feed: Feed) -> None:
    """Launched before its segment was counted: that everybody comes in at once is no change of theirs."""
    shop = Shop(home, feed, [70, 10])
    condition = {"feature": "days_since_last_order", "is": ">=", "value": 60}
    create_segment(name="silent", title="Silent", definition=condition, clock=shop.clock)
    shop.launch(silent_journey(inside="skip"))
    shop.turn()
    assert shop.turn(timedelta(minutes=1)).entered == 0
    assert Segment.objects.get().sizes.count() > 0


def test_whoever_is_inside_enters_when_a_new_segment_is_first_counted_where_that_is_wished(
    home: Home, feed: Feed
) -> None:
    shop = Shop(home, feed, [70, 10])
    condition = {"feature": "days_since_last_order", "is": ">=", "value": 60}
    create_segment(name="silent", title="Silent", definition=condition, clock=shop.clock)
    shop.launch(silent_journey(inside="enter"))
    assert sum(shop.turn(timedelta(minutes=n)).entered for n in (0, 1, 1)) == 1
