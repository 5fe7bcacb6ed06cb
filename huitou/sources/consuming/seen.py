"""Messages that were taken before: 16-byte hashes by day of consumption, kept 30 days.

A repeat may come on another day than the first, and no unique index spans partitions. So consumers take turns under
one lock, and look through every day that is kept. Days before yesterday no transaction writes to any more: they are
looked through before the lock is taken.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Sequence
from datetime import date, timedelta

from django.db import connection, transaction
from django.db.backends.utils import CursorWrapper

from huitou.core.clock import Clock
from huitou.sources.consuming import sql

DAYS = 30
_AHEAD = 2
_PREFIX = "sources_seen_"
# PostgreSQL's binary COPY format: a row of one column of 16 bytes.
_COPY_HEADER = b"PGCOPY\n\xff\r\n\0" + bytes(8)
_COPY_TRAILER = b"\xff\xff"
_ONE_UUID = struct.pack("!hi", 1, 16)


def take_fresh(hashes: Sequence[bytes], *, clock: Clock) -> set[bytes]:
    """Those of the hashes that nobody has taken in the last 30 days; from now on they are taken.

    In the caller's transaction; until it ends, no other consumer comes past the lock.
    """
    today = clock.now().date()
    days = prepare_days(today)
    wanted = set(hashes)
    settled = [day for day in days if day < today - timedelta(days=1)]
    recent = [day for day in days if day >= today - timedelta(days=1)]
    with connection.cursor() as cursor:
        _load(cursor, wanted)
        known = _find(cursor, settled)
        cursor.execute(sql.LOCK_SEEN)
        known |= _find(cursor, recent)
        fresh = wanted - known
        if known:
            _load(cursor, fresh)
        if fresh:
            cursor.execute(sql.INSERT_SEEN.format(table=table_of(today)), [today])
    return fresh


def give_back(hashes: Iterable[bytes], *, clock: Clock) -> None:
    """Let hashes that this transaction took be free again: their events were refused after all."""
    today = clock.now().date()
    days = list_days()
    with connection.cursor() as cursor:
        _load(cursor, hashes)
        # Midnight may have passed since.
        for day in (today - timedelta(days=1), today):
            if day in days:
                cursor.execute(sql.DELETE_SEEN.format(table=table_of(day)))


def _load(cursor: CursorWrapper, hashes: Iterable[bytes]) -> None:
    cursor.execute(sql.CREATE_INCOMING)
    cursor.execute(sql.CLEAR_INCOMING)
    parts = [_COPY_HEADER]
    for hashed in sorted(hashes):
        parts += (_ONE_UUID, hashed)
    parts.append(_COPY_TRAILER)
    with cursor.copy(sql.COPY_INCOMING) as copy:
        copy.write(b"".join(parts))


def _find(cursor: CursorWrapper, days: Sequence[date]) -> set[bytes]:
    if not days:
        return set()
    cursor.execute(" UNION ALL ".join(sql.FIND_SEEN.format(table=table_of(day)) for day in days))
    return {row[0].bytes for row in cursor.fetchall()}


def table_of(day: date) -> str:
    return f"{_PREFIX}{day:%Y%m%d}"


def list_days() -> list[date]:
    """Days that have a partition, oldest first."""
    with connection.cursor() as cursor:
        cursor.execute(sql.LIST_DAYS)
        return [date.fromisoformat(row[0].removeprefix(_PREFIX)) for row in cursor.fetchall()]


def prepare_days(today: date) -> list[date]:
    """Make the partitions of today and the days ahead, drop those that are too old; returns the days there are.

    Too old is what both this machine's clock and the database's say is: a clock that jumps ahead and back again must
    not make us forget what was taken.
    """
    days = list_days()
    wanted = [today + timedelta(days=ahead) for ahead in range(_AHEAD + 1)]
    if today in days and days[0] >= today - timedelta(days=DAYS):
        return days
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(sql.LOCK_DAYS)
        days = list_days()
        for day in wanted:
            if day not in days:
                table = table_of(day)
                cursor.execute(sql.CREATE_DAY.format(table=table, day=day, next=day + timedelta(days=1)))
                cursor.execute(sql.INDEX_DAY.format(table=table))
        cursor.execute(sql.DATABASE_DAY)
        oldest = min(today, cursor.fetchone()[0]) - timedelta(days=DAYS)
        for day in days:
            if day < oldest:
                cursor.execute(sql.DROP_DAY.format(table=table_of(day)))
    return list_days()
