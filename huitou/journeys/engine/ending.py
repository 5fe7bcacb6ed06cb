"""Ends ways through journeys, with the transition that says why."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.db import connection

from huitou.core.clock import Clock
from huitou.journeys import sql
from huitou.messaging.services import cancel_touches


def end_of_persons(person_ids: Sequence[int], *, at: datetime, reason: str) -> int:
    """End every way of these persons; returns how many."""
    return len(_end(sql.END_OF_PERSONS, at, reason, persons=list(person_ids)))


def end_of_launch(launch_id: int, *, at: datetime, reason: str) -> int:
    """End every way through a launch; returns how many."""
    return len(_end(sql.END_OF_LAUNCH, at, reason, launch=launch_id))


def cancel_tasks_of_launch(launch_id: int, *, at: datetime, reason: str) -> int:
    """Take every task of a launch that is not finished out of the inbox, also those somebody has taken; how many."""
    with connection.cursor() as cursor:
        cursor.execute(sql.CANCEL_TASKS_OF_LAUNCH, {"launch": launch_id, "at": at, "reason": reason})
        return int(cursor.rowcount)


def end_these(enrollment_ids: Sequence[int], *, at: datetime, reason: str) -> list[tuple[int, int]]:
    """End these ways as far as they are active; returns enrollment and person of those that ended."""
    return _end(sql.END_THESE, at, reason, ids=list(enrollment_ids))


def end_early(launch_id: int, enrollment_ids: Sequence[int], *, at: datetime, reason: str, clock: Clock) -> int:
    """End ways of one launch that reached the goal or left, and take back what they asked for; returns how many."""
    ended = [number for number, _person in end_these(enrollment_ids, at=at, reason=reason)]
    take_back(launch_id, ended, clock=clock)
    return len(ended)


def take_back(launch_id: int, enrollment_ids: Sequence[int], *, clock: Clock) -> None:
    """Take back the messages of ways that reached the goal or left, as far as they have not gone out.

    What waits with a member of staff stays: the task is shared with all others that it was made for.
    """
    if keys := touch_keys(enrollment_ids):
        cancel_touches(source=f"launch:{launch_id}", keys=keys, clock=clock, reason="way_ended", at_provider=False)


def touch_keys(enrollment_ids: Sequence[int]) -> list[str]:
    """The keys of everything that these ways may have asked for."""
    if not enrollment_ids:
        return []
    with connection.cursor() as cursor:
        cursor.execute(sql.VISITS_OF, [list(enrollment_ids)])
        return [f"{number}:{step}:{visit}" for number, step, visit in cursor.fetchall()]


def _end(query: str, at: datetime, reason: str, **which: Any) -> list[tuple[int, int]]:
    with connection.cursor() as cursor:
        cursor.execute(query, {"at": at, "reason": reason, **which})
        return [(int(row[0]), int(row[1])) for row in cursor.fetchall()]
