"""Messages that a journey asked for and that have not gone out yet: taken back at the goal, held while it is paused."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from huitou.customers.models import Identifier
from huitou.journeys.models import Enrollment, Launch
from huitou.journeys.services import pause, resume, stop
from huitou.journeys.tests.travelling import DAY, END, HOUR, START, WORDS, World, journey
from huitou.messaging.following import plan_fallbacks
from huitou.messaging.handoff import NothingToListError, export_list
from huitou.messaging.models import PausedSource, Touch
from huitou.messaging.outbox import send_due
from huitou.messaging.tests.stage import agree, make_account

pytestmark = pytest.mark.django_db

SEND: dict[str, Any] = {"id": "hello", "kind": "send", "channels": ["console_log"], "text": WORDS, "valid": "5d"}
WAIT = {"id": "rest", "kind": "wait", "mode": "for", "duration": "10d"}


def a_world(count: int, **more: Any) -> tuple[World, Launch]:
    """Customers who bought at 22:00, in quiet hours, and whom a message waits for."""
    world = World(count)
    world.now = START + 12 * HOUR
    for kind in ("console_log", "list_handoff"):
        make_account(kind, settings={"consent_channel": "sms"})
    for number, person in enumerate(world.people):
        Identifier.objects.create(person_id=person, kind="phone", value=f"+8613900000{number:03}")
        agree(person, "sms", at=START)
    launched = world.launch(journey([{**SEND, **more.pop("send", {})}, WAIT, END], **more))
    for person in world.people:
        world.hear(person, "Order Completed")
    world.turn()
    send_due(clock=world.clock)
    return world, launched


def states() -> list[tuple[str, str]]:
    return list(Touch.objects.order_by("person_id", "pk").values_list("state", "reason"))


def test_who_reaches_the_goal_or_leaves_is_not_written_to_any_more() -> None:
    """One buys, one leaves by an event, the third is written to in the morning."""
    endings = {"goal": {"purchase": True}, "exit_when": {"events": [{"event": "Staff Task Finished"}]}}
    world, _launched = a_world(3, **endings)
    assert states() == [("waiting", "quiet_hours")] * 3
    world.now += HOUR
    world.hear(world.people[0], "Order Completed")
    world.hear(world.people[1], "Staff Task Finished")
    world.turn()
    assert [e.exit_reason for e in Enrollment.objects.order_by("person_id")] == ["goal", "exit", ""]
    world.now = START + DAY
    send_due(clock=world.clock)
    assert states() == [("cancelled", "way_ended"), ("cancelled", "way_ended"), ("sent", "allowed")]


def test_a_condition_that_is_met_before_a_step_takes_back_too() -> None:
    world, _launched = a_world(2, goal={"when": {"tag": "done"}})
    met = frozenset(world.people[:1])
    Enrollment.objects.update(due_at=world.now)
    world.turn(matching=lambda _condition, asked: met & frozenset(asked))
    assert states() == [("cancelled", "way_ended"), ("waiting", "quiet_hours")]


def test_the_goal_ends_the_next_channel_and_leaves_what_went_out() -> None:
    send = {"channels": ["console_log", "list_handoff"], "fallback_after": "24h"}
    world, _launched = a_world(2, goal={"purchase": True}, send=send)
    world.now = START + DAY
    send_due(clock=world.clock)
    assert states() == [("sent", "allowed")] * 2
    world.hear(world.people[0], "Order Completed", at=world.now + HOUR)
    world.turn(2 * DAY)
    assert plan_fallbacks(clock=world.clock) == 1
    assert Touch.objects.get(parent__isnull=False).person_id == world.people[1]
    assert Touch.objects.filter(parent=None, state="sent").count() == 2


def test_nothing_goes_out_while_the_launch_is_paused_and_resuming_lets_it() -> None:
    world, launched = a_world(2)
    pause(launch=launched, clock=world.clock)
    world.now = START + DAY
    send_due(clock=world.clock)
    assert states() == [("waiting", "source_paused")] * 2
    resume(launch=launched, clock=world.clock)
    send_due(clock=world.clock)
    assert states() == [("sent", "allowed")] * 2
    assert not PausedSource.objects.exists()


def test_what_was_decided_and_has_not_left_stays_when_the_launch_is_paused() -> None:
    from huitou.messaging.deciding import decide_due
    from huitou.messaging.outbox import hand_over

    world, launched = a_world(1)
    world.now = START + DAY
    sitting = decide_due(run_number=7, now=world.now, limit=10)
    pause(launch=launched, clock=world.clock)
    hand_over(sitting.allowed, clock=world.clock)
    assert states() == [("planned", "changed_before_sending")]
    send_due(clock=world.clock)
    assert states() == [("waiting", "source_paused")]


def test_a_paused_launch_makes_no_list_and_plans_no_next_channel_that_goes_out() -> None:
    world, launched = a_world(1, send={"channels": ["list_handoff"]})
    assert states() == [("waiting", "ready_for_list")]
    account = Touch.objects.get().account_id
    assert account is not None
    pause(launch=launched, clock=world.clock)
    with pytest.raises(NothingToListError):
        export_list(account_id=account, clock=world.clock)
    assert states() == [("waiting", "source_paused")]
    resume(launch=launched, clock=world.clock)
    send_due(clock=world.clock)
    assert export_list(account_id=account, clock=world.clock).listed == 1


def test_what_is_over_by_the_resuming_is_refused_and_stopping_ends_the_pause() -> None:
    world, launched = a_world(1)
    pause(launch=launched, clock=world.clock)
    world.now += timedelta(days=6)
    send_due(clock=world.clock)
    assert states() == [("expired", "too_late")]
    stop(launch=launched, clock=world.clock)
    assert not PausedSource.objects.exists()
