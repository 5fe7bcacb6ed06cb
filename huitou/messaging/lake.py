"""Touches on their way into the lake: staged, claimed with their rows, committed. Exactly once.

What happens to a touch is a new row of it with a higher version; a touch knows the version that the lake has, written
in the transaction that claims the batch.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from django.db import connection, transaction

from huitou.analytics.tables import FCT_TOUCHES, INSTANT
from huitou.core.clock import Clock
from huitou.core.faultpoints import reach
from huitou.core.home import Home
from huitou.core.lake import claim_batch, commit_batch, reserve_batch_id
from huitou.experiments.exposures import stage
from huitou.messaging import sql
from huitou.messaging.reached import note_reached

BATCH_ROWS = 100_000
_TEXTS = ("source", "step", "variant", "purpose", "channel", "state", "reason")
_INSTANTS = ("planned_at", "planned_until", "sent_at", "delivered_at", "read_at", "clicked_at", "unsubscribed_at")
_COLUMNS = ("touch_id", "version", "person_id", "parent_id", *_TEXTS, *_INSTANTS)


def write_touches(*, home: Home, clock: Clock) -> int:
    """Bring what happened to touches since the last time into fct_touches; returns how many rows.

    Another writer is waited for.
    """
    written = 0
    with _only_one():
        while rows := _unwritten():
            written += _write(rows, home=home, clock=clock)
    return written


@contextmanager
def _only_one() -> Iterator[None]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(hashtext('huitou.touches'))")
        try:
            yield
        finally:
            cursor.execute("SELECT pg_advisory_unlock(hashtext('huitou.touches'))")


def _unwritten() -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql.UNWRITTEN_TOUCHES, [BATCH_ROWS])
        return list(cursor.fetchall())


def _write(rows: Sequence[tuple[Any, ...]], *, home: Home, clock: Clock) -> int:
    """One batch: on disk before it is claimed, claimed together with its rows."""
    batch_id = reserve_batch_id()
    staged = f"touches-{batch_id}"
    stage(touch_table(rows, batch_id), home.staging / staged)
    reach("touches.staged")
    with transaction.atomic(), connection.cursor() as cursor:
        claim_batch(
            batch_id=batch_id,
            key=f"touches:{batch_id}",
            table=FCT_TOUCHES.name,
            staged_path=staged,
            row_count=len(rows),
            clock=clock,
        )
        cursor.execute(sql.CLAIM_TOUCHES, {"ids": [row[0] for row in rows], "versions": [row[1] for row in rows]})
        assert cursor.rowcount == len(rows), "we are the only one who claims them"
        note_reached(dict(zip(_COLUMNS, row, strict=True)) for row in rows)
    reach("touches.claimed")
    commit_batch(batch_id, home=home, clock=clock)
    return len(rows)


def touch_table(rows: Sequence[tuple[Any, ...]], batch_id: int) -> pa.Table:
    """Rows in the order of the query as those of fct_touches."""
    told = dict(zip(_COLUMNS, map(list, zip(*rows, strict=True)), strict=True))
    columns: dict[str, Any] = {"batch_id": pa.array([batch_id] * len(rows), pa.int64())}
    for name in ("touch_id", "person_id", "parent_id"):
        columns[name] = pa.array(told[name], pa.int64())
    columns["version"] = pa.array(told["version"], pa.int32())
    columns |= {name: pa.array(told[name], pa.string()) for name in _TEXTS}
    columns |= {name: pa.array(told[name], INSTANT) for name in _INSTANTS}
    columns["month"] = pc.strftime(columns["planned_at"], format="%Y-%m")
    return pa.table({name: columns[name] for name in FCT_TOUCHES.schema.names}).cast(FCT_TOUCHES.schema)
