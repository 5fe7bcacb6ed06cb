"""The contract of an engine: Ibis expressions over one snapshot of the lake, kept, published and written back.

What both engines do alike is here; each adds how it reads files, runs an expression and writes files.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Self

import ibis
import pyarrow as pa

from huitou.analytics.engines.lake import Lake
from huitou.analytics.tables import TABLES


class SnapshotGoneError(Exception):
    """The lake has not, or not wholly, the version of `table` that is to be read."""

    def __init__(self, table: str, version: int) -> None:
        super().__init__(f"version {version} of {table} is not in the lake any more")
        self.table = table


class SnapshotOldError(Exception):
    """The files of `table` that are to be read were written before some of its columns were declared."""

    def __init__(self, table: str) -> None:
        super().__init__(f"{table} lacks columns that are declared by now")
        self.table = table


class Engine(ABC):
    """Ibis over one consistent snapshot of the lake. `versions` pins tables; others are read at their newest."""

    def __init__(self, lake: Lake, *, versions: Mapping[str, int] | None = None) -> None:
        self.lake = lake
        self._versions = dict(versions or {})
        self._tables: dict[str, ibis.Table] = {}

    def version(self, name: str) -> int | None:
        """The version that `table(name)` reads, or None where nothing was written yet."""
        pinned = self._versions.get(name)
        return self.lake.version(name) if pinned is None else pinned

    def table(self, name: str) -> ibis.Table:
        """The declared lake table as an Ibis table; without rows where nothing was written yet.

        Raises SnapshotGoneError where a pinned version was removed: that is no table without rows; SnapshotOldError
        where it lacks declared columns, as what an earlier version of the product wrote does.
        """
        if name not in self._tables:
            pinned = self._versions.get(name)
            files = self.lake.files(name) if pinned is None else self.lake.kept_files(name, pinned)
            if files is None:
                raise SnapshotGoneError(name, pinned or 0)
            self._tables[name] = self.read(name, files)
        return self._tables[name]

    def pin(self, name: str, version: int) -> None:
        """Let `table(name)` read that version from now on."""
        self._versions[name] = version
        self._tables.pop(name, None)

    def publish(self, name: str, expression: ibis.Table) -> ibis.Table:
        """Let `table(name)` be this result from now on, computed once, in the declared columns and types."""
        self._tables[name] = self.keep(name, declared(name, expression))
        return self._tables[name]

    def write(self, name: str, expression: ibis.Table, *, keep: Collection[str] = ()) -> tuple[int, int]:
        """Replace the lake table by the result; returns the new version and the number of rows written.

        `keep` names files of any version of the table that are its content besides. From then on `table(name)`
        reads the new version.
        """
        rows = declared(name, expression)
        folder = self.lake.folder(name)
        if folder is None:
            whole = rows.union(self.read(name, sorted(keep))) if keep else rows
            count, version = _counted_overwrite(self.lake, name, self.to_reader(whole))
        else:
            files = self._write_files(rows, folder, TABLES[name].partition)
            count, version = sum(files.values()), self.lake.commit_files(name, files, keep=keep)
        self.pin(name, version)
        return version, count

    @abstractmethod
    def read(self, name: str, files: Sequence[str]) -> ibis.Table:
        """Some files of the declared lake table, in its columns; without rows if there are none."""

    @abstractmethod
    def provide(self, name: str, rows: pa.Table) -> ibis.Table:
        """Let `table(name)` be the given rows from now on."""

    @abstractmethod
    def keep(self, name: str, expression: ibis.Table) -> ibis.Table:
        """The result, computed once; it lies on disk until the engine is closed."""

    @abstractmethod
    def to_pyarrow(self, expression: ibis.Table) -> pa.Table:
        """The whole result in memory: for small results only."""

    @abstractmethod
    def to_reader(self, expression: ibis.Table) -> pa.RecordBatchReader:
        """The result as a stream of batches, in the expression's order."""

    @abstractmethod
    def _write_files(self, rows: ibis.Table, folder: Path, partition: Sequence[str]) -> dict[Path, int]:
        """Write rows as new Parquet files below a lake table's folder; returns the number of rows by file."""

    @abstractmethod
    def close(self) -> None:
        """Give back memory and disk; tables of this engine cannot be read any more."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def loose_schema(name: str) -> ibis.Schema:
    """The declared columns of a lake table as they are read: columns of files count as nullable everywhere."""
    return ibis.schema({column: dtype(nullable=True) for column, dtype in ibis.schema(TABLES[name].schema).items()})


def declared(name: str, expression: ibis.Table) -> ibis.Table:
    """The expression in the declared columns and types of lake table `name`."""
    # Nullability is no part of a cast: an outer join's columns count as nullable wherever they come from.
    return expression.select(**{column: expression[column].cast(dtype) for column, dtype in loose_schema(name).items()})


def _counted_overwrite(lake: Lake, name: str, rows: pa.RecordBatchReader) -> tuple[int, int]:
    count = 0

    def batches() -> Iterable[pa.RecordBatch]:
        nonlocal count
        for batch in rows:
            count += batch.num_rows
            yield batch

    version = lake.overwrite(name, pa.RecordBatchReader.from_batches(rows.schema, batches()))
    return count, version
