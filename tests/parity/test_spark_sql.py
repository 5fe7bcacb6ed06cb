"""Every table of a refresh can be said in Spark's SQL as well; no JVM is needed to find out."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import ibis
import pytest
import sqlglot
import sqlglot.expressions as exp
from ibis.config import Config
from sqlglot.dialects import Spark

from huitou.analytics.feature import FEATURES, interaction_cuts
from huitou.analytics.orders import Terms, build_orders
from huitou.analytics.person_days import person_days_until
from huitou.analytics.rebuild import feature_table
from huitou.analytics.rules import Exclusions, Thresholds
from huitou.analytics.tables import TABLES

AS_OF = datetime(2024, 4, 1, tzinfo=UTC)
SPAN = (datetime(2023, 1, 1, tzinfo=UTC), AS_OF)
RULES = Exclusions(min_amount_minor=100, channels=("store",), skus=("z",), person_ids=(2,))


class _SparkOptions(Config):  # type: ignore[misc]  # ibis is untyped
    """What the Spark backend registers when PySpark is installed; its compiler asks for it."""

    treat_nan_as_null: bool = False


@pytest.fixture(scope="module")
def steps() -> Iterator[dict[str, str]]:
    """Spark SQL of every step of a refresh, by the name of its table."""
    before = ibis.options.pyspark
    ibis.options.pyspark = before or _SparkOptions()
    yield _all_steps()
    ibis.options.pyspark = before


class _Paper:
    """A workspace that computes nothing: it writes the SQL of every step and hands on a table of the same columns."""

    def __init__(self) -> None:
        self.written: dict[str, str] = {}

    def keep(self, name: str, expression: ibis.Table) -> ibis.Table:
        self.written[name] = str(ibis.to_sql(expression, dialect="pyspark"))
        return ibis.table(expression.schema(), name=name)

    def publish(self, name: str, expression: ibis.Table) -> ibis.Table:
        self.keep(name, expression)
        return self.table(name)

    def table(self, name: str) -> ibis.Table:
        columns = ibis.schema(TABLES[name].schema)
        return ibis.table({column: dtype(nullable=True) for column, dtype in columns.items()}, name=name)


def _all_steps() -> dict[str, str]:
    space = _Paper()
    terms = Terms(AS_OF, "Europe/London", RULES, SPAN, batches=2, links=space.table("dim_person_links"))
    tables = build_orders(space.table("fct_order_lines"), space.table("dim_products"), terms, space)
    days = person_days_until(space, AS_OF, "Europe/London", interaction_cuts(AS_OF))
    persons = space.table("dim_persons")
    space.publish("feat_customers", feature_table(tables, persons, days, as_of=AS_OF, thresholds=Thresholds()))
    return space.written


def test_every_step_is_spark_sql(steps: dict[str, str]) -> None:
    assert {"int_orders", "int_order_categories", "int_refunds", "feat_customers", "refunds_latest"} <= steps.keys()
    for name, text in steps.items():
        tree = sqlglot.parse_one(text, dialect=Spark)
        # What neither sqlglot nor we know by name might be another engine's own.
        unknown = {str(f.this).lower() for f in tree.find_all(exp.Anonymous)}
        assert unknown <= {"timestamp_seconds", "make_date"}, (name, unknown)


def test_every_feature_is_in_the_statement(steps: dict[str, str]) -> None:
    for feature in FEATURES:
        assert f"`{feature.kind}`" in steps["feat_customers"], feature.kind
