"""Moves on who is due: claimed, run step by step for all together, and written back in one transaction.

What a step does, the new place and the transitions commit together: a process that dies leaves the customers where they
were, with nothing asked for; whoever claims them next does all of it once.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.db import connection, transaction

from huitou.accounts.models import Brand
from huitou.core.arrays import instant_array, number_array, read_instants, text_array
from huitou.core.clock import Clock
from huitou.core.faultpoints import reach
from huitou.journeys import sql
from huitou.journeys.engine.ending import take_back
from huitou.journeys.engine.joining import settle, settle_control
from huitou.journeys.engine.judging import Matching
from huitou.journeys.engine.versions import definition_of, journey_name_of
from huitou.journeys.models import Launch
from huitou.journeys.step import Arrival, Go, Leave, StepContext, StepDefinition

# What comes later than this, after a pause or a worker that was down, happens now: messages keep their distance.
LATE = timedelta(hours=6)
# A step at most so often for one customer in one go; circles hold a wait, so nobody comes near.
_MOST_ROUNDS = 1_000


@dataclass(slots=True)
class Traveller:
    """One claimed enrollment and where it is by now."""

    id: int
    person_id: int
    customer_id: int
    version_id: int
    step: str
    visit: int
    acts: bool
    entered_at: datetime
    reached_at: datetime
    at: datetime
    due: bool
    outcome: str
    data: dict[str, Any]
    due_at: datetime | None = None
    waiting_for: str = ""
    exit_reason: str = ""


@dataclass
class Moves:
    """What is to be written of a batch."""

    done: list[Traveller] = field(default_factory=list)
    transitions: list[tuple[int, int, str, str, datetime, str]] = field(default_factory=list)


def move_due(*, launch: Launch, brand: Brand, clock: Clock, matching: Matching, limit: int) -> tuple[int, int]:
    """Move on up to `limit` customers of a launch who are due; returns how many, and how many steps they made.

    Who begins to wait at the first step made none, and is due no more all the same.
    """
    now = clock.now()
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(sql.HOLD_LAUNCH, [launch.pk])
        if cursor.fetchone() is None:
            return 0, 0
        cursor.execute(sql.CLAIM_DUE, {"launch": launch.pk, "now": now, "limit": limit})
        travellers = _read(cursor.fetchall(), now)
        if not travellers:
            return 0, 0
        reach("journeys.claimed")
        if definition_of(launch.version_id).reentry != "always":
            kept_back = settle(launch, travellers, clock=clock)
            travellers = [t for t in travellers if t.id not in kept_back]
        over = settle_control(launch, {t.id: t.customer_id for t in travellers if t.acts}, clock=clock)
        travellers = [t for t in travellers if t.id not in over]
        moves = Moves()
        left = _end_early(travellers, matching, moves)
        staying = {t.id for t in left}
        take_back(launch.pk, [t.id for t in travellers if t.id not in staying], clock=clock)
        _run(left, launch=launch, brand=brand, clock=clock, matching=matching, moves=moves)
        reach("journeys.ran")
        write_moves(moves)
        reach("journeys.written")
    reach("journeys.moved")
    return len(travellers), len(moves.transitions)


def _read(rows: Sequence[tuple[Any, ...]], now: datetime) -> list[Traveller]:
    """Claimed rows; instants come as text, which is much quicker to read than one by one by the driver."""
    if not rows:
        return []
    columns = list(zip(*rows, strict=True))
    for place in (7, 8, 9):
        columns[place] = tuple(read_instants(columns[place]))
    late = now - LATE
    found = []
    for row in zip(*columns, strict=True):
        number, person, customer, version, step, visit, acts, entered_at, reached_at, due_at, outcome, data = row
        due = due_at > reached_at or bool(outcome)
        # An entry counts from what let the customer in, however late that was told.
        at = now if due and due_at < late else due_at
        told = json.loads(data) if data != "{}" else {}
        found.append(
            Traveller(
                number, person, customer, version, step, visit, acts, entered_at, reached_at, at, due, outcome, told
            )
        )
    return found


def _end_early(travellers: list[Traveller], matching: Matching, moves: Moves) -> list[Traveller]:
    """Who meets the goal or the condition to leave goes no further; asked before anything is done."""
    by_version: dict[int, list[Traveller]] = defaultdict(list)
    for traveller in travellers:
        by_version[traveller.version_id].append(traveller)
    left: list[Traveller] = []
    for version, group in by_version.items():
        definition = definition_of(version)
        for reason, ending in (("goal", definition.goal), ("exit", definition.exit_when)):
            if ending.when and group:
                met = matching(ending.when, [t.customer_id for t in group])
                for traveller in group:
                    if traveller.customer_id in met:
                        _leave(traveller, reason, moves)
                group = [t for t in group if t.customer_id not in met]
        left += group
    return left


def _run(
    travellers: list[Traveller], *, launch: Launch, brand: Brand, clock: Clock, matching: Matching, moves: Moves
) -> None:
    """Step after step until everybody waits or has left."""
    for _round in range(_MOST_ROUNDS):
        if not travellers:
            return
        by_step: dict[tuple[int, str], list[Traveller]] = defaultdict(list)
        for traveller in travellers:
            by_step[traveller.version_id, traveller.step].append(traveller)
        travellers = []
        for (version, name), group in sorted(by_step.items()):
            definition = definition_of(version)
            step = definition.steps[name]
            context = StepContext(
                step_id=name,
                settings=step.settings,
                launch_id=launch.pk,
                journey=journey_name_of(version),
                purpose=launch.purpose,
                zone=brand.tz,
                clock=clock,
                matching=matching,
            )
            travellers += _take_step(step, context, group, moves)
    raise AssertionError(f"launch {launch.pk} goes round in circles")


def _take_step(step: StepDefinition, context: StepContext, group: list[Traveller], moves: Moves) -> list[Traveller]:
    """Run one step for all who are there; returns those who go on at once."""
    arrivals = [
        Arrival(t.id, t.customer_id, t.visit, t.at, t.entered_at, t.acts, t.due, t.outcome, t.step, t.data)
        for t in group
    ]
    outcomes = step.step.run(context, arrivals)
    assert len(outcomes) == len(arrivals), f"{step.kind} answers for each arrival"
    on: list[Traveller] = []
    ways = step.ways
    for traveller, outcome in zip(group, outcomes, strict=True):
        if isinstance(outcome, Go):
            target = ways[outcome.outlet]
            traveller.visit += 1
            moves.transitions.append(
                (traveller.id, traveller.visit, traveller.step, target, traveller.at, outcome.reason)
            )
            traveller.step = target
            traveller.reached_at = traveller.at
            traveller.due, traveller.outcome = False, ""
            on.append(traveller)
        elif isinstance(outcome, Leave):
            _leave(traveller, outcome.reason, moves)
        elif outcome.until <= traveller.at:
            traveller.due = True
            on.append(traveller)
        else:
            if traveller.due:
                traveller.reached_at = traveller.at
            traveller.due_at, traveller.waiting_for = outcome.until, outcome.event
            moves.done.append(traveller)
    return on


def _leave(traveller: Traveller, reason: str, moves: Moves) -> None:
    moves.transitions.append((traveller.id, traveller.visit + 1, traveller.step, "", traveller.at, reason))
    traveller.exit_reason = reason
    traveller.due_at = None
    moves.done.append(traveller)


def write_moves(moves: Moves) -> None:
    """Write where everybody is now, and how they came there."""
    done = sorted(moves.done, key=lambda t: t.id)
    if not done:
        return
    with connection.cursor() as cursor:
        cursor.execute(
            sql.MOVE,
            {
                "ids": number_array([t.id for t in done]),
                "steps": text_array([t.step for t in done]),
                "visits": number_array([t.visit for t in done]),
                "reached": instant_array([t.reached_at for t in done]),
                "due": instant_array([t.due_at for t in done]),
                "waiting": text_array([t.waiting_for for t in done]),
                "states": text_array(["ended" if t.exit_reason else "active" for t in done]),
                "ended": instant_array([t.at if t.exit_reason else None for t in done]),
                "reasons": text_array([t.exit_reason for t in done]),
            },
        )
        if moves.transitions:
            ways, visits, steps, targets, ats, reasons = zip(*moves.transitions, strict=True)
            cursor.execute(
                sql.ADD_TRANSITIONS,
                [
                    number_array(ways),
                    number_array(visits),
                    text_array(steps),
                    text_array(targets),
                    instant_array(ats),
                    text_array(reasons),
                ],
            )
