"""One turn of the engine: launches open and end, customers enter, events are taken, who is due moves on."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial

from django.db import connection, transaction

from huitou.accounts.models import Brand
from huitou.core.clock import Clock
from huitou.core.errors import DomainError
from huitou.journeys import sql
from huitou.journeys.engine.entering import enter_all
from huitou.journeys.engine.failing import attempt, tell_failed
from huitou.journeys.engine.goals import end_by_refresh
from huitou.journeys.engine.joining import join_ways, newest_merge
from huitou.journeys.engine.judging import Matching, judge_as_of
from huitou.journeys.engine.moving import move_due
from huitou.journeys.engine.signals import take_signals
from huitou.journeys.engine.versions import definition_of
from huitou.journeys.models import Launch
from huitou.journeys.trigger import Window
from huitou.orders.queries import last_refresh

BATCH = 5_000
# The moment of the start itself counts.
_JUST_BEFORE = timedelta(microseconds=1)


@dataclass(frozen=True)
class Advanced:
    """What a turn did: customers let in, ways ended by a refresh or by a merge, events taken, steps made.

    `failed` has the launches that could not go on, with the reason; they hold up nobody else.
    """

    entered: int = 0
    ended: int = 0
    heard: int = 0
    steps: int = 0
    is_done: bool = True
    failed: Mapping[int, DomainError] = field(default_factory=dict)

    @property
    def is_idle(self) -> bool:
        return not (self.entered or self.ended or self.heard or self.steps)


def advance(
    *, brand: Brand, clock: Clock, limit: int = BATCH, seconds: float | None = None, matching: Matching | None = None
) -> Advanced:
    """Do everything that is due at the clock's now; returns what was done.

    With `seconds` it stops after about so long, and `is_done` says whether anything is left. Any number may run at
    once, and each may be killed at any moment.
    """
    until = None if seconds is None else time.monotonic() + seconds
    now = clock.now()
    judge = matching or judge_as_of(now)
    _open_due(now)
    entered = ended = heard = steps = 0
    failed: dict[int, DomainError] = {}
    look = partial(_look_at_refresh, clock=clock, matching=judge)
    let_in = partial(_let_in, brand=brand, clock=clock, matching=judge)
    merge = newest_merge()
    for launch in Launch.objects.filter(state__in=(Launch.RUNNING, Launch.PAUSED)).order_by("pk"):
        ended += join_ways(launch, upto=merge, clock=clock)
        ended += attempt(launch, failed, look, 0)
    is_done = True
    for do_enter in (False, True):
        if do_enter:
            for launch in Launch.objects.filter(state=Launch.RUNNING).order_by("pk"):
                entered += attempt(launch, failed, let_in, 0)
            if not entered:
                break
        done_heard, done_steps, is_done = _rounds(brand, clock, judge, limit, until, failed)
        heard, steps = heard + done_heard, steps + done_steps
        if not is_done:
            break
    if is_done:
        # Not before whoever still had to enter was looked for.
        with connection.cursor() as cursor:
            cursor.execute(sql.CLOSE_OVER, {"now": now})
    tell_failed(failed, is_done=is_done)
    return Advanced(entered, ended, heard, steps, is_done, failed)


def _rounds(
    brand: Brand, clock: Clock, matching: Matching, limit: int, until: float | None, failed: dict[int, DomainError]
) -> tuple[int, int, bool]:
    """Events and steps by turns until nothing is due: each person's in the order of time."""
    heard = steps = 0

    def move(launch: Launch) -> tuple[int, int]:
        return move_due(launch=launch, brand=brand, clock=clock, matching=matching, limit=limit)

    while True:
        before = len(failed)
        taken = take_signals(clock=clock, matching=matching, limit=limit, failed=failed)
        moved = 0
        for launch in _due_launches(clock.now()):
            is_more = True
            while is_more:
                customers, made = attempt(launch, failed, move, (0, 0))
                moved, steps, is_more = moved + customers, steps + made, customers > 0
                if until is not None and time.monotonic() > until:
                    return heard + taken, steps, False
        heard += taken
        # Events of customers who wait in a launch that fails were held up by it until now.
        if not taken and not moved and len(failed) == before:
            return heard, steps, True
        if until is not None and time.monotonic() > until:
            return heard, steps, False


def _due_launches(now: datetime) -> list[Launch]:
    with connection.cursor() as cursor:
        cursor.execute(sql.DUE_LAUNCHES, [now])
        found = [row[0] for row in cursor.fetchall()]
    return list(Launch.objects.filter(pk__in=found).order_by("pk"))


def _open_due(now: datetime) -> None:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(sql.OPEN_DUE, {"now": now})


def _look_at_refresh(launch: Launch, clock: Clock, matching: Matching) -> int:
    """Endings that a new refresh shows; segments are looked at when customers are let in."""
    run = last_refresh()
    if run is None or (launch.goals_run or 0) >= run.pk:
        return 0
    definition = definition_of(launch.version_id)
    ended = 0
    if definition.goal.is_of_lake or definition.exit_when.is_of_lake:
        ended = end_by_refresh(launch, clock=clock, matching=matching)
    Launch.objects.filter(pk=launch.pk).update(goals_run=run.pk)
    return ended


def _let_in(launch: Launch, brand: Brand, clock: Clock, matching: Matching) -> int:
    """Whoever dates, schedules and segments let in since the last look; told again after a kill, they enter once."""
    definition, now, run = definition_of(launch.version_id), clock.now(), last_refresh()
    find = definition.trigger_kind.find
    after = launch.entered_through or launch.starts_at - _JUST_BEFORE
    if find is None or now <= after:
        return 0
    entered = 0
    run_id = run.pk if run else None
    for candidates in find(definition.trigger, Window(after, now, brand.tz, launch.refresh_run, run_id)):
        for start in range(0, len(candidates), BATCH):
            entered += enter_all(launch, candidates[start : start + BATCH], matching=matching, clock=clock)
    Launch.objects.filter(pk=launch.pk).update(entered_through=now, refresh_run=run_id)
    return entered
