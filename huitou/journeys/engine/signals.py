"""Takes events that launches listen for: ends ways, ends waits, lets customers in. Per person in the order of time."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any

from django.db import connection, transaction

from huitou.core.clock import Clock
from huitou.core.errors import DomainError
from huitou.core.faultpoints import reach
from huitou.customers.queries import customers_of, members_of
from huitou.journeys import sql
from huitou.journeys.definition import PURCHASE_EVENT, Definition, Ending
from huitou.journeys.engine.ending import end_early
from huitou.journeys.engine.entering import enter
from huitou.journeys.engine.failing import attempt
from huitou.journeys.engine.joining import end_joined, later_ways
from huitou.journeys.engine.judging import Matching
from huitou.journeys.engine.versions import definition_of
from huitou.journeys.filters import passes
from huitou.journeys.models import Launch
from huitou.journeys.setting import read_duration
from huitou.journeys.trigger import Candidate
from huitou.journeys.triggers.event import LATEST

_LONGEST = 100


@dataclass(frozen=True, slots=True)
class Heard:
    """One event that was kept for journeys."""

    id: int
    person_id: int
    event_id: str
    name: str
    occurred_at: datetime
    received_at: datetime
    properties: Mapping[str, Any]

    @property
    def entry_key(self) -> str:
        return f"event:{self.event_id}"


@dataclass(frozen=True, slots=True)
class _Way:
    id: int
    launch_id: int
    reentry: str
    version_id: int
    person_id: int
    entry_key: str
    entered_at: datetime
    step: str
    waiting_for: str
    reached_at: datetime
    due_at: datetime


def take_signals(*, clock: Clock, matching: Matching, limit: int, failed: dict[int, DomainError] | None = None) -> int:
    """Take the earliest kept event of up to `limit` persons; returns how many events.

    Launches that have `failed` in this turn let nobody in, and whoever is due in them keeps no event waiting.
    """
    failed = {} if failed is None else failed
    with transaction.atomic(), connection.cursor() as cursor:
        # Launches before ways, as whoever pauses or stops one locks them.
        cursor.execute(sql.HOLD_RUNNING)
        running = [row[0] for row in cursor.fetchall()]
        cursor.execute(
            sql.CLAIM_SIGNALS, {"now": clock.now(), "limit": limit, "running": running, "failed": list(failed)}
        )
        heard = [_read(row) for row in cursor.fetchall()]
        if not heard:
            return 0
        customers = customers_of({h.person_id for h in heard})
        by_customer: dict[int, list[Heard]] = defaultdict(list)
        for each in heard:
            by_customer[customers[each.person_id]].append(each)
        _answer(by_customer, clock)
        reach("journeys.answered")
        for launch in Launch.objects.filter(pk__in=running).order_by("pk"):
            candidates = _candidates(launch, heard, clock.now())
            if candidates:
                let_in = partial(_enter, candidates=candidates, matching=matching, clock=clock)
                attempt(launch, failed, let_in, 0)
        cursor.execute(sql.DELETE_SIGNALS, [[h.id for h in heard]])
        reach("journeys.heard")
    return len(heard)


def _enter(launch: Launch, *, candidates: Sequence[Candidate], matching: Matching, clock: Clock) -> int:
    """`enter`, of which nothing is left where it is refused."""
    with transaction.atomic():
        return enter(launch, candidates, matching=matching, clock=clock)


def _read(row: Sequence[Any]) -> Heard:
    number, person, event_id, name, occurred_at, received_at, properties = row
    return Heard(number, person, event_id, name, occurred_at, received_at, json.loads(properties))


def _answer(by_customer: Mapping[int, Sequence[Heard]], clock: Clock) -> None:
    """End or wake the ways of those who did something."""
    members = members_of(by_customer)
    owner = {person: customer for customer, persons in members.items() for person in persons}
    with connection.cursor() as cursor:
        cursor.execute(sql.LOCK_ACTIVE_OF, [sorted(owner)])
        ways = [_Way(*row) for row in cursor.fetchall()]
        over = _superfluous([way for way in ways if len(members[owner[way.person_id]]) > 1], clock)
        ways = [way for way in ways if way.id not in over]
        ended: dict[str, dict[datetime, list[int]]] = defaultdict(lambda: defaultdict(list))
        woken: list[tuple[int, datetime]] = []
        for way in ways:
            definition = definition_of(way.version_id)
            for heard in sorted(by_customer[owner[way.person_id]], key=lambda h: (h.occurred_at, h.id)):
                reason = _ending_reason(way, definition, heard)
                if reason:
                    ended[reason][heard.occurred_at].append(way.id)
                    break
                if _wakes(way, definition, heard):
                    woken.append((way.id, heard.occurred_at))
                    break
        for reason, by_time in ended.items():
            for at, ids in by_time.items():
                for launch, numbers in _by_launch(ids, ways).items():
                    end_early(launch, numbers, at=at, reason=reason, clock=clock)
        if woken:
            cursor.execute(sql.WAKE, [[number for number, _at in woken], [at for _number, at in woken]])


def _by_launch(ids: Sequence[int], ways: Sequence[_Way]) -> dict[int, list[int]]:
    launches = {way.id: way.launch_id for way in ways}
    found: dict[int, list[int]] = defaultdict(list)
    for number in ids:
        found[launches[number]].append(number)
    return found


def _superfluous(ways: Sequence[_Way], clock: Clock) -> set[int]:
    """Of these ways, which are locked, those that a merge has just made superfluous: they end here."""
    by_launch: dict[int, list[_Way]] = defaultdict(list)
    for way in ways:
        if way.reentry != "always":
            by_launch[way.launch_id].append(way)
    over: set[int] = set()
    for launch, held in sorted(by_launch.items()):
        later = later_ways(held)
        end_joined(launch, later, clock=clock)
        over.update(later)
    return over


def _ending_reason(way: _Way, definition: Definition, heard: Heard) -> str:
    if heard.occurred_at < way.entered_at or heard.entry_key == way.entry_key:
        return ""
    if _ends(definition.goal, heard):
        return "goal"
    return "exit" if _ends(definition.exit_when, heard) else ""


def _ends(ending: Ending, heard: Heard) -> bool:
    if ending.purchase and heard.name == PURCHASE_EVENT:
        return True
    return any(entry["event"] == heard.name and passes(entry.get("where"), heard.properties) for entry in ending.events)


def _wakes(way: _Way, definition: Definition, heard: Heard) -> bool:
    if way.waiting_for != heard.name or not way.reached_at <= heard.occurred_at < way.due_at:
        return False
    if heard.entry_key == way.entry_key:
        return False
    return passes(definition.steps[way.step].settings.get("where"), heard.properties)


def _candidates(launch: Launch, heard: Sequence[Heard], now: datetime) -> list[Candidate]:
    trigger = definition_of(launch.version_id).trigger
    if trigger["kind"] != "event":
        return []
    latest = read_duration(trigger.get("late") or LATEST)
    return [
        Candidate(h.person_id, h.occurred_at, h.entry_key, _plain(h.properties))
        for h in heard
        if h.name == trigger["event"]
        # The example lives in its own past: there what is received is never late by the machine's clock.
        and min(h.received_at, now) - h.occurred_at <= latest
        and passes(trigger.get("where"), h.properties)
    ]


def _plain(properties: Mapping[str, Any]) -> dict[str, Any]:
    """What steps may use of the event: plain values, nothing long."""
    return {
        name: value
        for name, value in properties.items()
        if isinstance(value, bool | int | float) or (isinstance(value, str) and len(value) <= _LONGEST)
    }
