"""One customer, one way: where customers were joined while both were inside a launch, the way that began first goes on.

The other ends with the reason "joined", which is neither goal nor exit: what it asked for and has not gone out is taken
back, tasks that nobody has taken yet are cancelled. Journeys that let a customer in again and again (`always`) keep
all their ways. Undoing the join brings no way back.

A merge takes no lock of ours, so it is looked for after locking: whoever moves a way looks, with the way in hand, for
others of the same customer, and each turn looks at the merges that were recorded since.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from django.db import connection, transaction

from huitou.core.arrays import instant_array, number_array
from huitou.core.clock import Clock
from huitou.core.faultpoints import reach
from huitou.customers.queries import customers_of
from huitou.journeys import sql
from huitou.journeys.engine.ending import end_these, touch_keys
from huitou.journeys.models import Launch
from huitou.messaging.services import cancel_touches

JOINED = "joined"


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
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(sql.HOLD_OPEN, [launch.pk])
        if cursor.fetchone() is None:
            return 0
        cursor.execute(sql.JOINED_SINCE, {"launch": launch.pk, "after": after, "upto": upto})
        found = [int(row[0]) for row in cursor.fetchall()]
        ended = 0
        if found:
            cursor.execute(sql.LOCK_WAYS, [found])
            held = [Held(*row) for row in cursor.fetchall()]
            reach("journeys.joining")
            ended = end_joined(launch.pk, later_ways(held), clock=clock)
    Launch.objects.filter(pk=launch.pk).update(joined_through=upto)
    return ended


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


def end_joined(launch_id: int, enrollment_ids: Sequence[int], *, clock: Clock) -> int:
    """End these ways, which the caller has locked, and take back what they asked for; returns how many."""
    ended = [number for number, _person in end_these(enrollment_ids, at=clock.now(), reason=JOINED)]
    if ended:
        cancel_touches(source=f"launch:{launch_id}", keys=touch_keys(ended), clock=clock)
        with connection.cursor() as cursor:
            cursor.execute(sql.CANCEL_FREE_TASKS_OF, {"ids": ended, "at": clock.now(), "reason": JOINED})
    return len(ended)
