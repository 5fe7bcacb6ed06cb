"""Customers who are joined while both are inside a launch: one way goes on, on the real database."""

from __future__ import annotations

import random
import threading
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection, transaction

from huitou.accounts.models import User
from huitou.core.clock import FixedClock
from huitou.customers.joining import merge_customers, undo_merge
from huitou.customers.models import PersonLink
from huitou.experiments.models import Experiment
from huitou.journeys.engine.advance import advance
from huitou.journeys.engine.ending import end_these
from huitou.journeys.models import Enrollment, Launch, StaffTask
from huitou.journeys.plays.numbers import numbers_of
from huitou.journeys.queries import launch_counts
from huitou.journeys.tests.test_engine_properties import NAMES, Account, Told, Way, random_steps
from huitou.journeys.tests.travelling import DAY, END, HOUR, MINUTE, START, WORDS, World, journey, way
from huitou.messaging.models import Touch
from huitou.messaging.tests.stage import make_account
from huitou.stats.allocation import arm_of, draw

pytestmark = pytest.mark.django_db
SEND = {"id": "hello", "kind": "send", "channels": ["console_log"], "text": WORDS, "valid": "10d"}
PAUSE = {"id": "pause", "kind": "wait", "mode": "for", "duration": "2d"}
CALL = {"id": "call", "kind": "handoff", "title": WORDS}
AGAIN = {**SEND, "id": "again"}


def entered(world: World, gap: timedelta = HOUR) -> list[Enrollment]:
    """Everybody in, one after the other, the last person first."""
    for person in reversed(world.people):
        world.hear(person, "Order Completed")
        world.turn()
        world.now += gap
    return list(Enrollment.objects.order_by("entered_at"))


def states() -> dict[int, str]:
    return dict(Touch.objects.values_list("person_id", "state"))


def test_the_way_that_began_first_goes_on_and_the_other_ends_as_joined() -> None:
    """The second's message and its call, which nobody has taken, are taken back; afterwards each thing happens once."""
    world = World(2)
    launched = world.launch(journey([SEND, CALL, PAUSE, AGAIN, END]))
    first, other = entered(world)
    assert set(states().values()) == {"planned"}
    merge_customers(person_a=first.person_id, person_b=other.person_id, clock=world.clock)
    world.turn()
    other.refresh_from_db()
    assert (other.state, other.exit_reason, other.ended_at) == ("ended", "joined", world.now)
    assert way(other)[-1] == ("", "joined")
    assert states() == {first.person_id: "planned", other.person_id: "cancelled"}
    assert dict(StaffTask.objects.values_list("enrollment_id", "state")) == {first.pk: "open", other.pk: "cancelled"}
    assert world.turn().is_idle
    world.turn(3 * DAY)
    first.refresh_from_db()
    assert first.exit_reason == "finished"
    assert list(Touch.objects.filter(step="again").values_list("key", flat=True)) == [f"{first.pk}:again:4"]
    assert launch_counts(launched).by_exit == {"joined": 1, "finished": 1}


def test_what_staff_have_taken_stays_with_them_and_what_went_out_stays_sent() -> None:
    world = World(2)
    world.launch(journey([SEND, CALL, PAUSE, END]))
    first, other = entered(world)
    anna = User.objects.create_user("anna")
    StaffTask.objects.filter(enrollment=other).update(assignee=anna, taken_at=world.now)
    sent = {"state": "sent", "sent_at": world.now, "next_at": None, "channel": "console_log"}
    Touch.objects.filter(person_id=other.person_id).update(**sent, account=make_account("console_log"))
    merge_customers(person_a=first.person_id, person_b=other.person_id, clock=world.clock)
    world.turn()
    assert StaffTask.objects.get(enrollment=other).state == "open"
    assert states()[other.person_id] == "sent"


def test_one_event_ends_one_way_by_the_goal() -> None:
    """The engine hears of the purchase and of the merge in one turn; whoever did it, the first way reached the goal."""
    world = World(2)
    launched = world.launch(journey([PAUSE, END], goal={"purchase": True}))
    first, other = entered(world)
    merge_customers(person_a=first.person_id, person_b=other.person_id, clock=world.clock)
    world.hear(other.person_id, "Order Completed")
    world.turn(MINUTE)
    first.refresh_from_db()
    other.refresh_from_db()
    assert (first.exit_reason, other.exit_reason) == ("goal", "joined")
    assert (numbers_of(launched).at_goal, numbers_of(launched).arms) == (1, {"treatment": 1})


def test_the_arm_is_that_of_the_first() -> None:
    """Of many pairs, those whose first way is control have nothing more done for them."""
    world = World(40)
    world.launch(journey([PAUSE, CALL, END]), control_bp=5000)
    for odd in (0, 1):
        for person in world.people:
            if person % 2 == odd:
                world.hear(person, "Order Completed")
        world.turn(MINUTE)
    ways = {e.person_id: e for e in Enrollment.objects.all()}
    expected = {}
    for a, b in zip(world.people[::2], world.people[1::2], strict=True):
        merge_customers(person_a=a, person_b=b, clock=world.clock)
        first = min(ways[a], ways[b], key=lambda e: e.entered_at)
        expected[first.pk] = first.arm
    assert set(expected.values()) == {"control", "treatment"}
    world.turn(3 * DAY)
    finished = dict(Enrollment.objects.filter(exit_reason="finished").values_list("pk", "arm"))
    assert finished == expected
    tasks = set(StaffTask.objects.values_list("enrollment_id", flat=True))
    assert tasks == {pk for pk, arm in expected.items() if arm == "treatment"}


def two_arms(
    steps: Sequence[Any], rule: str, arms: tuple[str, str] = ("control", "treatment")
) -> tuple[World, Launch, Enrollment, Enrollment]:
    """Two ways an hour apart, by default the first in control and the other treated."""
    world = World(12)
    launched = world.launch(journey(steps, reentry=rule), control_bp=5000)
    cut = Experiment.objects.get(key=launched.experiment).sections
    by_arm = {arm_of(cut, draw(launched.experiment, person)): person for person in world.people}
    ways = []
    for arm in arms:
        world.hear(by_arm[arm], "Order Completed")
        world.turn()
        ways.append(Enrollment.objects.get(person_id=by_arm[arm]))
        world.now += HOUR
    assert [(way.arm, way.acts) for way in ways] == [(arm, arm == "treatment") for arm in arms]
    return world, launched, ways[0], ways[1]


@pytest.mark.parametrize("rule", ["always", "after_exit"])
def test_nothing_more_is_done_for_who_was_drawn_as_control_first(rule: str) -> None:
    """Control's way is over, or both go on since the journey keeps every way: the treated one ends and takes back."""
    steps = [SEND, CALL, PAUSE, AGAIN, END]
    world, launched, control, treated = two_arms(steps, rule)
    if rule == "after_exit":
        end_these([control.pk], at=world.now, reason="finished")
    merge_customers(person_a=control.person_id, person_b=treated.person_id, clock=world.clock)
    world.turn()
    treated.refresh_from_db()
    assert (treated.state, treated.exit_reason) == ("ended", "joined_to_control")
    assert states() == {treated.person_id: "cancelled"}
    assert StaffTask.objects.get().state == "cancelled"
    world.turn(9 * DAY)
    assert Touch.objects.count() == 1
    control.refresh_from_db()
    assert control.state == "ended"
    assert numbers_of(launched).arms == {"control": 1}


def test_what_a_treated_way_left_to_be_sent_is_taken_back_for_control() -> None:
    """It went through to its end within a minute; its message waits for the morning when the customers are joined."""
    world, _launched, control, treated = two_arms([SEND, END], "never")
    assert treated.exit_reason == "finished"
    merge_customers(person_a=control.person_id, person_b=treated.person_id, clock=world.clock)
    world.turn()
    assert states() == {treated.person_id: "cancelled"}
    treated.refresh_from_db()
    assert treated.exit_reason == "finished"


def test_a_way_that_is_about_to_move_finds_that_it_belongs_to_control() -> None:
    """The merge was looked at before the treated way was in, as two workers may; it is found when it moves."""
    world, launched, control, treated = two_arms([PAUSE, SEND, CALL, END], "always")
    PersonLink.objects.create(
        person_id=max(control.person_id, treated.person_id), customer_id=min(control.person_id, treated.person_id)
    )
    world.turn(3 * DAY)
    treated.refresh_from_db()
    assert treated.exit_reason == "joined_to_control"
    assert not Touch.objects.exists()
    assert not StaffTask.objects.exists()
    assert numbers_of(launched).arms == {"control": 1}


def test_control_joined_to_a_treated_way_leaves_it_as_it_is() -> None:
    world, _launched, treated, control = two_arms([PAUSE, SEND, END], "always", ("treatment", "control"))
    merge_customers(person_a=control.person_id, person_b=treated.person_id, clock=world.clock)
    world.turn(3 * DAY)
    assert set(Enrollment.objects.values_list("exit_reason", flat=True)) == {"finished"}
    assert Touch.objects.count() == 1


def test_journeys_that_let_in_again_and_again_keep_every_way() -> None:
    world = World(2)
    world.launch(journey([PAUSE, CALL, END], reentry="always"))
    first, other = entered(world)
    merge_customers(person_a=first.person_id, person_b=other.person_id, clock=world.clock)
    world.turn(3 * DAY)
    assert set(Enrollment.objects.values_list("exit_reason", flat=True)) == {"finished"}
    assert StaffTask.objects.count() == 2


def test_undoing_brings_no_way_back_and_neither_is_in_again() -> None:
    world = World(2)
    world.launch(journey([PAUSE, CALL, END]))
    first, other = entered(world)
    merge = merge_customers(person_a=first.person_id, person_b=other.person_id, clock=world.clock)
    world.turn()
    undo_merge(merge_id=merge.pk, clock=world.clock)
    world.hear(other.person_id, "Order Completed")
    world.turn(3 * DAY)
    assert [e.exit_reason for e in Enrollment.objects.order_by("entered_at")] == ["finished", "joined"]


def test_a_merge_that_was_undone_before_the_engine_came_joins_nothing() -> None:
    world = World(2)
    world.launch(journey([PAUSE, CALL, END]))
    first, other = entered(world)
    merge = merge_customers(person_a=first.person_id, person_b=other.person_id, clock=world.clock)
    undo_merge(merge_id=merge.pk, clock=world.clock)
    world.turn(3 * DAY)
    assert set(Enrollment.objects.values_list("exit_reason", flat=True)) == {"finished"}


def test_an_event_of_any_person_counts_before_what_is_due_later() -> None:
    """A worker that was down hears the answer of one person before the other's purchase, and both before the wait is
    over: one after the other, as if one person had done both."""
    world = World(2)
    wait = {"id": "answer", "kind": "wait", "mode": "event", "event": "Asked", "at_most": "1d", "timeout": "call"}
    world.launch(journey([{**wait, "next": "pause"}, CALL, PAUSE, END], goal={"events": [{"event": "Viewed"}]}))
    world.hear(world.people[0], "Order Completed")
    world.turn()
    merge_customers(person_a=world.people[0], person_b=world.people[1], clock=world.clock)
    world.hear(world.people[1], "Asked", at=START + HOUR)
    world.hear(world.people[0], "Viewed", at=START + 2 * HOUR)
    world.turn(2 * DAY)
    assert way(Enrollment.objects.get()) == [("answer", "entered"), ("pause", "event"), ("", "goal")]


def test_an_event_finds_two_halves_and_ends_one_by_the_goal() -> None:
    """Let in at the same moment by two workers and both waiting; nobody has looked at them since."""
    world = World(2)
    launched = world.launch(journey([PAUSE, END], goal={"purchase": True}))
    _first, other = entered(world)
    PersonLink.objects.create(person_id=max(world.people), customer_id=min(world.people))
    world.hear(other.person_id, "Order Completed")
    world.turn()
    assert [e.exit_reason for e in Enrollment.objects.order_by("entered_at")] == ["goal", "joined"]
    assert numbers_of(launched).at_goal == 1


def test_two_halves_let_in_at_the_same_moment_are_found_when_one_moves() -> None:
    """The merge was looked at before either was in, as two workers may: whoever moves first finds the other."""
    world = World(4)
    world.launch(journey([PAUSE, SEND, END]))
    entered(world)
    by_person = {e.person_id: e for e in Enrollment.objects.all()}
    for a, b in zip(world.people[::2], world.people[1::2], strict=True):
        PersonLink.objects.create(person_id=b, customer_id=a)
    # Of the first pair the later way is due, of the second the one that goes on.
    late, first = by_person[world.people[0]], by_person[world.people[3]]
    Enrollment.objects.exclude(pk__in=(late.pk, first.pk)).update(due_at=START + 9 * DAY)
    world.turn(2 * DAY)
    reasons = dict(Enrollment.objects.values_list("person_id", "exit_reason"))
    assert list(reasons.values()).count("joined") == 2
    assert (reasons[world.people[0]], reasons[world.people[2]]) == ("joined", "joined")
    assert list(Touch.objects.values_list("key", flat=True)) == [f"{first.pk}:hello:2"]


@pytest.mark.django_db(transaction=True)
def test_a_way_waits_while_somebody_else_has_its_fellow_in_hand() -> None:
    world = World(2)
    world.launch(journey([PAUSE, SEND, END]))
    first, other = entered(world)
    PersonLink.objects.create(person_id=max(world.people), customer_id=min(world.people))
    Enrollment.objects.filter(pk=other.pk).update(due_at=START + 9 * DAY)
    locked, go_on = threading.Event(), threading.Event()

    def hold() -> None:
        try:
            with transaction.atomic():
                list(Enrollment.objects.select_for_update().filter(pk=other.pk))
                locked.set()
                assert go_on.wait(30)
        finally:
            connection.close()

    holder = threading.Thread(target=hold)
    holder.start()
    assert locked.wait(30)
    world.turn(3 * DAY)
    assert not Touch.objects.exists()
    go_on.set()
    holder.join(30)
    world.turn()
    assert list(Touch.objects.values_list("key", flat=True)) == [f"{first.pk}:hello:2"]
    assert Enrollment.objects.get(pk=other.pk).exit_reason == "joined"


@pytest.mark.django_db(transaction=True)
def test_a_merge_while_another_worker_has_the_second_way_in_hand() -> None:
    """One worker is asking the branch's condition for the second customer when the merge commits: it finishes its step,
    the other worker waits for it, and what the step asked for is taken back at once."""
    world = World(2)
    branch = {"id": "ask", "kind": "branch", "cases": [{"when": {"all": []}, "next": "hello"}], "next": "hello"}
    world.launch(journey([PAUSE, branch, SEND, {**PAUSE, "id": "more"}, AGAIN, END]))
    first, other = entered(world)
    Enrollment.objects.filter(pk=first.pk).update(due_at=START + 9 * DAY)
    asked, go_on = threading.Event(), threading.Event()

    def slow(_condition: Mapping[str, Any], customers: Sequence[int]) -> frozenset[int]:
        asked.set()
        assert go_on.wait(30)
        return frozenset(customers)

    def work(**given: Any) -> None:
        try:
            advance(brand=world.brand, clock=FixedClock(START + 3 * DAY), **given)
        finally:
            connection.close()

    one = threading.Thread(target=work, kwargs={"matching": slow})
    one.start()
    assert asked.wait(30)
    merge_customers(person_a=first.person_id, person_b=other.person_id, clock=world.clock)
    two = threading.Thread(target=work)
    two.start()
    two.join(1)
    assert two.is_alive(), "waits for the row"
    go_on.set()
    one.join(30)
    two.join(30)
    assert [e.exit_reason for e in Enrollment.objects.order_by("entered_at")] == ["", "joined"]
    assert list(Touch.objects.values_list("key", "state")) == [(f"{other.pk}:hello:3", "cancelled")]


@pytest.mark.django_db(transaction=True)
def test_merges_beside_four_workers_leave_one_way_each() -> None:
    """Pairs are joined while workers move everybody on; each pair has one way left, and no second message."""
    world = World(60)
    world.launch(journey([{**PAUSE, "id": "soon", "duration": "30m"}, SEND, PAUSE, AGAIN, END]))
    for person in world.people:
        world.hear(person, "Order Completed", at=START + (person % 7) * MINUTE)
    world.turn(10 * MINUTE)
    stop, troubles = threading.Event(), []

    def work() -> None:
        try:
            while not stop.is_set():
                advance(brand=world.brand, clock=FixedClock(START + HOUR), limit=3)
        except Exception as error:
            troubles.append(error)
        finally:
            connection.close()

    workers = [threading.Thread(target=work) for _ in range(4)]
    for worker in workers:
        worker.start()
    for a, b in zip(world.people[::2], world.people[1::2], strict=True):
        merge_customers(person_a=a, person_b=b, clock=world.clock)
    stop.set()
    for worker in workers:
        worker.join(60)
    assert troubles == []
    world.turn(HOUR)
    world.turn(3 * DAY)
    assert Enrollment.objects.filter(exit_reason="finished").count() == 30
    assert Enrollment.objects.filter(exit_reason="joined").count() == 30
    assert Touch.objects.filter(step="again").count() == 30
    joined = set(Enrollment.objects.filter(exit_reason="joined").values_list("pk", flat=True))
    planned = Touch.objects.filter(state="planned").values_list("key", flat=True)
    assert {int(key.split(":")[0]) for key in planned}.isdisjoint(joined)


class Market(Account):
    """The plain account of many persons, who are joined and parted."""

    def __init__(self, people: Sequence[int], steps: list[dict[str, Any]], rule: str, goal: str) -> None:
        super().__init__(steps, rule, goal)
        self.customer = {person: person for person in people}
        self.all: list[tuple[int, Way]] = []

    def of(self, person: int) -> list[Way]:
        return [way for owner, way in self.all if self.customer[owner] == self.customer[person]]

    def happen(self, person: int, told: Told) -> None:
        self.pass_everybody(told.at)
        self.ways = self.of(person)
        known = len(self.ways)
        self.hear(told)
        self.all += [(self.customer[person], way) for way in self.ways[known:]]

    def pass_everybody(self, moment: Any) -> None:
        self.ways = [way for _owner, way in self.all]
        self.pass_until(moment)

    def join(self, a: int, b: int, at: Any) -> None:
        keep, give = sorted((self.customer[a], self.customer[b]))
        self.customer = {person: keep if customer == give else customer for person, customer in self.customer.items()}
        if self.rule != "always":
            inside = sorted((way for way in self.of(a) if way.due is not None), key=lambda way: way.entered)
            for way in inside[1:]:
                way.log.append(("", "joined", at))
                way.due = None

    def part(self, persons: Sequence[int]) -> None:
        self.customer |= {person: person for person in persons}


@pytest.mark.parametrize("seed", [0, 1, 5, *(pytest.param(seed, marks=pytest.mark.soak) for seed in range(6, 14))])
def test_random_merges_and_undoings_between_activity_equal_a_plain_account(seed: int) -> None:
    """Six persons, joined in pairs and parted again while they buy, look and wait; engine and account agree."""
    rng = random.Random(seed)
    steps, rule = random_steps(rng), rng.choice(("never", "after_exit", "after_exit", "always"))
    goal = rng.choice(("", "Asked"))
    world = World(6)
    ending: dict[str, Any] = {"goal": {"events": [{"event": goal}]}} if goal else {}
    world.launch(journey(steps, reentry=rule, **ending))
    market = Market(world.people, steps, rule, goal)
    merges: dict[tuple[int, int], int] = {}
    looked = world.now
    for number in range(160):
        world.now += timedelta(seconds=rng.randrange(60, 2 * 3600))
        pair = rng.choice(((0, 1), (2, 3), (4, 5)))
        a, b = (world.people[i] for i in pair)
        chance = rng.random()
        if chance < 0.25 and pair not in merges:
            world.turn(limit=rng.choice((1, 500)))
            market.pass_everybody(world.now)
            merges[pair] = merge_customers(person_a=a, person_b=b, clock=world.clock).pk
            world.turn()
            market.join(a, b, world.now)
        elif chance < 0.35 and pair in merges:
            world.turn()
            market.pass_everybody(world.now)
            undo_merge(merge_id=merges.pop(pair), clock=world.clock)
            market.part((a, b))
        else:
            person, x = rng.choice((a, b)), rng.randrange(10)
            told = Told(number, world.now, rng.choice(NAMES), x)
            world.hear(person, told.name, x=x)
            market.happen(person, told)
            # What comes more than six hours late happens when it comes.
            if rng.random() > 0.6 and world.now - looked < 3 * HOUR:
                continue
            world.turn(limit=rng.choice((1, 3, 500)))
        looked = world.now
    for _hours in range(50):
        world.turn(5 * HOUR)
    market.pass_everybody(world.now)
    found: dict[int, list[Any]] = {}
    for each in Enrollment.objects.order_by("entered_at", "pk"):
        log = [(t.to_step, t.reason, t.at) for t in each.transitions.order_by("visit")]
        found.setdefault(each.person_id, []).append(log)
    expected: dict[int, list[Any]] = {}
    for owner, each_way in market.all:
        expected.setdefault(owner, []).append(each_way.log)
    assert found == expected, (seed, steps, rule)
    assert StaffTask.objects.count() == market.tasks
    if rule != "always":
        assert Launch.objects.get().joined_through is not None
