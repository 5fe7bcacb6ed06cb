"""A table of an earlier version gets the columns declared since, and loses nothing."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from huitou.analytics.engines import DuckEngine, Lake
from huitou.analytics.tables import FCT_EVENTS, TABLES

SINCE = {"kind", "received_at", "channel", "object_type", "object_id"}
EARLIER = replace(FCT_EVENTS, columns=tuple(c for c in FCT_EVENTS.columns if c.name not in SINCE))


def stage(folder: Path, schema: pa.Schema, *numbers: int, **more: object) -> Path:
    """Files of events, one in each month, in the columns of `schema`."""
    for number in numbers:
        at = datetime(2024, number, 1, tzinfo=UTC)
        told = {"batch_id": 1, "event_id": f"e{number}", "name": "Page Viewed", "person_id": number, "source": "web"}
        target = folder / f"month={at:%Y-%m}"
        target.mkdir(parents=True)
        kept = pa.schema([field for field in schema if field.name != "month"])
        pq.write_table(
            pa.Table.from_pylist([{**told, "occurred_at": at, **more}], schema=kept), target / "rows.parquet"
        )
    return folder


def test_an_old_table_is_widened_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lake = Lake(str(tmp_path / "lake"))
    assert not lake.widen("fct_events")
    with monkeypatch.context() as before:
        before.setitem(TABLES, "fct_events", EARLIER)
        lake.append("fct_events", stage(tmp_path / "old", EARLIER.schema, 1, 2), transaction_id="batch-1")
    assert lake.widen("fct_events")
    assert not lake.widen("fct_events")
    staged = stage(tmp_path / "new", FCT_EVENTS.schema, 3, kind="page", channel="app")
    version = lake.append("fct_events", staged, transaction_id="batch-2")
    assert lake.append("fct_events", staged, transaction_id="batch-1") == version, "it is still known"
    with DuckEngine(lake, scratch=tmp_path / "scratch") as engine:
        found = engine.to_pyarrow(engine.table("fct_events").order_by("event_id")).to_pylist()
    assert [(f["event_id"], f["kind"], f["channel"], f["month"]) for f in found] == [
        ("e1", None, None, "2024-01"),
        ("e2", None, None, "2024-02"),
        ("e3", "page", "app", "2024-03"),
    ]
