"""Snapshots stay as they were, files of the dead do not count, and types are the declared ones on every way out."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import ibis
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from huitou.analytics.engines import DuckEngine, Engine, Lake, LakeWriteError, SnapshotGoneError, sweep_scratch
from huitou.analytics.tables import TABLES


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake(str(tmp_path / "lake"))


@pytest.fixture
def engine(lake: Lake, tmp_path: Path) -> Iterator[Engine]:
    with DuckEngine(lake, scratch=tmp_path / "scratch") as engine:
        yield engine


def _products(count: int) -> pa.Table:
    rows = [{"sku": f"s{i}", "category": None, "brand": None, "list_price_minor": i} for i in range(count)]
    return pa.Table.from_pylist(rows, TABLES["dim_products"].schema)


def test_a_pinned_engine_reads_the_old_version(lake: Lake, engine: Engine, tmp_path: Path) -> None:
    engine.provide("dim_products", _products(3))
    first, rows = engine.write("dim_products", engine.table("dim_products"))
    assert rows == 3
    second, rows = engine.write("dim_products", engine.table("dim_products").limit(1))
    assert (second > first, rows) == (True, 1)
    assert engine.to_pyarrow(engine.table("dim_products")).num_rows == 1
    lake.forget_old("dim_products")
    with DuckEngine(lake, scratch=tmp_path / "other", versions={"dim_products": first}) as other:
        assert other.to_pyarrow(other.table("dim_products").order_by("sku")).equals(_products(3).cast(_loose()))


def _loose() -> pa.Schema:
    return pa.schema([field.with_nullable(True) for field in TABLES["dim_products"].schema])


@pytest.mark.parametrize("lost", ["table", "file", "version"])
def test_a_pinned_version_that_is_gone_is_no_empty_table(lake: Lake, engine: Engine, tmp_path: Path, lost: str) -> None:
    engine.provide("dim_products", _products(3))
    version, _rows = engine.write("dim_products", engine.table("dim_products"))
    if lost == "file":
        Path(*lake.files("dim_products")).unlink()
    elif lost == "table":
        lake.drop("dim_products")
    else:
        version += 1
    with DuckEngine(lake, scratch=tmp_path / "other", versions={"dim_products": version}) as other:
        with pytest.raises(SnapshotGoneError, match="dim_products"):
            other.table("dim_products")
        assert other.to_pyarrow(other.table("dim_persons")).num_rows == 0, "nobody wrote it, and nobody says so"


def test_files_that_were_never_committed_are_not_read(lake: Lake, engine: Engine) -> None:
    engine.provide("dim_products", _products(2))
    engine.write("dim_products", engine.table("dim_products"))
    folder = lake.folder("dim_products")
    assert folder is not None
    pq.write_table(_products(9), folder / "part-of-a-killed-writer.parquet")
    with DuckEngine(lake, scratch=folder.parent / "again") as other:
        assert other.to_pyarrow(other.table("dim_products")).num_rows == 2


def test_sums_keep_their_declared_type(engine: Engine) -> None:
    engine.provide("dim_products", _products(4))
    table = engine.table("dim_products")
    total = table.aggregate(total=table.list_price_minor.sum(), small=table.count().cast("int8"))
    for schema in (engine.to_reader(total).schema, engine.to_pyarrow(engine.keep("total", total)).schema):
        assert [str(field.type) for field in schema] == ["int64", "int8"]


def test_rows_that_lack_columns_are_refused(lake: Lake) -> None:
    with pytest.raises(LakeWriteError, match="brand"):
        lake.overwrite("dim_products", _products(1).drop_columns(["brand"]).to_reader())


def test_scratch_of_dead_processes_is_swept(tmp_path: Path) -> None:
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    left, alive = tmp_path / f"engine-{dead.pid}-x", tmp_path / f"engine-{os.getpid()}-x"
    left.mkdir()
    alive.mkdir()
    sweep_scratch(tmp_path)
    assert [p.name for p in tmp_path.iterdir()] == [alive.name]


def test_what_is_remembered_of_a_question_is_never_its_answer(tmp_path: Path) -> None:
    """Engines name their tables alike, and write the SQL of equal expressions once."""
    for count in (2, 5):
        with DuckEngine(Lake(str(tmp_path / "lake")), scratch=tmp_path / "scratch") as engine:
            products = engine.provide("dim_products", _products(count))
            asked = products.aggregate(n=products.count(), most=products.list_price_minor.max())
            assert engine.to_pyarrow(asked).to_pylist() == [{"n": count, "most": count - 1}]


def test_expressions_that_only_look_alike_are_not_mistaken_for_each_other(engine: Engine) -> None:
    products = engine.provide("dim_products", _products(1))
    told = [
        engine.to_pyarrow(products.select(x=ibis.literal(value))).to_pylist()[0]["x"]
        for value in (1, True, 1.0, Decimal("1.0"), "1")
    ]
    assert [(type(x), x) for x in told] == [
        (int, 1),
        (bool, True),
        (float, 1.0),
        (Decimal, Decimal("1.0")),
        (str, "1"),
    ]
