"""Random journeys, random events and turns at random times give what a plain account of each customer gives."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import pytest

from huitou.journeys.models import Enrollment, Signal, StaffTask
from huitou.journeys.tests.travelling import HOUR, MINUTE, START, WORDS, World, journey

NAMES = ("Order Completed", "Viewed", "Asked")
PERIODS = {"30m": 30, "2h": 120, "1d": 1440, "3d": 4320}


@dataclass
class Way:
    """One customer's way, told by hand."""

    entered: datetime
    first_event: int
    step: int = 0
    reached: datetime = START
    due: datetime | None = None
    waits_for: str = ""
    log: list[tuple[str, str, datetime]] = field(default_factory=list)


@dataclass(frozen=True)
class Told:
    number: int
    at: datetime
    name: str
    x: int


def random_steps(rng: random.Random) -> list[dict[str, Any]]:
    """Steps that lead on to later ones, so that every one is reached and the last is the end."""
    count = rng.randrange(2, 8)
    steps: list[dict[str, Any]] = []
    for number in range(count):
        step: dict[str, Any] = {"id": f"s{number}", "next": f"s{number + 1}"}
        later = f"s{rng.randrange(number + 1, count + 1)}"
        match rng.randrange(4):
            case 0:
                step |= {"kind": "wait", "mode": "for", "duration": rng.choice(list(PERIODS))}
            case 1:
                step |= {
                    "kind": "wait", "mode": "event", "event": rng.choice(NAMES[1:]),
                    "at_most": rng.choice(list(PERIODS)), "timeout": later,
                }  # fmt: skip
                if rng.random() < 0.4:
                    step["where"] = [{"property": "x", "is": ">=", "value": rng.randrange(10)}]
            case 2:
                limit = [{"property": "x", "is": "<", "value": rng.randrange(10)}]
                step |= {"kind": "branch", "cases": [{"data": limit, "next": later}]}
            case _:
                step |= {"kind": "handoff", "title": WORDS}
        steps.append(step)
    return [*steps, {"id": f"s{count}", "kind": "exit"}]


class Account:
    """What one customer must have gone through, event by event."""

    def __init__(self, steps: list[dict[str, Any]], rule: str, goal: str) -> None:
        self.steps, self.rule, self.goal = steps, rule, goal
        self.ways: list[Way] = []
        self.tasks = 0
        self.data: dict[int, int] = {}

    def tell(self, events: list[Told], until: datetime) -> None:
        for told in sorted(events, key=lambda e: (e.at, e.number)):
            self.pass_until(told.at)
            self.hear(told)
        self.pass_until(until)

    def pass_until(self, moment: datetime) -> None:
        while ready := [w for w in self.ways if w.due is not None and w.due <= moment]:
            way = min(ready, key=lambda w: w.due or START)
            assert way.due is not None
            step = self.steps[way.step]
            at = way.due
            if way.waits_for:
                self.go(way, step["timeout"], "timeout", at)
            elif way.log[-1][0] == step["id"] and way.reached < at:
                self.go(way, step["next"], "waited", at)
            self.walk(way, at)

    def hear(self, told: Told) -> None:
        for way in self.ways:
            if way.due is None or told.number == way.first_event:
                continue
            step = self.steps[way.step]
            if self.goal and told.name == self.goal:
                way.log.append(("", "goal", told.at))
                way.due = None
            elif way.waits_for == told.name and way.reached <= told.at < way.due:
                limit = step.get("where", [{"value": -1}])[0]["value"]
                if told.x >= limit:
                    self.go(way, step["next"], "event", told.at)
                    self.walk(way, told.at)
        if told.name == NAMES[0] and self.may_enter():
            way = Way(told.at, told.number, reached=told.at, due=told.at, log=[("s0", "entered", told.at)])
            self.ways.append(way)
            self.data[id(way)] = told.x
            self.walk(way, told.at)

    def may_enter(self) -> bool:
        if self.rule == "always":
            return True
        inside = any(way.due is not None for way in self.ways)
        return not (inside or (self.rule == "never" and self.ways))

    def go(self, way: Way, target: str, reason: str, at: datetime) -> None:
        way.step, way.reached, way.waits_for = int(target[1:]), at, ""
        way.log.append((target, reason, at))

    def walk(self, way: Way, at: datetime) -> None:
        while True:
            step = self.steps[way.step]
            if step["kind"] == "exit":
                way.log.append(("", "finished", at))
                way.due = None
                return
            if step["kind"] == "wait":
                period = step.get("duration") or step["at_most"]
                way.due = at + timedelta(minutes=PERIODS[period])
                way.waits_for = step.get("event", "")
                return
            if step["kind"] == "branch":
                case = step["cases"][0]
                met = self.data[id(way)] < case["data"][0]["value"]
                self.go(way, case["next"] if met else step["next"], "case 1" if met else "else", at)
            else:
                self.tasks += 1
                self.go(way, step["next"], "handed over", at)


@pytest.mark.django_db
@pytest.mark.parametrize("seed", [0, 1, 3, *(pytest.param(seed, marks=pytest.mark.soak) for seed in range(4, 12))])
def test_random_journeys_equal_a_plain_account(seed: int) -> None:
    rng = random.Random(seed)
    steps, rule = random_steps(rng), rng.choice(("never", "after_exit", "always"))
    goal = rng.choice(("", "", "Asked"))
    world = World(8)
    ending: dict[str, Any] = {"goal": {"events": [{"event": goal}]}} if goal else {}
    world.launch(journey(steps, reentry=rule, **ending))
    until = START + timedelta(days=10)
    events: dict[int, list[Told]] = {person: [] for person in world.people}
    for number in range(160):
        at = START + timedelta(minutes=rng.randrange(6 * 1440))
        told = Told(number, at, rng.choice(NAMES), rng.randrange(10))
        events[rng.choice(world.people)].append(told)
    waiting = sorted(((t.number, p, t) for p, ts in events.items() for t in ts), key=lambda row: row[2].at)
    while world.now < until:
        world.now += rng.choice((7 * MINUTE, 2 * HOUR, 5 * HOUR))
        while waiting and waiting[0][2].at <= world.now:
            number, person, told = waiting.pop(0)
            kept = world.hear(person, told.name, at=told.at, x=told.x)
            Signal.objects.filter(pk=kept.pk).update(event_id=f"{number:032x}")
        world.turn(limit=rng.choice((1, 3, 500)))
    for person, told_events in events.items():
        account = Account(steps, rule, goal)
        account.tell(told_events, world.now)
        ways = Enrollment.objects.filter(person_id=person).order_by("entered_at", "pk")
        found = [[(t.to_step, t.reason, t.at) for t in way.transitions.order_by("visit")] for way in ways]
        assert found == [way.log for way in account.ways], (seed, person, steps)
        assert StaffTask.objects.filter(person_id=person).count() == account.tasks
