"""Messages that were taken before: 16-byte hashes by day of consumption, kept 30 days, in partitions of a few days.

A repeat may come on another day than the first, and no unique index spans partitions. So consumers take turns under
one lock, and look through every partition that is kept. To days before yesterday no transaction writes any more:
partitions that hold no later ones are looked through before the lock is taken.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Sequence
from datetime import date, timedelta
from typing import NamedTuple

from django.db import connection, transaction
from django.db.backends.utils import CursorWrapper

from huitou.core.clock import Clock
from huitou.sources.consuming import sql

DAYS = 30
# What is looked for is looked for in every partition, and the one that is written to should stay in memory.
PARTITION_DAYS = 10
_AHEAD = 2
_PREFIX = "sources_seen_"
# PostgreSQL's binary COPY format: a row of one column of 16 bytes.
_COPY_HEADER = b"PGCOPY\n\xff\r\n\0" + bytes(8)
_COPY_TRAILER = b"\xff\xff"
_ONE_UUID = struct.pack("!hi", 1, 16)


class Partition(NamedTuple):
    """The hashes of the days from `first` to before `end`."""

    first: date
    end: date
    table: str

    def holds(self, day: date) -> bool:
        return self.first <= day < self.end


def take_fresh(hashes: Sequence[bytes], *, clock: Clock) -> set[bytes]:
    """Those of the hashes that nobody has taken in the last 30 days; from now on they are taken.

    In the caller's transaction; until it ends, no other consumer comes past the lock.
    """
    today = clock.now().date()
    kept = prepare_partitions(today)
    wanted = set(hashes)
    settled = [partition for partition in kept if partition.end < today]
    recent = [partition for partition in kept if partition.end >= today]
    with connection.cursor() as cursor:
        _load(cursor, wanted)
        known = _find(cursor, settled)
        cursor.execute(sql.LOCK_SEEN)
        known |= _find(cursor, recent)
        fresh = wanted - known
        if known:
            _load(cursor, fresh)
        if fresh:
            table = next(partition.table for partition in recent if partition.holds(today))
            cursor.execute(sql.INSERT_SEEN.format(table=table), [today])
    return fresh


def give_back(hashes: Iterable[bytes], *, clock: Clock) -> None:
    """Let hashes that this transaction took be free again: their events were refused after all."""
    today = clock.now().date()
    with connection.cursor() as cursor:
        _load(cursor, hashes)
        for partition in list_partitions():
            # Midnight may have passed since.
            if partition.holds(today) or partition.holds(today - timedelta(days=1)):
                cursor.execute(sql.DELETE_SEEN.format(table=partition.table))


def _load(cursor: CursorWrapper, hashes: Iterable[bytes]) -> None:
    cursor.execute(sql.CREATE_INCOMING)
    cursor.execute(sql.CLEAR_INCOMING)
    parts = [_COPY_HEADER]
    for hashed in sorted(hashes):
        parts += (_ONE_UUID, hashed)
    parts.append(_COPY_TRAILER)
    with cursor.copy(sql.COPY_INCOMING) as copy:
        copy.write(b"".join(parts))


def _find(cursor: CursorWrapper, partitions: Sequence[Partition]) -> set[bytes]:
    if not partitions:
        return set()
    cursor.execute(" UNION ALL ".join(sql.FIND_SEEN.format(table=partition.table) for partition in partitions))
    return {row[0].bytes for row in cursor.fetchall()}


def list_partitions() -> list[Partition]:
    """The partitions there are, oldest first."""
    with connection.cursor() as cursor:
        cursor.execute(sql.LIST_PARTITIONS)
        return [Partition(first, end, table) for first, end, table in cursor.fetchall()]


def prepare_partitions(today: date) -> list[Partition]:
    """Make the partitions of today and the days ahead, drop those that are too old; returns those there are.

    Too old is what both this machine's clock and the database's say is: a clock that jumps ahead and back again must
    not make us forget what was taken.
    """
    kept = list_partitions()
    if any(partition.holds(today) for partition in kept) and kept[0].end > today - timedelta(days=DAYS):
        return kept
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(sql.LOCK_PARTITIONS)
        for ahead in range(_AHEAD + 1):
            make_partition(today + timedelta(days=ahead))
        cursor.execute(sql.DATABASE_DAY)
        oldest = min(today, cursor.fetchone()[0]) - timedelta(days=DAYS)
        for partition in list_partitions():
            if partition.end <= oldest:
                cursor.execute(sql.DROP_PARTITION.format(table=partition.table))
    return list_partitions()


def make_partition(day: date) -> None:
    """Make the partition that holds the day, as far as the days around it have none; in the caller's transaction."""
    kept = list_partitions()
    if any(partition.holds(day) for partition in kept):
        return
    first = day - timedelta(days=day.toordinal() % PARTITION_DAYS)
    end = first + timedelta(days=PARTITION_DAYS)
    # An earlier version of the product made one for each day.
    first = max([first, *(partition.end for partition in kept if partition.end <= day)])
    end = min([end, *(partition.first for partition in kept if partition.first > day)])
    table = f"{_PREFIX}{first:%Y%m%d}"
    with connection.cursor() as cursor:
        cursor.execute(sql.CREATE_PARTITION.format(table=table, first=first, end=end))
        cursor.execute(sql.INDEX_PARTITION.format(table=table))
