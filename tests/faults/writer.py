"""A client for the fault tests: leases the server of a data directory and writes rows until it is killed.

Each number it prints was committed before. A lost server is waited for, as long-lived processes do.
Arguments: data directory, name of this writer.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

import psycopg

from huitou.core.home import Home
from huitou.core.postgres import Lease, acquire

MAKE_TABLE = "CREATE TABLE IF NOT EXISTS written (writer text, number int, PRIMARY KEY (writer, number))"


def write(lease: Lease, writer: str) -> None:
    with psycopg.connect(lease.url, autocommit=True) as connection:
        connection.execute("SELECT pg_advisory_lock(1)")  # CREATE IF NOT EXISTS is no match for a race
        connection.execute(MAKE_TABLE)
        connection.execute("SELECT pg_advisory_unlock(1)")
        found = connection.execute(
            "SELECT coalesce(max(number), 0) FROM written WHERE writer = %s", [writer]
        ).fetchone()
        number = found[0] if found else 0
        while True:
            number += 1
            connection.execute("INSERT INTO written VALUES (%s, %s)", [writer, number])
            sys.stdout.write(f"{number}\n")
            sys.stdout.flush()
            time.sleep(0.001)


def main() -> None:
    lease = acquire(Home(Path(sys.argv[1])))
    while True:
        try:
            write(lease, sys.argv[2])
        except psycopg.Error:
            lease.renew()


if __name__ == "__main__":
    main()
