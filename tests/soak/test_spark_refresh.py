"""Apache Spark gives the same orders, refunds and features as DuckDB, row by row, from the same random histories."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from random import Random
from typing import Any

import ibis
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from ibis.backends.sql.datatypes import PySparkType

from huitou.analytics.engines import DuckEngine, Lake
from huitou.analytics.orders import Terms, build_orders
from huitou.analytics.rebuild import COMPUTED, features_at
from huitou.analytics.rules import Exclusions, Thresholds
from huitou.analytics.tables import TABLES
from huitou.analytics.tests.histories import START, order_lines
from tests.soak.outcome import write_result

STEP_HOURS = 24 * 6
AS_OF = START + timedelta(hours=9 * STEP_HOURS, minutes=1)
RULES = Exclusions(min_amount_minor=50)
CASES = 300


class SparkSpace:
    """Steps of a refresh on Spark: each result is written as Parquet and read again."""

    def __init__(self, session: Any, folder: Path) -> None:
        self._session = session
        self._backend = ibis.pyspark.connect(session)
        self._folder = folder

    def table(self, name: str) -> ibis.Table:
        return self._backend.table(name)

    def provide(self, name: str, rows: pa.Table) -> None:
        path = self._folder / f"{name}.parquet"
        pq.write_table(rows, path)
        self._session.read.parquet(str(path)).createOrReplaceTempView(name)

    def keep(self, name: str, expression: ibis.Table) -> ibis.Table:
        path = str(self._folder / name)
        types = {column: PySparkType.to_string(dtype) for column, dtype in expression.schema().items()}
        columns = ", ".join(f"CAST(`{column}` AS {type_}) AS `{column}`" for column, type_ in types.items())
        query = f"SELECT {columns} FROM ({ibis.to_sql(expression, dialect='pyspark')})"
        self._session.sql(query).write.parquet(path)
        self._session.read.parquet(path).createOrReplaceTempView(name)
        return self._backend.table(name)

    def publish(self, name: str, expression: ibis.Table) -> ibis.Table:
        return self.keep(name, expression)

    def rows(self, name: str) -> list[dict[str, Any]]:
        files = pq.read_table(self._folder / name)
        rows: list[dict[str, Any]] = files.select(TABLES[name].schema.names).cast(_loose(name)).to_pylist()
        return rows


def _loose(name: str) -> pa.Schema:
    return pa.schema([field.with_nullable(True) for field in TABLES[name].schema])


@pytest.fixture
def spark(tmp_path: Path) -> Iterator[SparkSpace]:
    pyspark = pytest.importorskip("pyspark.sql")
    builder = pyspark.SparkSession.builder.master("local[2]").config("spark.sql.session.timeZone", "UTC")
    builder = builder.config("spark.ui.enabled", "false").config("spark.sql.shuffle.partitions", "2")
    session = builder.config("spark.driver.memory", "2g").getOrCreate()
    yield SparkSpace(session, tmp_path)
    session.stop()


def _facts() -> dict[str, pa.Table]:
    random = Random(11)
    lines = [x for case in range(CASES) for x in order_lines(random, case=case, orders=20, step_hours=STEP_HOURS)]
    products = [{"sku": "x", "category": "k1", "brand": None, "list_price_minor": None}]
    persons = [{"person_id": 999_999, "known_since": START}]
    found = {"fct_order_lines": lines, "dim_products": products, "dim_persons": persons}
    return {name: pa.Table.from_pylist(rows, TABLES[name].schema) for name, rows in found.items()}


def _run(space: Any) -> None:
    for name, rows in _facts().items():
        space.provide(name, rows)
    terms = Terms(AS_OF, "Europe/London", RULES, (START, AS_OF), batches=2)
    tables = build_orders(space.table("fct_order_lines"), space.table("dim_products"), terms, space)
    space.publish("feat_customers", features_at(space, tables, as_of=AS_OF, thresholds=Thresholds()))


def _by_key(name: str, rows: list[dict[str, Any]]) -> dict[tuple[Any, ...], dict[str, Any]]:
    """Rows by key; floats to twelve digits, since sums of floats depend on their order."""
    key = TABLES[name].key
    return {
        tuple(row[k] for k in key): {
            column: pytest.approx(value, rel=1e-12) if isinstance(value, float) else value
            for column, value in row.items()
        }
        for row in rows
    }


@pytest.mark.soak
@pytest.mark.filterwarnings("default")
def test_spark_gives_the_same_tables(spark: SparkSpace, tmp_path: Path) -> None:
    started = time.monotonic()
    _run(spark)
    seconds = round(time.monotonic() - started, 1)
    counted = {}
    with DuckEngine(Lake(str(tmp_path / "lake")), scratch=tmp_path / "scratch") as duck:
        _run(duck)
        for name in COMPUTED:
            theirs = spark.rows(name)
            ours = duck.to_pyarrow(duck.table(name)).cast(_loose(name)).to_pylist()
            assert len(ours) == len(theirs)
            plain = {tuple(row[k] for k in TABLES[name].key): row for row in theirs}
            assert _by_key(name, ours) == plain
            counted[name] = len(ours)
    assert counted["int_refunds"] > 1000
    write_result("spark_refresh", {"rows": counted, "spark_seconds": seconds, "differing_rows": 0})
