"""Assignments and first touches on their way into the lake: staged, claimed with their rows, committed. Exactly once.

A row knows the batch that holds it, written in the transaction that claims the batch: killed before that, the rows are
staged again, and killed after it the batch is finished by whoever comes next.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from django.db import connection, transaction

from huitou.analytics.tables import FCT_EXPOSURES, INSTANT
from huitou.core.arrays import number_array
from huitou.core.clock import Clock
from huitou.core.faultpoints import reach
from huitou.core.home import Home
from huitou.core.lake import claim_batch, commit_batch, reserve_batch_id, sync_staged
from huitou.experiments import sql
from huitou.experiments.models import Experiment

BATCH_ROWS = 200_000


@dataclass(frozen=True)
class Reached:
    """A touch was delivered to a customer: when, over which channel, and its number."""

    customer_id: int
    at: datetime
    channel: str
    touch_id: int


def record_exposures(experiment: Experiment, reached: Sequence[Reached]) -> int:
    """Note the first delivered touch of each assigned customer; returns how many are new.

    In the caller's transaction, who tells of the deliveries in the audit log. Customers without an arm, and further
    touches of the same customer, are left out.
    """
    if not reached:
        return 0
    with connection.cursor() as cursor:
        cursor.execute(
            sql.RECORD_EXPOSURES,
            {
                "experiment": experiment.pk,
                "customers": [r.customer_id for r in reached],
                "at": [r.at for r in reached],
                "channels": [r.channel for r in reached],
                "touches": [r.touch_id for r in reached],
            },
        )
        return int(cursor.rowcount)


def write_exposures(*, home: Home, clock: Clock) -> int:
    """Bring everything not yet written into fct_exposures; returns how many rows. Another writer is waited for."""
    written = 0
    with _only_one():
        for read, claim in (
            (sql.UNWRITTEN_ASSIGNMENTS, sql.CLAIM_ASSIGNMENTS),
            (sql.UNWRITTEN_EXPOSURES, sql.CLAIM_EXPOSURES),
        ):
            while rows := _unwritten(read):
                written += _write(rows, claim, home=home, clock=clock)
    return written


@contextmanager
def _only_one() -> Iterator[None]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(hashtext('huitou.exposures'))")
        try:
            yield
        finally:
            cursor.execute("SELECT pg_advisory_unlock(hashtext('huitou.exposures'))")


def _unwritten(query: str) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(query, [BATCH_ROWS])
        return list(cursor.fetchall())


def _write(rows: Sequence[tuple[Any, ...]], claim: str, *, home: Home, clock: Clock) -> int:
    """One batch: on disk before it is claimed, claimed together with its rows."""
    batch_id = reserve_batch_id()
    staged = f"exposures-{batch_id}"
    stage(exposure_table(rows, batch_id), home.staging / staged)
    reach("exposures.staged")
    with transaction.atomic(), connection.cursor() as cursor:
        claim_batch(
            batch_id=batch_id,
            key=f"exposures:{batch_id}",
            table=FCT_EXPOSURES.name,
            staged_path=staged,
            row_count=len(rows),
            clock=clock,
        )
        cursor.execute(claim, {"batch": batch_id, "ids": number_array([row[0] for row in rows])})
        assert cursor.rowcount == len(rows), "we are the only one who claims them"
    reach("exposures.claimed")
    commit_batch(batch_id, home=home, clock=clock)
    return len(rows)


def exposure_table(rows: Sequence[tuple[Any, ...]], batch_id: int) -> pa.Table:
    """Rows of id, kind, experiment, person, arm, at, channel, touch as those of fct_exposures."""
    _ids, kinds, experiments, persons, arms, ats, channels, touches = zip(*rows, strict=True) if rows else [()] * 8
    at = pa.array(ats, INSTANT)
    columns = {
        "batch_id": pa.array([batch_id] * len(rows), pa.int64()),
        "experiment": pa.array(experiments, pa.string()),
        "person_id": pa.array(persons, pa.int64()),
        "kind": pa.array(kinds, pa.string()),
        "arm": pa.array(arms, pa.string()),
        "at": at,
        "channel": pa.array(channels, pa.string()),
        "touch_id": pa.array(touches, pa.int64()),
        "month": pc.strftime(at, format="%Y-%m"),
    }
    return pa.table(columns).cast(FCT_EXPOSURES.schema)


def stage(rows: pa.Table, folder: Path) -> None:
    """One file for each month, in folders that the lake can adopt as they are."""
    for month in pc.unique(rows["month"]).to_pylist():
        target = folder / f"month={month}"
        target.mkdir(parents=True, exist_ok=True)
        part = rows.filter(pc.equal(rows["month"], month)).drop_columns(["month"])
        pq.write_table(part, target / "rows.parquet", compression="zstd", compression_level=1)
    sync_staged(folder)
