"""A launch that cannot go on holds up no other, and goes on by itself once what it asks about is there again."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from huitou.core.errors import DomainError
from huitou.journeys.definition import find_problems
from huitou.journeys.models import Enrollment, Launch, Signal
from huitou.journeys.plays.next_steps import next_steps
from huitou.journeys.plays.numbers import numbers_of
from huitou.journeys.tests.travelling import DAY, END, HOUR, WORDS, World, journey
from huitou.segments.saving import archive_segment, create_segment, restore_segment

pytestmark = pytest.mark.django_db
REST = {"id": "rest", "kind": "wait", "mode": "for", "duration": "2d"}
SILENT = {"feature": "days_since_last_order", "is": ">=", "value": 60}
ASK: dict[str, Any] = {
    "id": "ask",
    "kind": "branch",
    "cases": [{"when": {"segment": "silent"}, "next": "end"}],
    "next": "end",
}


def places(world: World) -> dict[str, set[tuple[int, str]]]:
    found: dict[str, set[tuple[int, str]]] = {}
    for way in Enrollment.objects.select_related("version__journey"):
        found.setdefault(way.version.journey.name, set()).add((world.people.index(way.person_id), way.step))
    return found


def test_a_launch_that_asks_about_an_archived_segment_holds_up_no_other() -> None:
    """The first customer is in both launches, the second comes in while one of them fails."""
    world = World(2)
    create_segment(name="silent", title="Silent", definition=SILENT, clock=world.clock)
    broken = world.launch(journey([REST, ASK, END]), name="broken")
    world.launch(journey([REST, END], event="Product Viewed"), name="sound")
    world.hear(world.people[0], "Order Completed")
    world.turn()
    archive_segment(name="silent", clock=world.clock, although_used=True)
    world.turn(2 * DAY)
    # Kept after the step that cannot be taken was due.
    world.hear(world.people[0], "Product Viewed", at=world.now + HOUR)
    world.hear(world.people[1], "Product Viewed", at=world.now + HOUR)
    done = world.turn(2 * HOUR)
    assert list(done.failed) == [broken.pk]
    assert "silent" in str(done.failed[broken.pk])
    assert places(world) == {"broken": {(0, "rest")}, "sound": {(0, "rest"), (1, "rest")}}
    assert not Signal.objects.exists()
    assert list(world.turn(3 * DAY).failed) == [broken.pk]
    assert places(world) == {"broken": {(0, "rest")}, "sound": {(0, "end"), (1, "end")}}
    assert [("silent" in launch.trouble, launch.pk) for launch in Launch.objects.exclude(trouble="")] == [
        (True, broken.pk)
    ]
    broken.refresh_from_db()
    first = next_steps(broken, numbers_of(broken), result_on=None, is_final=False, zone=world.brand.tz)[0]
    assert broken.trouble in first.text
    restore_segment(name="silent", clock=world.clock)
    assert not world.turn().failed
    assert places(world)["broken"] == {(0, "end")}
    assert not Launch.objects.exclude(trouble="").exists()


def test_an_event_that_a_failing_launch_held_up_is_taken_in_the_same_turn() -> None:
    """One customer is due there, and nothing else happens that would have the turn look again. It fails once a turn."""
    world, asked = World(1), []

    def refuse(_condition: object, customers: Sequence[int]) -> frozenset[int]:
        asked.append(list(customers))
        raise DomainError("cannot be judged", code="test")

    create_segment(name="silent", title="Silent", definition=SILENT, clock=world.clock)
    world.launch(journey([REST, ASK, END]), name="broken")
    world.launch(journey([REST, END], event="Product Viewed"), name="sound")
    world.hear(world.people[0], "Order Completed")
    world.turn()
    world.now += 2 * DAY
    world.hear(world.people[0], "Product Viewed", at=world.now + HOUR)
    world.turn(2 * HOUR, matching=refuse)
    assert places(world) == {"broken": {(0, "rest")}, "sound": {(0, "rest")}}
    assert asked == [[world.people[0]]]


@pytest.mark.parametrize("asked", ["audience", "goal"])
def test_an_audience_or_goal_that_cannot_be_judged_fails_alone(asked: str) -> None:
    world = World(1)
    create_segment(name="silent", title="Silent", definition=SILENT, clock=world.clock)
    condition = {"not": {"segment": "silent"}}
    more: dict[str, Any] = {asked: condition if asked == "audience" else {"when": condition}}
    broken = world.launch(journey([REST, END], **more), name="broken")
    world.launch(journey([REST, END]), name="sound")
    archive_segment(name="silent", clock=world.clock, although_used=True)
    world.hear(world.people[0], "Order Completed")
    assert list(world.turn().failed) == [broken.pk]
    assert places(world)["sound"] == {(0, "rest")}


def test_what_is_no_refusal_of_the_domain_ends_the_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    """A database that is gone is nobody's launch."""

    def gone(**_asked: Any) -> tuple[int, int]:
        raise ConnectionError

    world = World(1)
    world.launch(journey([REST, END]))
    world.hear(world.people[0], "Order Completed")
    monkeypatch.setattr("huitou.journeys.engine.advance.move_due", gone)
    with pytest.raises(ConnectionError):
        world.turn()


@pytest.mark.parametrize(
    ("step", "place"),
    [
        ({"kind": "tag", "give": ["warm", "it's"]}, "$.steps[0].give[1]"),
        ({"kind": "tag", "take": ["x" * 61]}, "$.steps[0].take[0]"),
        (
            {"kind": "send", "channels": ["console_log"], "text": WORDS, "products": ",".join("a" * 51)},
            "$.steps[0].products",
        ),
        ({"kind": "send", "channels": ["console_log"], "text": WORDS, "products": "a" * 201}, "$.steps[0].products"),
        (
            {"kind": "send", "channels": ["console_log"], "text": WORDS, "valid_until": "2026-11-30T23:59"},
            "$.steps[0].valid_until",
        ),
    ],
)
def test_what_would_be_refused_on_the_way_is_refused_at_publishing(step: dict[str, Any], place: str) -> None:
    assert [p.path for p in find_problems(journey([{"id": "one", **step}, END]))] == [place]
