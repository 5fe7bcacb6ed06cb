"""One customer, one way: where customers were joined while both were inside a launch, the way that began first goes on.

The other ends with the reason "joined", which is neither goal nor exit: what it asked for and has not gone out is taken
back, tasks that nobody has taken yet are cancelled. Journeys that let a customer in again and again (`always`) keep
all their ways. Undoing the join brings no way back.

Where the arm that was drawn first is control, the comparison counts the customer there: ways that do something end with
the reason "joined_to_control", whichever began first, and what they asked for is taken back, also if they were over.

A merge takes no lock of ours, so it is looked for after locking: whoever moves a way looks, with the way in hand, for
others of the same customer, and each turn looks at the merges that were recorded since.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any, Protocol

from django.db import connection, transaction

from huitou.core.arrays import instant_array, number_array
from huitou.core.clock import Clock
from huitou.core.faultpoints import reach
from huitou.customers.queries import customers_of
from huitou.experiments.queries import arms_of, find_experiment
from huitou.journeys import sql
from huitou.journeys.engine.ending import end_these, touch_keys
from huitou.journeys.engine.entering import CONTROL
from huitou.journeys.models import Launch
from huitou.messaging.services import cancel_touches

JOINED, JOINED_TO_CONTROL = "joined", "joined_to_control"


@dataclass(frozen=True, slots=True)
class Held:
    """One active way whose row is locked."""

    id: int
    person_id: int
    entered_at: datetime


class Way(Protocol):
    """An active way through a launch, whichever of its columns are at hand."""

    @property
    def id(self) -> int: ...
    @property
    def person_id(self) -> int: ...
    @property
    def entered_at(self) -> datetime: ...


def newest_merge() -> int:
    """The last merge that was recorded; merges are recorded one after the other."""
    with connection.cursor() as cursor:
        cursor.execute(sql.NEWEST_MERGE)
        return int(cursor.fetchone()[0])


def join_ways(launch: Launch, *, upto: int, clock: Clock) -> int:
    """End what merges up to `upto` made superfluous in a launch; returns how many ways."""
    after = launch.joined_through or 0
    if upto <= after:
        return 0
    since = {"launch": launch.pk, "after": after, "upto": upto}
    # One after the other: each locks its ways in the order of their numbers and gives them back.
    ended = _held_open(launch, partial(_join, launch, since, clock))
    ended += _held_open(launch, partial(_leave_control_alone, launch, since, clock))
    Launch.objects.filter(pk=launch.pk).update(joined_through=upto)
    return ended


def _held_open(launch: Launch, do: Callable[[], int]) -> int:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(sql.HOLD_OPEN, [launch.pk])
        return do() if cursor.fetchone() is not None else 0


def _join(launch: Launch, since: Mapping[str, Any], clock: Clock) -> int:
    with connection.cursor() as cursor:
        cursor.execute(sql.JOINED_SINCE, since)
        found = [int(row[0]) for row in cursor.fetchall()]
        if not found:
            return 0
        cursor.execute(sql.LOCK_WAYS, [found])
        held = [Held(*row) for row in cursor.fetchall()]
    reach("journeys.joining")
    return end_joined(launch.pk, later_ways(held), clock=clock)


def _leave_control_alone(launch: Launch, since: Mapping[str, Any], clock: Clock) -> int:
    over = _acting_in_control(launch, sql.BESIDE_CONTROL_SINCE, since)
    return end_joined(launch.pk, over, clock=clock, reason=JOINED_TO_CONTROL)


def settle_control(launch: Launch, acting: Mapping[int, int], *, clock: Clock) -> set[int]:
    """Of ways that do something and are about to move, which the caller has locked, those that must not: ended here,
    since the comparison counts their customers in control. `acting` has the customer of each.
    """
    if not acting:
        return set()
    asked = {"launch": launch.pk, "customers": sorted(set(acting.values()))}
    over = [number for number in _acting_in_control(launch, sql.BESIDE_CONTROL_OF, asked) if number in acting]
    end_joined(launch.pk, over, clock=clock, reason=JOINED_TO_CONTROL)
    return set(over)


def _acting_in_control(launch: Launch, query: str, asked: Mapping[str, Any]) -> list[int]:
    """Ways that did or do something, of customers who were drawn as control first."""
    if not launch.control_bp:
        return []
    with connection.cursor() as cursor:
        cursor.execute(query, asked)
        found = [(int(number), int(customer)) for number, customer in cursor.fetchall()]
    experiment = find_experiment(launch.experiment) if found else None
    if experiment is None:
        return []
    arms = arms_of(experiment, {customer for _number, customer in found})
    return [number for number, customer in found if arms.get(customer) == CONTROL]


def later_ways(held: Sequence[Way]) -> list[int]:
    """Of ways that the caller has locked, all but the first of each customer."""
    customers = customers_of({way.person_id for way in held})
    by_customer: dict[int, list[Way]] = defaultdict(list)
    for way in held:
        by_customer[customers[way.person_id]].append(way)
    return [way.id for ways in by_customer.values() for way in sorted(ways, key=lambda w: (w.entered_at, w.id))[1:]]


def settle(launch: Launch, held: Sequence[Way], *, clock: Clock) -> set[int]:
    """Of ways that are about to move those that must not: ended here, or to be tried again.

    The caller holds their locks. A way whose later fellow somebody else has in hand waits for that.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            sql.FELLOW_WAYS,
            {
                "launch": launch.pk,
                "ids": number_array([way.id for way in held]),
                "persons": number_array([way.person_id for way in held]),
                "ats": instant_array([way.entered_at for way in held]),
            },
        )
        fellows = [(int(mine), int(other), bool(is_earlier)) for mine, other, is_earlier in cursor.fetchall()]
        if not fellows:
            return set()
        in_hand = {way.id for way in held}
        over = {mine for mine, _other, is_earlier in fellows if is_earlier}
        wanted = {other for _mine, other, is_earlier in fellows if not is_earlier} - in_hand
        cursor.execute(sql.LOCK_FREE_WAYS, [sorted(wanted)])
        locked = {int(row[0]) for row in cursor.fetchall()}
    end_joined(launch.pk, sorted(over | locked), clock=clock)
    missed = wanted - locked
    return over | {mine for mine, other, _is_earlier in fellows if other in missed}


def end_joined(launch_id: int, enrollment_ids: Sequence[int], *, clock: Clock, reason: str = JOINED) -> int:
    """End these ways, and take back what they asked for, also those that have ended; returns how many ended now."""
    if not enrollment_ids:
        return 0
    ended = end_these(enrollment_ids, at=clock.now(), reason=reason)
    if keys := touch_keys(enrollment_ids):
        cancel_touches(source=f"launch:{launch_id}", keys=keys, clock=clock)
    with connection.cursor() as cursor:
        cursor.execute(sql.CANCEL_FREE_TASKS_OF, {"ids": list(enrollment_ids), "at": clock.now(), "reason": JOINED})
    return len(ended)
