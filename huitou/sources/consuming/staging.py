"""Rows of a batch as Parquet files in the staging folder, forced to disk and claimed in the batch's transaction."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from huitou.analytics.tables import TABLES
from huitou.core.lake import claim_batch, reserve_batch_id, sync_staged
from huitou.sources.consuming.batch import Batch


def stage_rows(batch: Batch) -> list[int]:
    """Write, force to disk and claim what was added to the batch; returns the claimed batch ids."""
    claimed = []
    for name, tables in batch.rows.items():
        rows = pa.concat_tables(tables)
        if not len(rows):
            continue
        batch_id = reserve_batch_id()
        staged = f"inbox-{batch_id}"
        _write(name, rows, batch_id, batch.home.staging / staged)
        claim_batch(
            batch_id=batch_id,
            key=f"inbox:{batch_id}",
            table=name,
            staged_path=staged,
            row_count=len(rows),
            clock=batch.clock,
        )
        claimed.append(batch_id)
    return claimed


def _write(name: str, rows: pa.Table, batch_id: int, folder: Any) -> None:
    """One file for each month, in folders that the lake can adopt as they are."""
    spec = TABLES[name]
    names = [column.name for column in spec.columns if column.name not in spec.partition]
    schema = pa.schema([f for f in spec.schema if f.name in names])
    months = pc.strftime(rows["occurred_at"], format="%Y-%m")
    whole = rows.append_column("batch_id", pa.array([batch_id], pa.int64()).take(pa.array([0] * len(rows))))
    for month in pc.unique(months).to_pylist():
        part = whole.filter(pc.equal(months, month)).select(names).cast(schema)
        target = folder / f"month={month}"
        target.mkdir(parents=True, exist_ok=True)
        pq.write_table(part, target / "rows.parquet", compression="zstd", compression_level=1)
    sync_staged(folder)
