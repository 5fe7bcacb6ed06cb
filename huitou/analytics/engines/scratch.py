"""A DuckDB of one job's own: set-wise work on files that must not grow with its input in memory."""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa


def open_scratch(
    folder: Path, *, memory_limit_mb: int = 2048, threads: int | None = None, database: str = ":memory:"
) -> duckdb.DuckDBPyConnection:
    """A DuckDB of its own for one job, spilling into `folder`; no extension is ever downloaded."""
    folder.mkdir(parents=True, exist_ok=True)
    config: dict[str, str | bool | int | float | list[str]] = {
        "memory_limit": f"{memory_limit_mb}MB",
        "temp_directory": str(folder),
        "autoinstall_known_extensions": False,
        "autoload_known_extensions": False,
    }
    if threads:
        config["threads"] = threads
    connection = duckdb.connect(database, config=config)
    connection.execute("SET TimeZone = 'UTC'")
    return connection


class Scratch:
    """A DuckDB file of one job's own, below `folder`: set-wise work that must not grow with its input in memory.

    The file and its spills are removed when the block ends.
    """

    # What every refusal of the database is, for callers that can do something about one.
    error = duckdb.Error

    def __init__(self, folder: Path, *, memory_limit_mb: int = 512, threads: int | None = None) -> None:
        self.folder = folder
        self._path = folder / f"scratch-{os.getpid()}-{id(self)}.duckdb"
        self._connection = open_scratch(
            folder, memory_limit_mb=memory_limit_mb, threads=threads, database=str(self._path)
        )
        # Short-lived tables: packing them costs more than reading them plain once or twice.
        self._connection.execute("PRAGMA force_compression = 'uncompressed'")

    def __enter__(self) -> Scratch:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def run(self, sql: str, parameters: Sequence[object] | None = None) -> None:
        """Execute one statement for its effect."""
        self._connection.execute(sql, parameters)

    def rows(self, sql: str, parameters: Sequence[object] | None = None) -> list[tuple[Any, ...]]:
        """Every row of the result: for small results only."""
        return self._connection.execute(sql, parameters).fetchall()

    def row(self, sql: str, parameters: Sequence[object] | None = None) -> tuple[Any, ...]:
        """The one row of the result."""
        found = self._connection.execute(sql, parameters).fetchone()
        assert found is not None, "the query returns one row"
        return found

    def batches(self, sql: str, parameters: Sequence[object] | None = None) -> pa.RecordBatchReader:
        """The result as a stream of batches."""
        return self._connection.execute(sql, parameters).to_arrow_reader(65_536)

    def load(self, table: str, batches: pa.RecordBatchReader) -> None:
        """Make `table` from a stream of batches."""
        self._connection.register("incoming_batches", batches)
        try:
            self._connection.execute(f"CREATE OR REPLACE TABLE {table} AS SELECT * FROM incoming_batches")
        finally:
            self._connection.unregister("incoming_batches")

    def try_run(self, sql: str) -> str | None:
        """Execute a statement that outside data may make impossible; returns why it was, or None."""
        try:
            self._connection.execute(sql)
        except duckdb.Error as error:
            return str(error)
        return None

    def close(self) -> None:
        self._connection.close()
        for path in self.folder.glob(self._path.name + "*"):
            path.unlink(missing_ok=True)


def sweep_scratch(folder: Path) -> None:
    """Remove what engines of killed processes left below `folder`."""
    for left in folder.glob("engine-*-*"):
        try:
            os.kill(int(left.name.split("-")[1]), 0)
        except ProcessLookupError:
            shutil.rmtree(left, ignore_errors=True)
        except PermissionError:
            continue  # somebody else's process, alive
