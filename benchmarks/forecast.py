"""Forecasts of ten million customers: seconds and memory of statistics, learning, scoring and joining back.

    python benchmarks/forecast.py --customers 10000000

Orders are synthetic and seeded: rates of a gamma distribution, lifetimes of their own, three years. What is measured is
what `huitou predict` does between the lake and its file, in a process of its own with the engine's memory limited.
lifetimes' own summary, BG/NBD fit and expectation run beside it on as many of the customers as `--peer` says, where it
is installed (`make bench` installs it).
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import platform
import shutil
import sys
import time
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

HERE = Path(__file__).resolve().parent
DAYS, FIRST_DAY, HORIZON = 1095, 18_628, 90

_ORDERS = """
COPY (
    WITH people AS (
        SELECT i AS person_id, CAST(floor(random() * {days}) AS INTEGER) AS born,
            -ln(1 - random()) * 400 AS lives, -ln(1 - random()) * 0.9 / 60 AS rate
        FROM range(1, {customers} + 1) AS t(i)
    ), counted AS (
        SELECT *, least(born + lives, {days} - 1) - born AS spell FROM people
    ), bought AS (
        SELECT person_id, born, spell,
            unnest(range(0, 1 + CAST(least(floor(rate * spell + random()), 60) AS INTEGER))) AS n
        FROM counted
    )
    SELECT 'shop' AS source, '' AS order_id, person_id, TIMESTAMPTZ '2021-01-01' AS paid_at,
        DATE '2021-01-01' + CAST(CASE WHEN n = 0 THEN born ELSE born + floor(random() * spell) END AS INTEGER) AS day,
        NULL::VARCHAR AS channel, NULL::VARCHAR AS store, CAST(1000 + random() * 20000 AS BIGINT) AS amount_minor,
        0::BIGINT AS discount_minor, 0::BIGINT AS refunded_minor, false AS is_excluded, true AS is_purchase,
        NULL::INTEGER AS purchase_no, NULL::TIMESTAMPTZ AS previous_paid_at
    FROM bought
) TO '{path}' (FORMAT parquet)
"""


def make_orders(folder: Path, customers: int, memory_mb: int) -> Path:
    """int_orders as one Parquet file below `folder`."""
    import duckdb

    path = folder / f"orders-{customers}.parquet"
    if not path.exists():
        with duckdb.connect() as connection:
            connection.execute(f"SET memory_limit = '{memory_mb}MB'; SET threads = 1; SELECT setseed(0.5)")
            connection.execute(f"SET temp_directory = '{folder / 'spill'}'")
            connection.execute(_ORDERS.format(days=DAYS, customers=customers, path=path))
    return path


def forecast(path: Path, folder: Path, memory_mb: int) -> dict[str, Any]:
    """Seconds of each step, and what was found."""
    from huitou.analytics.engines import DuckEngine, Lake
    from huitou.analytics.purchase_days import purchase_days, purchase_spans
    from huitou.predictions.ordering.scoring import sample_days, score_histories, scored_rows
    from huitou.stats.buy_till_you_die.forecast import learn
    from huitou.stats.buy_till_you_die.learned import WINDOWS

    steps: dict[str, Any] = {}
    at = time.monotonic()

    def step(name: str) -> None:
        nonlocal at
        steps[name] = round(time.monotonic() - at, 2)
        at = time.monotonic()

    scratch = folder / "scratch"
    with DuckEngine(Lake(str(folder / "lake")), scratch=scratch, memory_limit_mb=memory_mb) as engine:
        days = engine.keep("purchase_days", purchase_days(engine.read("int_orders", [str(path)])))
        spans = engine.keep("purchase_spans", purchase_spans(days, FIRST_DAY + DAYS, WINDOWS))
        step("statistics")
        sampled, amounts = sample_days(engine, days)
        found = learn(sampled, FIRST_DAY + DAYS, HORIZON, amounts)
        step("learning")
        table = score_histories(engine, spans, found, HORIZON)
        steps["histories"] = table.num_rows
        scored = engine.provide("int_history_scores", table)
        step("scoring")
        rows, orders = 0, 0.0
        for batch in scored_rows(engine, spans, scored, found):
            rows += batch.num_rows
            orders += float(batch.column("expected_orders").to_numpy().sum())
        step("joining")
    return {**steps, "rows": rows, "expected_orders": round(orders), "model": found.name}


def lifetimes_side(path: Path, customers: int) -> dict[str, Any]:
    """Its summary of transactions, BG/NBD fit and expectation for the first customers."""
    import warnings

    import duckdb

    warnings.simplefilter("ignore")
    from lifetimes import BetaGeoFitter
    from lifetimes.utils import summary_data_from_transaction_data

    rows = duckdb.sql(f"SELECT person_id, day, amount_minor FROM '{path}' WHERE person_id <= {customers}").df()
    start = time.monotonic()
    told = summary_data_from_transaction_data(rows, "person_id", "day", freq="D", freq_multiplier=7)
    summary = time.monotonic() - start
    start = time.monotonic()
    model = BetaGeoFitter(penalizer_coef=0.001).fit(told.frequency, told.recency, told["T"])
    fit = time.monotonic() - start
    start = time.monotonic()
    model.conditional_expected_number_of_purchases_up_to_time(HORIZON / 7, told.frequency, told.recency, told["T"])
    return {
        "customers": len(told),
        "statistics": round(summary, 2),
        "learning": round(fit, 2),
        "scoring": round(time.monotonic() - start, 2),
    }


def _peak_mb() -> int:
    line = next(x for x in Path("/proc/self/status").read_text().splitlines() if x.startswith("VmHWM"))
    return round(int(line.split()[1]) / 1024)


def _child(pipe: Any, task: Any, arguments: tuple[Any, ...]) -> None:
    start = time.monotonic()
    told = task(*arguments)
    pipe.send({"seconds": round(time.monotonic() - start, 2), "peak_mb": _peak_mb(), **told})


def _alone(task: Any, *arguments: Any) -> dict[str, Any]:
    context = multiprocessing.get_context("spawn")
    mine, theirs = context.Pipe()
    process = context.Process(target=_child, args=(theirs, task, arguments))
    process.start()
    theirs.close()
    told: dict[str, Any] = mine.recv()
    process.join()
    return told


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--customers", type=int, default=10_000_000)
    options.add_argument("--peer", type=int, default=100_000, help="customers that lifetimes gets; 0: none")
    options.add_argument("--memory-mb", type=int, default=3072, help="limit given to the engine")
    options.add_argument("--folder", type=Path, default=Path("/tmp/huitou-benchmark-forecast"))
    options.add_argument("--out", type=Path, default=HERE / "results" / "forecast.json")
    chosen = options.parse_args()
    chosen.folder.mkdir(parents=True, exist_ok=True)
    path = make_orders(chosen.folder, chosen.customers, chosen.memory_mb)
    result: dict[str, Any] = {
        "what": "forecasts of all customers, from orders to rows with scores",
        "customers": chosen.customers,
        "engine_memory_limit_mb": chosen.memory_mb,
        "machine": {"cpus": os.cpu_count(), "python": platform.python_version()},
        "versions": {name: _version(name) for name in ("numpy", "scipy", "duckdb", "lifetimes")},
        "product": _alone(forecast, path, chosen.folder, chosen.memory_mb),
    }
    if chosen.peer and _version("lifetimes"):
        result["lifetimes"] = _alone(lifetimes_side, path, chosen.peer)
    chosen.out.write_text(json.dumps(result, indent=2) + "\n")
    print(json.dumps(result, indent=2))
    shutil.rmtree(chosen.folder / "scratch", ignore_errors=True)


if __name__ == "__main__":
    main()
