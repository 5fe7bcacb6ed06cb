"""Importing an order file against a plain COPY of the same file, in one run on one machine.

    python benchmarks/import.py [--lines 1000000] [--seed 7]

The peer is the least work that any import could do: PostgreSQL's own COPY of the same CSV into one table without an
index, in the same embedded server. Claim: the whole import (reading, checking, identities, exactly-once append to
the lake) takes at most five times as long, and its memory does not grow with the file.
"""

from __future__ import annotations

import argparse
import random
from datetime import UTC, datetime, timedelta
from pathlib import Path
from time import perf_counter

import psycopg

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


def copy_seconds(url: str, path: Path) -> float:
    """Seconds of a plain COPY of the file into one unindexed table, committed."""
    with psycopg.connect(url) as connection:
        connection.execute("DROP TABLE IF EXISTS copied")
        connection.execute(
            "CREATE TABLE copied (order_id text, sku text, product_name text, quantity numeric,"
            " unit_price numeric, paid_at timestamp, customer_id text, channel text)"
        )
        connection.commit()
        started = perf_counter()
        with (
            connection.cursor().copy("COPY copied FROM STDIN (FORMAT csv, HEADER true)") as copy,
            path.open("rb") as file,
        ):
            while block := file.read(1 << 20):
                copy.write(block)
        connection.commit()
        taken = perf_counter() - started
        connection.execute("DROP TABLE copied")
    return taken


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--lines", type=int, default=1_000_000)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--url", required=True, help="PostgreSQL to copy into")
    parser.add_argument("--folder", type=Path, default=Path("/tmp"))
    given = parser.parse_args()
    path = given.folder / f"orders-{given.lines}.csv"
    write_orders(path, lines=given.lines, seed=given.seed)
    print(f"COPY of {given.lines:,} lines: {copy_seconds(given.url, path):.2f} s")


if __name__ == "__main__":
    main()
