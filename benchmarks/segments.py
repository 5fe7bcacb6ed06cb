"""Six conditions over customers and events: seconds of the product, of hand-written DuckDB SQL, and of chdb.

    python benchmarks/segments.py --customers 2000000 --events 50000000

The facts are synthetic and seeded: skewed customers, six event names, properties as JSON, ties in time, persons joined
to customers. The product and `segments.sql` run in one process, in turn, over the same Parquet files with the same
memory limit and threads; each gives its customers, and both must give the same ones. `segments_chdb.sql` runs on the
same files in a process of its own, where chdb is installed (`make bench` installs it). Times are the best of several
rounds, the first of which reads the files into the page cache.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import platform
import re
import shutil
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

HERE = Path(__file__).resolve().parent
AS_OF = datetime(2026, 1, 1, tzinfo=UTC)
ZONE = "Asia/Shanghai"
DAYS = 720
# Seconds that the product may take at full size, and how many times as long as by hand.
LIMITS = {"simple": 2.0, "count": 10.0, "sequence": 30.0}
RATIO = 1.3
KINDS = {
    "bought_twice_then_silent": "simple",
    "growing_vip_who_may_be_written_to": "simple",
    "viewed_a_category_and_did_not_buy": "count",
    "frequent_regular_and_spending": "count",
    "viewed_added_bought": "sequence",
    "visited_started_replied_and_bought_before": "sequence",
}
CONDITIONS: dict[str, Any] = {
    "bought_twice_then_silent": {
        "all": [
            {"feature": "order_count", "is": ">=", "value": 2},
            {"feature": "days_since_last_order", "is": ">=", "value": 45},
            {"feature": "refund_rate", "is": "=", "value": 0},
        ]
    },
    "growing_vip_who_may_be_written_to": {
        "all": [
            {"feature": "lifecycle_stage", "is": "in", "value": ["growing", "mature"]},
            {"feature": "last_order_at", "is": "in_last_days", "value": 180},
            {"bucket": {"salt": "pilot", "from": 0, "to": 5000}},
            {"tag": "vip"},
            {"consent": {"channel": "sms", "purpose": "marketing"}},
            {"identifier": "phone"},
        ]
    },
    "viewed_a_category_and_did_not_buy": {
        "all": [
            {
                "event": "Product Viewed",
                "where": [{"property": "category", "is": "in", "value": ["c1", "c2", "c3"]}],
                "window": {"last_days": 90},
                "done": {"at_least": 3},
            },
            {"event": "Order Completed", "window": {"last_days": 30}, "done": {"exactly": 0}},
        ]
    },
    "frequent_regular_and_spending": {
        "all": [
            {"event": "Page Viewed", "window": {"last_days": 365}, "done": {"at_least": 10}},
            {
                "any": [
                    {"event": "Product Viewed", "regularly": {"in": 3, "of": 12, "unit": "week"}},
                    {
                        "event": "Product Added",
                        "window": {"last_days": 365},
                        "value": {"take": "sum", "property": "price", "is": ">=", "value": 500},
                    },
                ]
            },
        ]
    },
    "viewed_added_bought": {
        "event": "Product Viewed",
        "window": {"last_days": 180},
        "then": [
            {"event": "Product Added", "within_hours": 24},
            {"event": "Order Completed", "within_days": 3},
        ],
    },
    "visited_started_replied_and_bought_before": {
        "all": [
            {"feature": "order_count", "is": ">=", "value": 1},
            {
                "event": "Page Viewed",
                "window": {"last_days": 365},
                "then": [
                    {"event": "Checkout Started", "within_hours": 24},
                    {"event": "Message Replied", "within_days": 7},
                ],
            },
        ]
    },
}
_EVENTS = """
SELECT 1::BIGINT AS batch_id, printf('%032x', i) AS event_id,
       CASE WHEN h % 100 < 45 THEN 'Page Viewed' WHEN h % 100 < 75 THEN 'Product Viewed'
            WHEN h % 100 < 87 THEN 'Product Added' WHEN h % 100 < 93 THEN 'Checkout Started'
            WHEN h % 100 < 97 THEN 'Order Completed' ELSE 'Message Replied' END AS name,
       CASE WHEN h % 3 = 0 THEN 'page' ELSE 'track' END AS kind,
       CASE WHEN h % 53 > 0
            THEN CAST(1 + floor({customers} * pow((g % 100000007) / 100000007.0, 2)) AS BIGINT) END AS person_id,
       -- As time goes by, within a day; whole seconds: instants tie.
       TIMESTAMPTZ '2024-01-12 00:00:00+00' + to_seconds(i * {days} * 86400 // {events} + k % 86400) AS occurred_at,
       NULL::TIMESTAMPTZ AS received_at, 'shop' AS source, CASE WHEN g % 2 = 0 THEN 'app' END AS channel,
       'product' AS object_type, 'p' || (g % 2000) AS object_id,
       '{{"category":"c' || (k % 60) || '","price":' || (k // 60 % 50000 / 100) || '}}' AS properties
FROM (SELECT i, (hash(i, {seed}, 1) >> 2)::BIGINT AS h, (hash(i, {seed}, 2) >> 2)::BIGINT AS g,
             (hash(i, {seed}, 3) >> 2)::BIGINT AS k FROM range({events}) r(i))
"""
_TABLES = {
    "dim_person_links": "SELECT i AS person_id, i - 1 AS customer_id FROM range(100, {customers}, 50) r(i)",
    "dim_person_tags": """
        SELECT i AS person_id, ['vip', 'new', 'old'][1 + t] AS tag, TIMESTAMPTZ '2025-01-01 00:00:00+00' AS since,
               CASE WHEN i % 7 = 0 THEN TIMESTAMPTZ '2025-06-01 00:00:00+00' END AS expires_at
        FROM range(1, {customers} + 1) r(i), range(3) s(t) WHERE hash(i, t) % 4 = 0""",
    "dim_person_consents": """
        SELECT i AS person_id, ['sms', 'email'][1 + t] AS channel, 'marketing' AS purpose, hash(i, t) % 3 > 0
               AS granted,
               TIMESTAMPTZ '2025-01-01 00:00:00+00' AS "at"
        FROM range(1, {customers} + 1) r(i), range(2) s(t)""",
    "dim_person_identifiers": """
        SELECT i AS person_id, ['phone', 'email'][1 + t] AS kind
        FROM range(1, {customers} + 1) r(i), range(2) s(t) WHERE hash(i, t, 5) % 10 < 8""",
}
_VALUES = {
    "count": "CAST(h // {n} % 12 AS BIGINT)",
    "score": "CAST(1 + h // {n} % 5 AS INTEGER)",
    "minor": "CAST(h // {n} % 100000 AS BIGINT)",
    "days": "h // {n} % 400",
    "rate": "CASE WHEN h // {n} % 3 > 0 THEN 0.0 ELSE (h // {n} % 100) / 100.0 END",
    "flag": "h // {n} % 9 = 0",
    "instant": "TIMESTAMPTZ '2026-01-01 00:00:00+00' - to_minutes(h // {n} % 500000)",
    "text": "['new', 'growing', 'mature', 'declining'][1 + h // {n} % 4]",
}


def make_facts(folder: Path, *, customers: int, events: int, seed: int, memory_mb: int) -> None:
    """A lake with events, features and what else the conditions look at, below `folder`."""
    from huitou.analytics.engines import DuckEngine, Lake
    from huitou.analytics.feature import FEATURES

    values = {"customers": customers, "events": events, "seed": seed, "days": DAYS}
    columns = [f"{_VALUES[f.unit].format(n=n)} AS {f.kind}" for n, f in enumerate(FEATURES, start=1)]
    features = f"""SELECT i AS person_id, {", ".join(columns)}
                   FROM (SELECT i, (hash(i, {seed}) >> 2)::BIGINT AS h FROM range(1, {customers} + 1) r(i))"""
    tables = _TABLES | {"fct_events": f"SELECT *, strftime(occurred_at, '%Y-%m') AS month FROM ({_EVENTS})"}
    with DuckEngine(Lake(str(folder / "lake")), scratch=folder / "making", memory_limit_mb=memory_mb) as engine:
        for name, query in tables.items():
            engine.write(name, engine._backend.sql(query.format(**values)))
        engine.write("feat_customers", engine._backend.sql(features))


def queries(file: str) -> dict[str, str]:
    """The queries of an SQL file by their names."""
    parts = re.split(r"^-- name: (\w+)\n", (HERE / file).read_text(), flags=re.MULTILINE)[1:]
    return {name: text.strip().rstrip(";") for name, text in zip(parts[::2], parts[1::2], strict=True)}


def _views(lake: Any) -> dict[str, str]:
    """What the hand-written queries call the tables, as DuckDB reads their files."""
    found = {}
    for view, table in (
        ("features", "feat_customers"),
        ("events", "fct_events"),
        ("links", "dim_person_links"),
        ("tags", "dim_person_tags"),
        ("consents", "dim_person_consents"),
        ("identifiers", "dim_person_identifiers"),
    ):
        files = ", ".join(f"'{file}'" for file in lake.files(table))
        hive = ", hive_partitioning=true, hive_types={month: VARCHAR}" if table == "fct_events" else ""
        found[view] = f"read_parquet([{files}]{hive})"
    return found


class Timer:
    """Best seconds of several rounds, by the clock and by the processors."""

    def __init__(self) -> None:
        self.seconds: list[float] = []
        self.cpu_seconds: list[float] = []

    def __call__(self, task: Callable[[], Any]) -> Any:
        started, cpu = time.monotonic(), time.process_time()
        answer = task()
        self.seconds.append(time.monotonic() - started)
        self.cpu_seconds.append(time.process_time() - cpu)
        return answer

    def best(self) -> dict[str, float]:
        return {"seconds": round(min(self.seconds), 3), "cpu_seconds": round(min(self.cpu_seconds), 3)}


def run_both(folder: Path, memory_mb: int, rounds: int) -> dict[str, Any]:
    """The product and the hand-written SQL, in turn; by condition, the best of each and whether they agree."""
    from huitou.analytics.conditions import Moment, compile_members, parse_condition, read_facts
    from huitou.analytics.engines import DuckEngine, Lake, open_scratch

    lake, moment = Lake(str(folder / "lake")), Moment(AS_OF, ZONE)
    connection = open_scratch(folder / "by_hand", memory_limit_mb=memory_mb)
    connection.execute("SET preserve_insertion_order = false")
    for view, source in _views(lake).items():
        connection.execute(f"CREATE TEMP VIEW {view} AS SELECT * FROM {source}")
    instants = {"as_of": AS_OF.isoformat(), "as_of_plain": AS_OF.strftime("%Y-%m-%d %H:%M:%S")}
    by_hand = {name: text.format(**instants) for name, text in queries("segments.sql").items()}
    found: dict[str, Any] = {}
    with DuckEngine(lake, scratch=folder / "scratch", memory_limit_mb=memory_mb) as engine:
        facts = read_facts(engine)

        def members(name: str) -> Any:
            # As segments read their members: in batches, as the engine hands them over.
            table = compile_members(parse_condition(CONDITIONS[name]), facts, moment)
            return engine.to_reader(table).read_all()

        for name in CONDITIONS:
            ours, theirs, mine, other = Timer(), Timer(), None, None
            for _ in range(rounds):
                other = theirs(lambda name=name: connection.execute(by_hand[name]).to_arrow_table())
                mine = ours(lambda name=name: members(name))
            same = sorted(mine["person_id"].to_pylist()) == sorted(other["person_id"].to_pylist())
            best, by = ours.best(), theirs.best()
            found[name] = {
                "kind": KINDS[name],
                "members": mine.num_rows,
                "same_members": same,
                "product": best,
                "by_hand": by,
                "ratio": round(best["seconds"] / by["seconds"], 3),
                # Steadier than the clock where other work shares the machine.
                "cpu_ratio": round(best["cpu_seconds"] / by["cpu_seconds"], 3),
            }
            print(json.dumps({name: found[name]}), flush=True)
    connection.close()
    return found


def run_chdb(folder: Path, rounds: int) -> dict[str, Any]:
    """`segments_chdb.sql` on the same files; {} where chdb is not installed."""
    try:
        from chdb.session import Session
    except ImportError:
        return {}
    from huitou.analytics.engines import Lake

    lake, session = Lake(str(folder / "lake")), Session(str(folder / "chdb"))
    sources = {}
    for view, table in (
        ("features", "feat_customers"),
        ("events", "fct_events"),
        ("links", "dim_person_links"),
        ("tags", "dim_person_tags"),
        ("consents", "dim_person_consents"),
        ("identifiers", "dim_person_identifiers"),
    ):
        files = [str(Path(file).relative_to(folder / "lake")) for file in lake.files(table)]
        sources[view] = f"file('{folder}/lake/{{{','.join(files)}}}', Parquet)"
    instants = {"as_of": AS_OF.strftime("%Y-%m-%d %H:%M:%S")}
    found: dict[str, Any] = {}
    for name, text in queries("segments_chdb.sql").items():
        timer, rows = Timer(), 0
        sql = f"SELECT count(), groupBitXor(intHash64(person_id)) FROM ({text.format(**sources, **instants)})"
        for _ in range(rounds):
            rows = int(str(timer(lambda sql=sql: session.query(sql, "CSV"))).split(",")[0])
        found[name] = timer.best() | {"members": rows}
        print(json.dumps({f"chdb {name}": found[name]}), flush=True)
    session.close()
    return found


def _in_own_process(task: Callable[..., dict[str, Any]], *arguments: Any) -> dict[str, Any]:
    context = multiprocessing.get_context("spawn")
    mine, theirs = context.Pipe()
    process = context.Process(target=_child, args=(theirs, task, arguments))
    process.start()
    theirs.close()
    told: dict[str, Any] = mine.recv()
    process.join()
    return told


def _child(pipe: Any, task: Callable[..., dict[str, Any]], arguments: tuple[Any, ...]) -> None:
    pipe.send(task(*arguments))


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--customers", type=int, default=200_000)
    parser.add_argument("--events", type=int, default=5_000_000)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--memory-mb", type=int, default=4096, help="limit given to the engine on either side")
    parser.add_argument("--folder", type=Path, default=Path("benchmark-data"), help="emptied before and after")
    parser.add_argument("--keep", action="store_true", help="use the facts that are there, and leave them")
    parser.add_argument("--out", type=Path, help="result file (JSON)")
    given = parser.parse_args()
    folder = given.folder.resolve() / "segments"
    sizes = {"customers": given.customers, "events": given.events, "seed": given.seed}
    try:
        if not (given.keep and folder.exists()):
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir(parents=True)
            make_facts(folder, **sizes, memory_mb=given.memory_mb)
        found = _in_own_process(run_both, folder, given.memory_mb, given.rounds)
        beside = _in_own_process(run_chdb, folder, given.rounds)
    finally:
        if not given.keep:
            shutil.rmtree(folder, ignore_errors=True)
    for name, one in found.items():
        one |= {"chdb": beside[name]} if name in beside else {}
        one["within"] = {
            "seconds": one["product"]["seconds"] <= LIMITS[one["kind"]],
            "ratio": one["ratio"] <= RATIO,
        }
    packages = ("duckdb", "ibis-framework", "deltalake", "pyarrow", "chdb")
    result = {
        "what": "six conditions against hand-written DuckDB SQL and chdb",
        **sizes,
        "rounds": given.rounds,
        "engine_memory_limit_mb": given.memory_mb,
        "limits_seconds_at_full_size": LIMITS,
        "conditions": found,
        "load_at_the_end": round(os.getloadavg()[0], 2),
        "machine": {"cpus": os.cpu_count(), "processor": platform.processor() or platform.machine()},
        "versions": {name: _version(name) for name in packages} | {"python": platform.python_version()},
    }
    print(json.dumps(result, indent=2))
    if given.out:
        given.out.write_text(json.dumps(result, indent=2) + "\n")


if __name__ == "__main__":
    main()
