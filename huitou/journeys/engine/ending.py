"""Ends ways through journeys, with the transition that says why."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.db import connection

from huitou.journeys import sql


def end_of_persons(person_ids: Sequence[int], *, at: datetime, reason: str) -> int:
    """End every way of these persons; returns how many."""
    return len(_end(sql.END_OF_PERSONS, at, reason, persons=list(person_ids)))


def end_of_launch(launch_id: int, *, at: datetime, reason: str) -> int:
    """End every way through a launch; returns how many."""
    return len(_end(sql.END_OF_LAUNCH, at, reason, launch=launch_id))


def end_these(enrollment_ids: Sequence[int], *, at: datetime, reason: str) -> list[tuple[int, int]]:
    """End these ways as far as they are active; returns enrollment and person of those that ended."""
    return _end(sql.END_THESE, at, reason, ids=list(enrollment_ids))


def _end(query: str, at: datetime, reason: str, **which: Any) -> list[tuple[int, int]]:
    with connection.cursor() as cursor:
        cursor.execute(query, {"at": at, "reason": reason, **which})
        return [(int(row[0]), int(row[1])) for row in cursor.fetchall()]
