"""Full refresh against hand-written DuckDB SQL for the same tables: seconds, peak memory, and equal contents.

    python benchmarks/refresh.py --customers 2000000 --orders 20000000

The facts are synthetic and seeded: skewed customers, anonymous orders, ties in time, fractional quantities, refunds
that name their order and refunds that do not, statuses, missing channels and categories, and orders reported twice.
Each side runs in a process of its own over the same files, with the same memory limit and threads; the mirror of the
registers from PostgreSQL is on neither side.
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
from importlib.metadata import version
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

AS_OF = datetime(2026, 1, 1, tzinfo=UTC)
ZONE = "Asia/Shanghai"
DAYS = 720
TABLES = ("int_orders", "int_order_categories", "int_refunds", "feat_customers")
HERE = Path(__file__).resolve().parent

_ORDERS = """
CREATE TABLE orders AS
SELECT i AS n, 'o' || lpad(i::VARCHAR, 10, '0') AS order_id,
       CASE WHEN h1 % 20 = 0 THEN NULL
            ELSE 1 + CAST(floor({customers} * pow((h1 % 100000007) / 100000007.0, 2)) AS BIGINT) END AS person_id,
       -- Numbered as time goes by, within half a day; whole minutes: instants tie.
       TIMESTAMPTZ '2024-01-12 00:00:00+00' + to_minutes(i * {days} * 1440 // {orders} + h2 % 720) AS occurred_at,
       [NULL, 'app', 'mini_program', 'store', 'live'][1 + h3 % 5] AS channel,
       CASE WHEN h3 % 5 = 3 THEN 's' || (h3 % 40) END AS store,
       CASE WHEN h4 % 50 = 0 THEN 'cancelled' WHEN h4 % 50 = 1 THEN 'unpaid' WHEN h4 % 3 = 0 THEN 'paid'
            ELSE 'completed' END AS status,
       CASE WHEN h4 % 200 = 7 THEN 'sample' WHEN h4 % 500 = 9 THEN 'brushing' ELSE 'normal' END AS order_type,
       1 + (h5 % 10 > 5)::INT + (h5 % 10 > 8)::INT AS lines, 1 + i * {batches} // {orders} AS batch_id
FROM (SELECT i, (hash(i, {seed}, 1) >> 2)::BIGINT AS h1, (hash(i, {seed}, 2) >> 2)::BIGINT AS h2,
             (hash(i, {seed}, 3) >> 2)::BIGINT AS h3, (hash(i, {seed}, 4) >> 2)::BIGINT AS h4,
             (hash(i, {seed}, 5) >> 2)::BIGINT AS h5 FROM range({orders}) r(i))
"""
_LINES = """
COPY (
WITH sales AS (
    SELECT o.*, CAST(l AS INTEGER) AS line_no, (hash(n, l, {seed}) >> 2)::BIGINT AS h
    FROM orders o, range(1, o.lines + 1) r(l)
), bought AS (
    SELECT *, 'p' || (h % 2000) AS sku, CASE WHEN h % 7 = 0 THEN 0.5 ELSE 1 + (h // 7) % 4 END AS quantity,
           500 + (h // 31) % 30000 AS amount
    FROM sales
), every AS (
    SELECT batch_id, order_id, line_no, 'sale' AS kind, person_id, sku, quantity, amount, (h // 3) % 300 AS discount,
           status, order_type, occurred_at, NULL AS refund_of, channel, store, h
    FROM bought
    UNION ALL
    SELECT batch_id, 'r' || order_id, line_no, 'refund', person_id, sku,
           CASE WHEN h % 11 = 0 THEN 0 WHEN h % 5 = 0 THEN quantity + 1 ELSE quantity END, amount, 0,
           'completed', 'normal', occurred_at + to_minutes((h // 13) % 60000),
           CASE WHEN h % 3 = 0 THEN order_id END, channel, store, h
    FROM bought WHERE h % 25 = 3
    UNION ALL
    SELECT {batches} + 1, order_id, line_no, 'sale', person_id, sku, quantity, amount, 0, 'completed', order_type,
           occurred_at, NULL, channel, store, h
    FROM bought WHERE hash(n) % 200 = 5
)
SELECT CAST(batch_id AS BIGINT) AS batch_id, 'shop' AS source, order_id, line_no, kind, person_id, sku,
       CASE WHEN h % 4 = 0 THEN NULL ELSE 'c' || (h % 2000) % 60 END AS category,
       CAST(quantity AS DECIMAL(18, 4)) AS quantity, CAST(amount AS BIGINT) AS amount_minor,
       CAST(discount AS BIGINT) AS discount_minor, status, order_type, occurred_at, refund_of, channel, store,
       strftime(occurred_at, '%Y-%m') AS month
FROM every
) TO '{path}' (FORMAT parquet)
"""
_DIMS = {
    "dim_products": """SELECT 'p' || i AS sku, CASE WHEN i % 9 > 0 THEN 'c' || i % 60 END AS category,
                       NULL::VARCHAR AS brand, NULL::BIGINT AS list_price_minor FROM range(2000) r(i)""",
    "dim_persons": """SELECT i AS person_id,
                             CASE WHEN i % 3 = 0 THEN TIMESTAMPTZ '2024-01-01 00:00:00+00' END AS known_since
                      FROM range(1, {customers} + 1) r(i)""",
}


def make_facts(folder: Path, *, customers: int, orders: int, seed: int, memory_mb: int) -> None:
    """A lake with facts and dimension tables below `folder`."""
    from huitou.analytics.engines import Lake, open_scratch

    lake = Lake(str(folder / "lake"))
    connection = open_scratch(folder / "making", memory_limit_mb=memory_mb)
    values = {"customers": customers, "orders": orders, "seed": seed, "days": DAYS, "batches": 8}
    connection.execute("SET preserve_insertion_order = false")
    connection.execute(_ORDERS.format(**values))
    staged = folder / "staged"
    staged.mkdir()
    connection.execute(_LINES.format(path=staged / "lines.parquet", **values))
    lake.append("fct_order_lines", staged, transaction_id="made")
    for name, query in _DIMS.items():
        lake.overwrite(name, connection.execute(query.format(**values)).to_arrow_reader(100_000))
    connection.close()
    shutil.rmtree(folder / "making")
    shutil.rmtree(staged)


def run_product(folder: Path, memory_mb: int) -> dict[str, Any]:
    """The product's own rebuild; returns rows and seconds by table."""
    from huitou.analytics.engines import DuckEngine, Lake
    from huitou.analytics.rebuild import rebuild
    from huitou.analytics.rules import Exclusions, Thresholds

    with DuckEngine(Lake(str(folder / "lake")), scratch=folder / "scratch", memory_limit_mb=memory_mb) as engine:
        written = rebuild(
            engine,
            as_of=AS_OF,
            zone=ZONE,
            exclusions=Exclusions(),
            thresholds=Thresholds(),
            report=lambda _done, _total, _step: None,
        )
    return {name: {"rows": table.rows, "seconds": table.seconds} for name, table in written.items()}


def run_by_hand(folder: Path, memory_mb: int) -> dict[str, Any]:
    """`refresh.sql` over the same files."""
    from huitou.analytics.engines import Lake, open_scratch

    lake = Lake(str(folder / "lake"))
    connection = open_scratch(folder / "by_hand_spill", memory_limit_mb=memory_mb)
    connection.execute("SET preserve_insertion_order = false")
    for view, table in (("lines", "fct_order_lines"), ("products", "dim_products"), ("persons", "dim_persons")):
        files = ", ".join(f"'{f}'" for f in lake.files(table))
        connection.execute(f"CREATE TEMP VIEW {view} AS SELECT * FROM read_parquet([{files}])")
    out = folder / "by_hand"
    out.mkdir()
    text = (HERE / "refresh.sql").read_text()
    text = text.format(out=out, as_of=f"TIMESTAMPTZ '{AS_OF.isoformat()}'", offset="8 HOUR")
    seconds: dict[str, Any] = {}
    for statement in connection.extract_statements(text):
        started = time.monotonic()
        connection.execute(statement)
        # Named by the table or file that the statement makes.
        target = re.search(r"(?:VIEW|TABLE) (\w+) AS|(int_\w+|feat_\w+)\.parquet'", statement.query)
        assert target is not None, statement.query
        name = target.group(1) or f"{target.group(2)} (file)"
        seconds[name] = round(time.monotonic() - started, 2)
    connection.close()
    return seconds


def _measured(task: Callable[..., dict[str, Any]], *arguments: Any) -> dict[str, Any]:
    """Run in a process of its own; returns seconds, peak_mb and what the task told."""
    context = multiprocessing.get_context("spawn")
    mine, theirs = context.Pipe()
    process = context.Process(target=_child, args=(theirs, task, arguments))
    process.start()
    theirs.close()
    told: dict[str, Any] = mine.recv()
    process.join()
    return told


def _peak_mb() -> int:
    """Highest resident memory of this process; unlike getrusage, without what its parent had before exec."""
    line = next(x for x in Path("/proc/self/status").read_text().splitlines() if x.startswith("VmHWM"))
    return round(int(line.split()[1]) / 1024)


def _child(pipe: Any, task: Callable[..., dict[str, Any]], arguments: tuple[Any, ...]) -> None:
    import huitou.analytics.rebuild  # noqa: F401  (both sides start with the libraries loaded)

    started, cpu = time.monotonic(), time.process_time()
    steps = task(*arguments)
    pipe.send(
        {
            "seconds": round(time.monotonic() - started, 2),
            "cpu_seconds": round(time.process_time() - cpu, 2),
            "peak_mb": _peak_mb(),
            "steps": steps,
        }
    )


def compare(folder: Path, memory_mb: int) -> dict[str, int]:
    """Number of rows that only one side has, by table; floats may differ in the last digits."""
    from huitou.analytics.engines import Lake, open_scratch
    from huitou.analytics.tables import TABLES as DECLARED

    lake = Lake(str(folder / "lake"))
    connection = open_scratch(folder / "compare", memory_limit_mb=memory_mb)
    differences = {}
    for name in TABLES:
        files = ", ".join(f"'{f}'" for f in lake.files(name))
        described = connection.execute(f"DESCRIBE SELECT * FROM read_parquet([{files}])").fetchall()
        columns = []
        for field, (_, type_, *_rest) in zip(DECLARED[name].schema, described, strict=True):
            column = f'CAST("{field.name}" AS {type_})'
            if type_ == "DOUBLE":
                column = f"round({column}, 6)"
            elif name == "feat_customers" and not field.nullable:
                column = f"coalesce({column}, CAST(0 AS {type_}))"
            columns.append(column)
        chosen = ", ".join(f"{column} AS c{n}" for n, column in enumerate(columns))
        hashed = f"SELECT hash(columns) AS h FROM (SELECT {chosen} FROM read_parquet({{}})) AS columns"
        ours, theirs = hashed.format(f"[{files}]"), hashed.format(f"'{folder}/by_hand/{name}.parquet'")
        # Rows are told apart by their hash, and counted: a row too many on one side shows as a difference.
        row = connection.execute(
            f"SELECT coalesce(sum(abs(n)), 0) FROM (SELECT h, sum(k) AS n FROM "
            f"(SELECT h, 1 AS k FROM ({ours}) UNION ALL SELECT h, -1 FROM ({theirs})) GROUP BY h HAVING sum(k) <> 0)"
        ).fetchone()
        assert row is not None
        differences[name] = int(row[0])
    connection.close()
    return differences


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--customers", type=int, default=200_000)
    parser.add_argument("--orders", type=int, default=2_000_000)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--memory-mb", type=int, default=4096, help="limit given to the engine on either side")
    parser.add_argument("--folder", type=Path, default=Path("benchmark-data"), help="emptied before and after")
    parser.add_argument("--out", type=Path, help="result file (JSON)")
    given = parser.parse_args()
    folder = given.folder.resolve() / "refresh"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    try:
        make_facts(folder, customers=given.customers, orders=given.orders, seed=given.seed, memory_mb=given.memory_mb)
        by_hand = _measured(run_by_hand, folder, given.memory_mb)
        print(json.dumps(by_hand), flush=True)
        product = _measured(run_product, folder, given.memory_mb)
        print(json.dumps(product), flush=True)
        result = {
            "what": "full refresh against hand-written DuckDB SQL",
            "customers": given.customers,
            "orders": given.orders,
            "seed": given.seed,
            "engine_memory_limit_mb": given.memory_mb,
            "product": product,
            "by_hand": by_hand,
            "ratio": round(product["seconds"] / by_hand["seconds"], 3),
            # Steadier than the clock where other work shares the machine.
            "cpu_ratio": round(product["cpu_seconds"] / by_hand["cpu_seconds"], 3),
            "differing_rows": compare(folder, given.memory_mb),
            "machine": {"cpus": os.cpu_count(), "processor": platform.processor() or platform.machine()},
            "versions": {name: version(name) for name in ("duckdb", "ibis-framework", "deltalake", "pyarrow")}
            | {"python": platform.python_version()},
        }
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    print(json.dumps(result, indent=2))
    if given.out:
        given.out.write_text(json.dumps(result, indent=2) + "\n")


if __name__ == "__main__":
    main()
