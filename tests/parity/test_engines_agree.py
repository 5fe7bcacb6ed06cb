"""Spark on a cluster of two workers gives DuckDB's answer: every table, feature and metric, value by value."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from datetime import date
from functools import partial
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

import pyarrow as pa
import pytest

from huitou.analytics.engines import DuckEngine, Engine, EngineAddress, Lake, open_engine
from huitou.analytics.engines.spark_session import stop_spark
from huitou.analytics.metric_facts import Facts
from huitou.analytics.purchase_days import purchase_days, purchase_spans
from huitou.analytics.rebuild import COMPUTED, define_orders, features_at
from huitou.analytics.rules import Exclusions, Thresholds
from huitou.analytics.tables import TABLES
from tests.parity import asking, corpus
from tests.parity.agreement import same_rows
from tests.parity.corpus import SETTINGS, Setting
from tests.soak.outcome import write_result

pytestmark = [pytest.mark.soak, pytest.mark.filterwarnings("default")]

CLUSTER = EngineAddress.parse(
    "local-cluster[2,1,1024]", "spark.driver.memory=1g spark.sql.shuffle.partitions=2 spark.sql.adaptive.enabled=false"
)
# What Spark is known not to give as DuckDB does, with the reason; agreeing after all is a failure too.
KNOWN_GAPS: dict[str, str] = {}


class Pair:
    """Two engines, each over a lake of its own with the same facts, and what was found when they were compared."""

    def __init__(self, duck: Engine, spark: Engine) -> None:
        self.duck = duck
        self.spark = spark
        self.compared: Counter[str] = Counter()
        self.rows: Counter[str] = Counter()
        self.differences: dict[str, str] = {}

    def both(self, do: Callable[[Engine], None]) -> None:
        do(self.duck)
        do(self.spark)

    def compare(self, kind: str, name: str, ask: Callable[[Engine], pa.Table]) -> None:
        ours, theirs = ask(self.duck), ask(self.spark)
        self.compared[kind] += 1
        self.rows[kind] += ours.num_rows
        difference = same_rows(ours, theirs)
        if difference is not None:
            self.differences[name] = difference

    def conclude(self, result: str, started: float, **more: object) -> None:
        """Write what was compared, and fail on anything that differs or no longer does."""
        seconds = round(time.monotonic() - started)
        unexpected = {name: what for name, what in self.differences.items() if name not in KNOWN_GAPS}
        assert unexpected == {}
        closed = {name for name in KNOWN_GAPS if name.startswith(result) and name not in self.differences}
        assert closed == set(), "these gaps are closed: take them off the list"
        versions = {name: version(name) for name in ("pyspark", "duckdb", "ibis-framework", "sqlglot", "deltalake")}
        write_result(
            result,
            {
                "cluster": CLUSTER.master,
                "compared": dict(self.compared),
                "rows": dict(self.rows),
                "known_gaps": sorted(self.differences),
                "seconds": seconds,
                "versions": versions,
                **more,
            },
        )


@pytest.fixture(scope="module", autouse=True)
def cluster() -> Iterator[None]:
    if find_spec("pyspark") is None:
        pytest.skip("PySpark is not installed: make soak does it")
    yield
    stop_spark()


def _pair(stack: ExitStack, folder: Path) -> Pair:
    duck = DuckEngine(Lake(str(folder / "duck")), scratch=folder / "scratch")
    spark = open_engine(CLUSTER, Lake(str(folder / "spark")), scratch=folder / "scratch")
    return Pair(stack.enter_context(duck), stack.enter_context(spark))


def _read(name: str) -> Callable[[Engine], pa.Table]:
    return lambda engine: engine.to_pyarrow(engine.table(name))


def test_over_the_nasty_corpus(tmp_path: Path) -> None:
    started = time.monotonic()
    found = Pair.__new__(Pair)
    for number, setting in enumerate(SETTINGS):
        with ExitStack() as stack:
            pair = _pair(stack, tmp_path / str(number))
            if number:
                pair.compared, pair.rows, pair.differences = found.compared, found.rows, found.differences
            found = pair
            _compare_setting(pair, setting)
    found.conclude("parity_corpus", started, order_lines=len(corpus.all_lines()), events=len(corpus.all_events()))


def _compare_setting(pair: Pair, setting: Setting) -> None:
    def prepare(engine: Engine) -> None:
        asking.load(engine, setting)
        asking.refresh(engine, setting)

    pair.both(prepare)
    for name in (*COMPUTED, "fct_order_lines", "fct_events"):
        pair.compare("tables", f"parity_corpus {setting.name}: {name}", _read(name))
    pair.compare("histories", f"parity_corpus {setting.name}: histories", _histories)
    asked = [asked for asked in _corpus_questions() if not (setting.empty and asked.dims)]
    compare_metrics(pair, "parity_corpus", setting, asked, asking.SPAN)
    _compare_earlier(pair, setting)


def _histories(engine: Engine) -> pa.Table:
    end = (date(2024, 10, 2) - date(1970, 1, 1)).days
    return engine.to_pyarrow(purchase_spans(purchase_days(engine.table("int_orders")), end, (28, 182)))


def _corpus_questions() -> Iterator[asking.Asked]:
    """Without dimensions by every grain and way of counting; by each dimension, and by all, in one of them."""
    for asked in asking.questions(grains=("month", "quarter", "year"), occasions=("order", "day")):
        once = ("month", "day") if len(asked.dims) > 1 else ("quarter", "order")
        if not asked.dims or (asked.grain, asked.occasion) == once:
            yield asked


def compare_metrics(
    pair: Pair, result: str, setting: Setting, questions: Iterable[asking.Asked], span: tuple[date, date]
) -> None:
    seen = {
        (engine, occasion): asking.facts(engine, setting, occasion)
        for engine in (pair.duck, pair.spark)
        for occasion in ("order", "day")
    }
    for asked in questions:
        metric = partial(_metric, seen=seen, asked=asked, span=span)
        pair.compare("metrics", f"{result} {setting.name}: {asked}", metric)


def _metric(
    engine: Engine, *, seen: dict[tuple[Engine, str], Facts], asked: asking.Asked, span: tuple[date, date]
) -> pa.Table:
    return engine.to_pyarrow(asked.table(seen[engine, asked.occasion], span))


def _compare_earlier(pair: Pair, setting: Setting) -> None:
    """Orders and features as of an earlier instant, from the facts."""
    as_of = corpus.at("2024-10-02 10:00")

    def features(engine: Engine) -> pa.Table:
        rules, cuts = Exclusions.from_json(setting.rules), Thresholds.from_json(setting.cuts)
        tables = define_orders(engine, as_of=as_of, zone=setting.zone, exclusions=rules)
        return engine.to_pyarrow(features_at(engine, tables, as_of=as_of, zone=setting.zone, thresholds=cuts))

    pair.compare("features as of", f"parity_corpus {setting.name}: features as of {as_of:%Y-%m-%d}", features)
    for name in ("int_orders", "int_order_categories", "int_refunds"):
        pair.compare("tables as of", f"parity_corpus {setting.name}: {name} as of", _read(name))
    assert set(TABLES) >= set(COMPUTED)
