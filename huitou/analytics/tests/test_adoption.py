"""Staged files that become files of a table as they are: once, whole, and only if they fit."""

from __future__ import annotations

import errno
import json
import os
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from huitou.analytics.adoption import adopt_files
from huitou.analytics.engines import DuckEngine, Lake, LakeWriteError
from huitou.analytics.tables import TABLES

LINES = TABLES["fct_order_lines"]
MONTHS = ("2024-02", "2024-03")


def line(number: int, month: str) -> dict[str, Any]:
    return {
        "batch_id": 7, "source": "file", "order_id": f"A{number}", "line_no": 1, "kind": "sale", "person_id": None,
        "sku": "s1", "category": None, "quantity": Decimal("1.0000"), "amount_minor": 100 + number,
        "discount_minor": 0, "status": "paid", "order_type": "normal",
        "occurred_at": datetime(2024, int(month[-2:]), 3, tzinfo=UTC), "refund_of": None, "channel": None,
        "store": None, "month": month,
    }  # fmt: skip


def stage(folder: Path, **changed: object) -> Path:
    """Ten lines of each month, in a folder a month and without the month's column."""
    for month in MONTHS:
        part = folder / f"month={month}"
        part.mkdir(parents=True)
        rows = [{**line(n, month), **changed} for n in range(10)]
        optional = pa.schema([field.with_nullable(True) for field in LINES.schema])
        pq.write_table(pa.Table.from_pylist(rows, schema=optional).drop_columns(["month"]), part / "rows.parquet")
    return folder


def amounts(lake: Lake, scratch: Path) -> dict[str, list[int]]:
    with DuckEngine(lake, scratch=scratch) as engine:
        lines = engine.table(LINES.name)
        rows = engine.to_pyarrow(lines.select(lines.month, lines.amount_minor)).to_pylist()
    return {m: sorted(row["amount_minor"] for row in rows if row["month"] == m) for m in MONTHS}


EXPECTED = {month: [100 + n for n in range(10)] for month in MONTHS}


@pytest.mark.parametrize("links", [True, False])
def test_appended_once_after_a_kill_before_the_commit(
    links: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Linked (or copied, where links cannot be made), killed, given again twice: the rows are there once."""
    if not links:

        def refuse(*_: object, **__: object) -> None:
            raise OSError(errno.EXDEV, "other file system")

        monkeypatch.setattr(os, "link", refuse)
    lake = Lake(str(tmp_path / "lake"))
    staged = stage(tmp_path / "staged")
    folder = lake.folder(LINES.name)
    assert folder is not None
    adopt_files(staged, folder, LINES, prefix="batch-7")
    assert lake.files(LINES.name) == []
    version = lake.append(LINES.name, staged, transaction_id="batch-7")
    assert lake.append(LINES.name, staged, transaction_id="batch-7") == version
    assert amounts(lake, tmp_path / "scratch") == EXPECTED
    assert len(list(folder.rglob("*.parquet"))) == len(lake.files(LINES.name)) == 2
    assert list(folder.rglob("*.part")) == []


def test_files_outlive_their_staging(tmp_path: Path) -> None:
    lake = Lake(str(tmp_path / "lake"))
    staged = stage(tmp_path / "staged")
    lake.append(LINES.name, staged, transaction_id="batch-7")
    for path in staged.rglob("*.parquet"):
        path.unlink()
    lake.forget_old(LINES.name)
    assert amounts(lake, tmp_path / "scratch") == EXPECTED


def test_log_says_what_other_readers_need(tmp_path: Path) -> None:
    """Nothing became nullable by the way the files came in; files, months and the batch stand in one commit."""
    lake = Lake(str(tmp_path / "lake"))
    lake.append(LINES.name, stage(tmp_path / "staged"), transaction_id="batch-7")
    logs = sorted((tmp_path / "lake" / LINES.name / "_delta_log").glob("*.json"))
    made, appended = [[json.loads(text) for text in log.read_text().splitlines()] for log in logs]
    metadata = next(action["metaData"] for action in made if "metaData" in action)
    fields = json.loads(metadata["schemaString"])["fields"]
    assert {f["name"]: f["nullable"] for f in fields} == {column.name: column.nullable for column in LINES.columns}
    assert metadata["partitionColumns"] == ["month"]
    assert not [action for action in appended if "metaData" in action]
    adds = [action["add"] for action in appended if "add" in action]
    assert [add["partitionValues"] for add in adds] == [{"month": month} for month in MONTHS]
    assert [json.loads(add["stats"]) for add in adds] == [{"numRecords": 10}] * 2
    assert [action["txn"]["appId"] for action in appended if "txn" in action] == ["batch-7"]


@pytest.mark.parametrize("wrong", [{"sku": None}, {"source": None}])
def test_missing_values_are_refused(wrong: dict[str, object], tmp_path: Path) -> None:
    lake = Lake(str(tmp_path / "lake"))
    with pytest.raises(LakeWriteError, match=next(iter(wrong))):
        lake.append(LINES.name, stage(tmp_path / "staged", **wrong), transaction_id="batch-7")
    assert lake.files(LINES.name) == []


def test_other_columns_are_refused(tmp_path: Path) -> None:
    lake = Lake(str(tmp_path / "lake"))
    staged = stage(tmp_path / "staged")
    path = next(staged.rglob("*.parquet"))
    pq.write_table(pq.read_table(path, partitioning=None).drop_columns(["store"]), path)
    with pytest.raises(LakeWriteError, match="columns"):
        lake.append(LINES.name, staged, transaction_id="batch-7")
