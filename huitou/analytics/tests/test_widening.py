"""A table of an earlier version gets the columns declared since, and loses nothing."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from deltalake import CommitProperties, Transaction, write_deltalake

from huitou.analytics.engines import DuckEngine, Lake
from huitou.analytics.tables import FCT_EVENTS

SINCE = {"kind", "received_at", "channel", "object_type", "object_id"}
EARLIER = pa.schema([field for field in FCT_EVENTS.schema if field.name not in SINCE])


def row(number: int) -> dict[str, object]:
    at = datetime(2024, number, 1, tzinfo=UTC)
    told = {"batch_id": 1, "event_id": f"e{number}", "name": "Page Viewed", "person_id": number, "occurred_at": at}
    return {**told, "source": "web", "properties": None, "month": f"{at:%Y-%m}"}


def test_an_old_table_is_widened_once(tmp_path: Path) -> None:
    lake = Lake(str(tmp_path / "lake"))
    assert not lake.widen("fct_events")
    write_deltalake(
        str(tmp_path / "lake" / "fct_events"),
        pa.Table.from_pylist([row(1), row(2)], schema=EARLIER),
        partition_by=["month"],
        commit_properties=CommitProperties(app_transactions=[Transaction("batch-1", 1)]),
    )
    assert lake.widen("fct_events")
    assert not lake.widen("fct_events")
    staged = tmp_path / "staged" / "month=2024-03"
    staged.mkdir(parents=True)
    new = {**row(3), "kind": "page", "channel": "app"}
    del new["month"]
    schema = pa.schema([field for field in FCT_EVENTS.schema if field.name != "month"])
    pq.write_table(pa.Table.from_pylist([new], schema=schema), staged / "rows.parquet")
    lake.append("fct_events", tmp_path / "staged", transaction_id="batch-2")
    version = lake.version("fct_events")
    assert lake.append("fct_events", tmp_path / "staged", transaction_id="batch-1") == version, "it is still known"
    with DuckEngine(lake, scratch=tmp_path / "scratch") as engine:
        found = engine.to_pyarrow(engine.table("fct_events").order_by("event_id")).to_pylist()
    assert [(f["event_id"], f["kind"], f["channel"], f["month"]) for f in found] == [
        ("e1", None, None, "2024-01"),
        ("e2", None, None, "2024-02"),
        ("e3", "page", "app", "2024-03"),
    ]
