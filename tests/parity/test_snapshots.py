"""What every step, feature and metric says to each engine is what was committed; no JVM is needed to find out."""

from __future__ import annotations

import difflib

import pytest
import sqlglot
import sqlglot.expressions as exp
from sqlglot.dialects import Spark

from huitou.analytics.conditions import KINDS
from huitou.analytics.feature import FEATURES
from huitou.analytics.metrics import METRICS
from tests.parity.snapshots import DIALECTS, FOLDER, make_snapshots

# Functions of Spark that sqlglot does not know by name.
_OF_SPARK = {"timestamp_seconds", "make_date", "unix_micros", "get_json_object", "bit_or"}


def _committed(dialect: str) -> dict[str, str]:
    folder = FOLDER / dialect
    return {path.relative_to(folder).as_posix(): path.read_text(encoding="utf-8") for path in folder.rglob("*.sql")}


@pytest.mark.parametrize("dialect", DIALECTS)
def test_the_sql_is_what_was_committed(dialect: str) -> None:
    made, kept = make_snapshots(dialect), _committed(dialect)
    changes = [
        line
        for name in sorted({*made, *kept})
        for line in difflib.unified_diff(
            kept.get(name, "").splitlines(),
            made.get(name, "").splitlines(),
            f"committed/{name}",
            f"made now/{name}",
            lineterm="",
        )
    ]
    assert changes == [], "look at what changed, then run make snapshots"


def test_every_feature_metric_and_kind_of_condition_has_one() -> None:
    names = {f"features/{f.kind}.sql" for f in FEATURES} | {f"metrics/{m.kind}.sql" for m in METRICS}
    names |= {f"conditions/{kind.kind}_1.sql" for kind in KINDS if kind.audience}
    for dialect in DIALECTS:
        assert names <= _committed(dialect).keys()


def test_spark_knows_every_function() -> None:
    """What neither sqlglot nor we know by name might be another engine's own."""
    for name, text in _committed("pyspark").items():
        for tree in sqlglot.parse(text, dialect=Spark):
            if tree is not None:
                unknown = {str(f.this).lower() for f in tree.find_all(exp.Anonymous)}
                assert unknown <= _OF_SPARK, name
