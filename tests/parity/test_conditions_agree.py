"""Spark gives the members that DuckDB and the pencil give: every kind of leaf, and random trees of them."""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from importlib.metadata import version
from importlib.util import find_spec
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings

from huitou.analytics.conditions import KINDS, Facts, Moment, compile_members, leaves_of, parse_condition, read_facts
from huitou.analytics.conditions.tests import condition_strategies as strategies
from huitou.analytics.conditions.tests.condition_oracle import World
from huitou.analytics.conditions.tests.condition_worlds import load_world, make_world
from huitou.analytics.engines import DuckEngine, Engine, Lake, open_engine
from huitou.analytics.engines.spark_session import stop_spark
from tests.parity.test_engines_agree import CLUSTER
from tests.soak.outcome import write_result

pytestmark = [pytest.mark.soak, pytest.mark.filterwarnings("default")]
_SAME = settings(
    deadline=None,
    derandomize=True,
    database=None,
    phases=[Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large],
)


class Engines:
    """One made-up brand in two engines, and what was asked of both."""

    def __init__(self, world: World, duck: Engine, spark: Engine) -> None:
        self.world = world
        self.views: list[tuple[Engine, Facts]] = [(duck, read_facts(duck)), (spark, read_facts(spark))]
        self.asked: Counter[str] = Counter()

    def check(self, data: dict[str, Any]) -> None:
        condition, moment = parse_condition(data), Moment(self.world.as_of, self.world.zone)
        expected = sorted(self.world.members(data))
        for engine, facts in self.views:
            table = engine.to_pyarrow(compile_members(condition, facts, moment))
            found = sorted(table["person_id"].to_pylist())
            assert found == expected, f"{type(engine).__name__}: {json.dumps(data, ensure_ascii=False)}"
        self.asked.update(type(leaf).__name__ for leaf in leaves_of(condition))
        self.asked["conditions"] += 1


@pytest.fixture(scope="module")
def engines(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engines]:
    if find_spec("pyspark") is None:
        pytest.skip("PySpark is not installed: make soak does it")
    folder, started = tmp_path_factory.mktemp("conditions"), time.monotonic()
    world, tables = make_world(4, "America/St_Johns", customers=25)
    with ExitStack() as stack:
        duck = stack.enter_context(DuckEngine(Lake(str(folder / "duck")), scratch=folder / "scratch"))
        spark = stack.enter_context(open_engine(CLUSTER, Lake(str(folder / "spark")), scratch=folder / "scratch"))
        for engine in (duck, spark):
            load_world(engine, world, tables)
        both = Engines(world, duck, spark)
        yield both
        names = ("pyspark", "duckdb", "ibis-framework", "sqlglot", "deltalake")
        seconds, versions = round(time.monotonic() - started), {name: version(name) for name in names}
        asked = {name: both.asked[name] for name in sorted(both.asked)}
        values = {"cluster": CLUSTER.master, "asked": asked, "seconds": seconds, "versions": versions}
        write_result("parity_conditions", values)
    stop_spark()


def test_every_example_of_every_kind(engines: Engines) -> None:
    for kind in KINDS:
        for example in kind.examples if kind.audience else ():
            engines.check(dict(example))


@given(data=strategies.events)
@settings(_SAME, max_examples=40)
def test_of_events(engines: Engines, data: dict[str, Any]) -> None:
    engines.check(data)


@given(data=strategies.orders)
@settings(_SAME, max_examples=30)
def test_of_orders(engines: Engines, data: dict[str, Any]) -> None:
    engines.check(data)


@given(data=strategies.features | strategies.others)
@settings(_SAME, max_examples=15)
def test_of_features_and_small_tables(engines: Engines, data: dict[str, Any]) -> None:
    engines.check(data)


@given(data=strategies.conditions)
@settings(_SAME, max_examples=15)
def test_of_trees(engines: Engines, data: dict[str, Any]) -> None:
    engines.check(data)
