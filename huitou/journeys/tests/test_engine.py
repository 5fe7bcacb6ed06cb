"""The engine: entries, waits, branches on the way, endings, re-entry, pause and stop, on the real database."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import IntegrityError, models, transaction

from huitou.core.clock import FixedClock
from huitou.customers.models import Milestone, Person, PersonLink
from huitou.journeys.engine.advance import advance
from huitou.journeys.models import Enrollment, JourneyVersion, Launch, Listening, Signal, StaffTask, Transition
from huitou.journeys.services import pause, publish, resume, save_draft, stop
from huitou.journeys.tests.travelling import DAY, END, HOUR, MINUTE, START, WORDS, World, journey, way

pytestmark = pytest.mark.django_db

PAUSE = {"id": "pause", "kind": "wait", "mode": "for", "duration": "2d"}
CALL = {"id": "call", "kind": "handoff", "title": WORDS, "due": "4h"}


def test_an_event_lets_in_and_the_way_is_told_step_by_step() -> None:
    world = World()
    world.launch(journey([PAUSE, CALL, END]))
    world.hear(world.people[0], "Order Completed", order_id="A1", note="x" * 500)
    world.turn()
    entered = Enrollment.objects.get()
    assert (entered.step, entered.entered_at, entered.due_at) == ("pause", START, START + 2 * DAY)
    assert entered.data == {"order_id": "A1"}, "nothing long"
    assert not Signal.objects.exists()
    world.turn(DAY)
    assert not StaffTask.objects.exists()
    world.turn(DAY)
    entered.refresh_from_db()
    assert (entered.state, entered.exit_reason, entered.ended_at) == ("ended", "finished", START + 2 * DAY)
    assert way(entered) == [("pause", "entered"), ("call", "waited"), ("end", "handed over"), ("", "finished")]
    task = StaffTask.objects.get()
    assert (task.person_id, task.due_at) == (world.people[0], START + 2 * DAY + 4 * HOUR)


def test_a_wait_for_an_event_ends_by_it_or_by_its_time() -> None:
    """Two customers: one does it in time, the other after the limit, in the same turn. A filter is heeded."""
    world = World(2)
    wait = {
        "id": "answer",
        "kind": "wait",
        "mode": "event",
        "event": "Form Submitted",
        "where": [{"property": "form", "is": "=", "value": "nps"}],
        "at_most": "1d",
        "timeout": "call",
        "next": "end",
    }
    world.launch(journey([wait, CALL, END]))
    for person in world.people:
        world.hear(person, "Order Completed")
    world.turn()
    world.hear(world.people[0], "Form Submitted", at=START + HOUR, form="other")
    world.hear(world.people[0], "Form Submitted", at=START + 2 * HOUR, form="nps")
    world.hear(world.people[1], "Form Submitted", at=START + 25 * HOUR, form="nps")
    world.turn(3 * HOUR)
    world.turn(23 * HOUR)
    one, other = Enrollment.objects.order_by("person_id")
    assert [reason for _step, reason in way(one)] == ["entered", "event", "finished"]
    assert one.ended_at == START + 2 * HOUR
    assert [reason for _step, reason in way(other)] == ["entered", "timeout", "handed over", "finished"]
    assert other.ended_at == START + DAY


def test_waits_until_a_time_a_weekday_a_day_of_the_month() -> None:
    """In the brand's zone: START is Monday 10:00 in Shanghai."""
    world = World()
    steps = [
        {"id": "noon", "kind": "wait", "mode": "until", "at": "12:00"},
        {"id": "friday", "kind": "wait", "mode": "until", "weekday": "5", "at": "09:00"},
        {"id": "last", "kind": "wait", "mode": "until", "day": 31, "at": "08:00"},
        {"id": "two", "kind": "wait", "mode": "for", "duration": "2d", "at": "20:30"},
        END,
    ]
    world.launch(journey(steps))
    world.hear(world.people[0], "Order Completed")
    world.turn()
    found = Enrollment.objects.get()
    expected = ["2026-03-02 04:00", "2026-03-06 01:00", "2026-03-31 00:00", "2026-04-02 12:30"]
    for due in expected:
        found.refresh_from_db()
        assert f"{found.due_at:%Y-%m-%d %H:%M}" == due
        assert found.due_at is not None
        world.now = found.due_at
        world.turn()
    found.refresh_from_db()
    assert found.state == "ended"


def test_the_split_divides_by_the_draw_and_the_data_decide_a_branch() -> None:
    world = World(40)
    split: dict[str, Any] = {
        "id": "half",
        "kind": "split",
        "salt": "s",
        "arms": [{"share_bp": 5000, "next": "big"}, {"share_bp": 5000, "next": "end"}],
    }
    big: dict[str, Any] = {
        "id": "big",
        "kind": "branch",
        "cases": [{"data": [{"property": "total", "is": ">=", "value": 100}], "next": "call"}],
        "next": "end",
    }
    world.launch(journey([split, big, CALL, END]))
    for number, person in enumerate(world.people):
        world.hear(person, "Order Completed", total=number * 5)
    world.turn()
    import hashlib

    def first_half(person: int) -> bool:
        return int(hashlib.md5(f"s:{person}".encode()).hexdigest()[:8], 16) < 2**31

    called = {p for number, p in enumerate(world.people) if first_half(p) and number * 5 >= 100}
    assert set(StaffTask.objects.values_list("person_id", flat=True)) == called
    assert 0 < len(called) < 20


def test_control_and_holdout_go_the_same_way_and_nothing_is_done_for_them() -> None:
    world = World(200, holdout_bp=2000)
    world.launch(journey([CALL, END]), control_bp=3000, holdout=True)
    for person in world.people:
        world.hear(person, "Order Completed")
    world.turn()
    arms = {e.person_id: e.arm for e in Enrollment.objects.all()}
    assert set(arms.values()) == {"control", "treatment", "holdout"}
    assert all(e.state == "ended" for e in Enrollment.objects.all())
    tasks = set(StaffTask.objects.values_list("person_id", flat=True))
    assert tasks == {person for person, arm in arms.items() if arm == "treatment"}
    assert 15 <= sum(arm == "holdout" for arm in arms.values()) <= 70


def test_the_goal_ends_the_way_at_its_instant_but_not_by_the_event_that_let_in() -> None:
    world = World(2)
    world.launch(
        journey(
            [PAUSE, CALL, END],
            goal={"purchase": True},
            exit_when={"events": [{"event": "Message Unsubscribed"}]},
        )
    )
    for person in world.people:
        world.hear(person, "Order Completed")
    world.turn()
    assert Enrollment.objects.filter(state="active").count() == 2
    world.hear(world.people[0], "Order Completed", at=START + HOUR)
    world.hear(world.people[1], "Message Unsubscribed", at=START + 2 * HOUR)
    world.turn(3 * DAY)
    assert [(e.exit_reason, e.ended_at) for e in Enrollment.objects.order_by("person_id")] == [
        ("goal", START + HOUR),
        ("exit", START + 2 * HOUR),
    ]
    assert not StaffTask.objects.exists()


@pytest.mark.parametrize(
    ("rule", "entries"),
    # Events at hour 0, 1 (inside), day 3 (left), day 5 (left again).
    [
        ({"reentry": "never"}, [0]),
        ({"reentry": "after_exit"}, [0, 72, 120]),
        ({"reentry": "after_days", "reentry_days": 4}, [0, 120]),
        ({"reentry": "always"}, [0, 1, 72, 120]),
    ],
)
def test_reentry_rules_mean_what_they_say(rule: dict[str, Any], entries: list[int]) -> None:
    world = World()
    world.launch(journey([{**PAUSE, "duration": "1d"}, END], **rule))
    for hours in (0, 1, 72, 120):
        world.now = START + hours * HOUR
        world.hear(world.people[0], "Order Completed")
        world.turn()
    found = Enrollment.objects.order_by("entered_at").values_list("entered_at", flat=True)
    assert list(found) == [START + hours * HOUR for hours in entries]


WEEKLY = {"trigger": {"kind": "schedule", "repeat": "weekly", "weekday": "2", "at": "10:00"}, "control_bp": 0}


@pytest.mark.parametrize("rule", [{"reentry": "after_exit"}, {"reentry": "after_days", "reentry_days": 7}])
@pytest.mark.parametrize("trigger", ["schedule", "event"])
def test_a_worker_that_was_away_over_two_triggers_takes_the_first(rule: dict[str, Any], trigger: str) -> None:
    """Two Tuesdays; the way lasts a day. Its late steps happen when the worker is back, so the customer is inside until
    then and hears once; the next trigger counts again."""
    world = World()
    first, second, third = (START + days * DAY for days in (1, 8, 15))
    steps = [{**PAUSE, "duration": "1d"}, CALL, END]
    world.launch(journey(steps, **rule) if trigger == "event" else {**WEEKLY, "steps": steps, **rule})
    for moment in (first, second) if trigger == "event" else ():
        world.hear(world.people[0], "Order Completed", at=moment)
    Signal.objects.update(received_at=models.F("occurred_at"))
    back = second + 3 * HOUR
    world.turn(back - START)
    assert list(spans()) == [(first, back)]
    assert StaffTask.objects.count() == 1
    if trigger == "event":
        world.hear(world.people[0], "Order Completed", at=third)
    world.turn(third - back)
    world.turn(DAY)
    assert list(spans()) == [(first, back), (third, third + DAY)]


@pytest.mark.parametrize("rule", [{"reentry": "after_exit"}, {"reentry": "after_days", "reentry_days": 7}])
@pytest.mark.parametrize("trigger", ["schedule", "event"])
def test_a_worker_that_is_there_takes_both(rule: dict[str, Any], trigger: str) -> None:
    """The same two Tuesdays, as a rehearsal goes through them."""
    world = World()
    steps = [{**PAUSE, "duration": "1d"}, CALL, END]
    world.launch(journey(steps, **rule) if trigger == "event" else {**WEEKLY, "steps": steps, **rule})
    for hours in range(0, 24 * 10, 4):
        world.now = START + hours * HOUR
        if trigger == "event" and hours in (24, 24 * 8):
            world.hear(world.people[0], "Order Completed")
        world.turn()
    assert list(spans()) == [(START + days * DAY, START + (days + 1) * DAY) for days in (1, 8)]


def test_an_event_told_late_that_happened_inside_a_way_lets_nobody_in_again() -> None:
    world = World()
    world.launch(journey([{**PAUSE, "duration": "1h"}, END], reentry="after_exit"))
    world.hear(world.people[0], "Order Completed", at=START + HOUR)
    world.turn(3 * HOUR)
    for minutes in (30, 90, 119):
        world.hear(world.people[0], "Order Completed", at=START + minutes * MINUTE)
        world.turn()
    assert list(spans()) == [(START + HOUR, START + 2 * HOUR)]
    world.hear(world.people[0], "Order Completed", at=START + 2 * HOUR)
    world.turn()
    assert list(spans()) == [(START + HOUR, START + 2 * HOUR), (START + 2 * HOUR, START + 3 * HOUR)]


def spans() -> Any:
    """Beginning and end of each way."""
    return Enrollment.objects.order_by("entered_at").values_list("entered_at", "ended_at")


def test_reentry_knows_all_persons_of_a_customer() -> None:
    """A customer of two persons is in once, whichever of them did it."""
    world = World(2)
    first, second = world.people
    world.launch(journey([PAUSE, END]))
    world.hear(second, "Order Completed")
    world.turn()
    PersonLink.objects.create(person_id=second, customer_id=first)
    world.hear(first, "Order Completed")
    world.turn(HOUR)
    assert Enrollment.objects.get().person_id == second


def test_events_before_the_start_after_the_end_or_too_late_let_nobody_in() -> None:
    world = World(4)
    early, late, after, inside = world.people
    world.launch(journey([PAUSE, END]), starts_at=START + DAY, ends_at=START + 10 * DAY)
    world.hear(early, "Order Completed", at=START + HOUR)
    world.turn(2 * DAY)
    world.hear(late, "Order Completed", at=START + 2 * DAY)
    world.now = START + 6 * DAY
    world.hear(inside, "Order Completed")
    Signal.objects.filter(person_id=late).update(received_at=world.now)
    world.turn()
    world.now = START + 11 * DAY
    world.hear(after, "Order Completed")
    world.turn()
    assert [e.person_id for e in Enrollment.objects.all()] == [inside]
    assert Launch.objects.get().state == "ended"
    assert not Listening.objects.exists()


def test_a_pause_holds_and_resuming_goes_on() -> None:
    """What came due meanwhile happens at the resuming, and the next wait counts from there."""
    world = World(2)
    launched = world.launch(journey([PAUSE, CALL, {**PAUSE, "id": "second"}, END], goal={"purchase": True}))
    for person in world.people:
        world.hear(person, "Order Completed")
    world.turn()
    pause(launch=launched, clock=world.clock)
    world.hear(world.people[1], "Order Completed", at=START + HOUR)
    world.turn(5 * DAY)
    assert not StaffTask.objects.exists()
    assert Enrollment.objects.get(person_id=world.people[1]).exit_reason == "goal"
    resume(launch=launched, clock=world.clock)
    world.turn()
    assert StaffTask.objects.count() == 1
    left = Enrollment.objects.get(person_id=world.people[0])
    assert (left.step, left.due_at) == ("second", START + 7 * DAY)


def test_what_happened_in_a_pause_lets_nobody_in_when_it_is_told_later() -> None:
    """By when it happened: before the first pause, in it, between the two, in the second, at the last resuming."""
    world = World(6)
    launched = world.launch(journey([PAUSE, END]))
    for moment, change in ((2, pause), (4, resume), (6, pause), (6, pause), (8, resume)):
        change(launch=launched, clock=FixedClock(START + moment * HOUR))
    world.now = START + 9 * HOUR
    for person, moment in zip(world.people, (1, 2, 3, 5, 7, 8), strict=True):
        world.hear(person, "Order Completed", at=START + moment * HOUR)
    world.turn()
    before, _began, _during, between, _second, after = world.people
    assert set(Enrollment.objects.values_list("person_id", flat=True)) == {before, between, after}


def test_stopping_ends_everybody_once_and_for_all() -> None:
    world = World()
    launched = world.launch(journey([PAUSE, CALL, END]))
    world.hear(world.people[0], "Order Completed")
    world.turn()
    stop(launch=launched, clock=world.clock)
    stop(launch=launched, clock=world.clock)
    world.hear(world.people[0], "Order Completed")
    world.turn(9 * DAY)
    ended = Enrollment.objects.get()
    assert (ended.exit_reason, way(ended)[-1]) == ("stopped", ("", "stopped"))
    assert not StaffTask.objects.exists()


def test_birthdays_come_in_the_brands_zone_and_leap_days_on_the_28th() -> None:
    world = World(3)
    for person, born in zip(world.people, ("1990-03-05", "1988-02-29", "2001-12-01"), strict=True):
        Milestone.objects.create(person_id=person, kind="birthday", value=born, at=START, recorded_at=START)
    definition = {
        "trigger": {"kind": "date", "date": "birthday", "days_before": 2, "at": "09:00"},
        "steps": [CALL, END],
        "reentry": "always",
        "control_bp": 0,
    }
    world.launch(definition)
    for _hour in range(24 * 4):
        world.turn(HOUR)
    first = Enrollment.objects.get()
    assert (first.person_id, f"{first.entered_at:%Y-%m-%d %H:%M}") == (world.people[0], "2026-03-03 01:00")
    world.now = START + 355 * DAY
    world.turn()
    world.turn(10 * DAY)
    leap = Enrollment.objects.get(person_id=world.people[1])
    assert f"{leap.entered_at:%Y-%m-%d %H:%M}" == "2027-02-26 01:00"


def test_a_schedule_lets_everybody_in_each_month() -> None:
    world = World(3)
    erased = Person.objects.create(created_at=START, erased_at=START)
    definition = {
        "trigger": {"kind": "schedule", "repeat": "monthly", "day": 31, "at": "10:00"},
        "steps": [CALL, END],
        "reentry": "always",
        "control_bp": 0,
    }
    world.launch(definition)
    for _day in range(65):
        world.turn(DAY)
    days = {f"{e.entered_at:%m-%d}" for e in Enrollment.objects.all()}
    assert days == {"03-31", "04-30"}
    assert Enrollment.objects.count() == 6
    assert not Enrollment.objects.filter(person=erased).exists()


def test_who_is_inside_stays_on_their_version() -> None:
    world = World(2)
    launched = world.launch(journey([PAUSE, END]))
    world.hear(world.people[0], "Order Completed")
    world.turn()
    journey_of = launched.version.journey
    save_draft(journey=journey_of, definition=journey([PAUSE, CALL, END]), clock=world.clock)
    second = publish(journey=journey_of, clock=world.clock)
    world.turn(3 * DAY)
    assert second.number == 2
    assert way(Enrollment.objects.get())[-1] == ("", "finished")
    assert not StaffTask.objects.exists()


def test_the_database_refuses_to_change_what_runs_and_what_happened() -> None:
    world = World()
    launched = world.launch(journey([PAUSE, END]))
    world.hear(world.people[0], "Order Completed")
    world.turn()
    with pytest.raises(IntegrityError), transaction.atomic():
        JourneyVersion.objects.filter(pk=launched.version_id).update(definition={})
    with pytest.raises(IntegrityError), transaction.atomic():
        Transition.objects.update(reason="other")
    told = Transition.objects.get()
    with pytest.raises(IntegrityError), transaction.atomic():
        Transition.objects.create(
            enrollment_id=told.enrollment_id, visit=1, from_step="", to_step="x", at=START, reason="x"
        )


def test_a_chain_of_waits_counts_from_when_each_was_due() -> None:
    """A turn some minutes late does not make the next wait later; many steps may pass in one turn."""
    world = World()
    waits = [{"id": f"w{n}", "kind": "wait", "mode": "for", "duration": "30m"} for n in range(6)]
    world.launch(journey([*waits, END]))
    world.hear(world.people[0], "Order Completed")
    world.turn()
    world.turn(4 * HOUR + 7 * MINUTE)
    ended = Enrollment.objects.get()
    assert ended.ended_at == START + 3 * HOUR
    assert len(way(ended)) == 8


def test_one_turn_moves_everybody_who_is_due_however_small_its_batches() -> None:
    """Who begins to wait at once makes no step: that ends the batch, not the turn."""
    world = World(5)
    world.launch(journey([PAUSE, END]))
    for person in world.people:
        world.hear(person, "Order Completed")
    world.turn()
    # As they come in from a segment, all at once and none of them looked at yet.
    Enrollment.objects.update(due_at=START)
    advance(brand=world.brand, clock=world.clock, limit=2)
    assert {entered.due_at for entered in Enrollment.objects.all()} == {START + 2 * DAY}
    done = advance(brand=world.brand, clock=FixedClock(START + 2 * DAY), limit=2)
    assert (done.steps, done.is_done) == (10, True)
    assert not Enrollment.objects.filter(state="active").exists()
