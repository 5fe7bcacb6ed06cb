"""The only file that knows DuckDB and Delta Lake: where facts lie, how they get in, and what computes over them."""

from __future__ import annotations

import json
import os
import shutil
import uuid
from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import duckdb
import ibis
import pyarrow as pa
import pyarrow.parquet as pq
from deltalake import CommitProperties, DeltaTable, Transaction, WriterProperties, write_deltalake
from deltalake.exceptions import TableNotFoundError
from deltalake.transaction import AddAction, RemoveAction
from ibis.backends.sql.datatypes import DuckDBType

from huitou.analytics.adoption import LakeWriteError as LakeWriteError
from huitou.analytics.adoption import adopt_files, partition_values
from huitou.analytics.tables import TABLES

# Old snapshots stay readable this long; no query of ours runs for a week.
_RETENTION = timedelta(days=7)
_CONFIGURATION = {
    "delta.deletedFileRetentionDuration": f"interval {_RETENTION.days} days",
    "delta.logRetentionDuration": "interval 30 days",
    # Column statistics hold raw values; only keys and times may leave them.
    "delta.dataSkippingNumIndexedCols": "0",
}
_WRITER = WriterProperties(compression="ZSTD", compression_level=3)


class Lake:
    """The facts of one deployment: one Delta table per declared lake table, below `url`."""

    def __init__(self, url: str, storage_options: Mapping[str, str] | None = None) -> None:
        self.url = url.rstrip("/")
        self._options = dict(storage_options or {}) or None

    def _uri(self, table: str) -> str:
        return f"{self.url}/{table}"

    def _open(self, table: str, version: int | None = None) -> DeltaTable | None:
        try:
            return DeltaTable(self._uri(table), version=version, storage_options=self._options)
        except TableNotFoundError:
            return None

    def version(self, table: str) -> int | None:
        """The table's newest version, or None before its first write."""
        opened = self._open(table)
        return None if opened is None else opened.version()

    def files(self, table: str, version: int | None = None) -> list[str]:
        """Parquet files of one snapshot (the newest by default), in a fixed order; empty if there is no table."""
        opened = self._open(table, version)
        return [] if opened is None else sorted(opened.file_uris())

    def append(self, table: str, staged: Path, *, transaction_id: str) -> int:
        """Append the Parquet files in `staged` once; returns the version that holds them.

        Files in folders named as the table's partitions (`month=2024-03`) become files of the table as they are,
        where the lake lies on this machine; others are written anew.

        The table remembers `transaction_id`: a batch it knows is not written again. The caller holds the
        table's writer lock; should it not, the concurrent duplicate fails with a commit error.

        Raises
        ------
        LakeWriteError
            The staged rows do not have the declared columns and types.
        """
        spec = TABLES[table]
        opened = self._open(table)
        if opened is not None and opened.transaction_version(transaction_id) is not None:
            return opened.version()
        opened = opened or self._make(table)
        once = CommitProperties(app_transactions=[Transaction(transaction_id, 1)])
        if "://" not in self.url and all("=" in path.name for path in staged.iterdir()):
            opened.create_write_transaction(
                [
                    AddAction(
                        path=file.path,
                        size=file.size,
                        partition_values=dict(file.values),
                        modification_time=file.modified_ms,
                        data_change=True,
                        stats=json.dumps({"numRecords": file.rows}),
                    )
                    for file in adopt_files(staged, Path(self._uri(table)), spec, prefix=transaction_id)
                ],
                mode="append",
                schema=opened.schema(),
                partition_by=list(spec.partition),
                commit_properties=once,
            )
        else:
            write_deltalake(
                opened,
                _staged_reader(staged, spec.schema),
                mode="append",
                partition_by=list(spec.partition) or None,
                storage_options=self._options,
                writer_properties=_WRITER,
                commit_properties=once,
            )
        version = self.version(table)
        assert version is not None, "a table that was just written exists"
        return version

    def overwrite(self, table: str, rows: pa.RecordBatchReader) -> int:
        """Replace the table's rows in one transaction; returns the new version. Older versions stay readable."""
        spec = TABLES[table]
        write_deltalake(
            self._open(table) or self._make(table),
            _cast(rows, spec.schema),
            mode="overwrite",
            partition_by=list(spec.partition) or None,
            storage_options=self._options,
            writer_properties=_WRITER,
        )
        version = self.version(table)
        assert version is not None, "a table that was just written exists"
        return version

    def drop(self, table: str) -> None:
        """Delete the table with all its versions and remembered transactions; nothing to do if it is not there."""
        opened = self._open(table)
        if opened is None:
            return
        if "://" in self.url:
            opened.delete()
            opened.vacuum(retention_hours=0, dry_run=False, enforce_retention_duration=False)
        else:
            shutil.rmtree(self._uri(table))

    def folder(self, table: str) -> Path | None:
        """Where an engine on this machine may put files of the table itself; None where the lake is remote."""
        if "://" in self.url:
            return None
        self._make(table)
        return Path(self._uri(table))

    def replace_files(self, table: str, files: Mapping[Path, int]) -> int:
        """Make the given files, already in the table's folder, its whole content; returns the new version.

        Parameters
        ----------
        table
            Without partition columns.
        files
            Number of rows by Parquet file. Files of a process that dies before this are no part of the table.
        """
        spec = TABLES[table]
        assert not spec.partition, "files of a partitioned table would need their values"
        opened = self._open(table) or self._make(table)
        actions: list[AddAction | RemoveAction] = [
            AddAction(
                path=file.name,
                size=file.stat().st_size,
                partition_values={},
                modification_time=int(file.stat().st_mtime * 1000),
                data_change=True,
                stats=json.dumps({"numRecords": rows}),
            )
            for file, rows in files.items()
        ]
        opened.create_write_transaction(actions, mode="overwrite", schema=opened.schema())
        version = self.version(table)
        assert version is not None, "a table that was just written exists"
        return version

    def forget_old(self, table: str) -> None:
        """Delete files that no snapshot younger than the retention needs, those of killed writers included."""
        opened = self._open(table)
        if opened is not None:
            opened.vacuum(retention_hours=int(_RETENTION.total_seconds() // 3600), dry_run=False, full=True)

    def _make(self, table: str) -> DeltaTable:
        spec = TABLES[table]
        if "://" not in self.url:
            Path(self._uri(table)).mkdir(parents=True, exist_ok=True)
        return DeltaTable.create(
            self._uri(table),
            schema=spec.schema,
            mode="ignore",
            partition_by=list(spec.partition) or None,
            configuration=_CONFIGURATION,
            storage_options=self._options,
        )


def _staged_reader(folder: Path, schema: pa.Schema) -> pa.RecordBatchReader:
    paths = sorted(folder.rglob("*.parquet"))

    def whole(batch: pa.RecordBatch, values: Mapping[str, str]) -> pa.RecordBatch:
        for name, value in values.items():
            batch = batch.append_column(name, pa.array([value] * batch.num_rows, pa.string()))
        return batch

    def batches() -> Iterable[pa.RecordBatch]:
        for path in paths:
            with pq.ParquetFile(path) as file:
                for batch in file.iter_batches(batch_size=65_536):
                    yield whole(batch, partition_values(path.relative_to(folder)))

    first = schema
    if paths:
        empty = pa.RecordBatch.from_pylist([], schema=pq.read_schema(paths[0]))
        first = whole(empty, partition_values(paths[0].relative_to(folder))).schema
    return _cast(pa.RecordBatchReader.from_batches(first, batches()), schema)


def _cast(rows: pa.RecordBatchReader, schema: pa.Schema) -> pa.RecordBatchReader:
    missing = set(schema.names) - set(rows.schema.names)
    if missing:
        raise LakeWriteError(f"columns missing: {', '.join(sorted(missing))}")

    def batches() -> Iterable[pa.RecordBatch]:
        for batch in rows:
            yield batch.select(schema.names).cast(schema)

    return pa.RecordBatchReader.from_batches(schema, batches())


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


class Engine:
    """Ibis over one consistent snapshot of the lake. `versions` pins tables; others are read at their newest."""

    def __init__(
        self,
        lake: Lake,
        *,
        scratch: Path,
        versions: Mapping[str, int] | None = None,
        memory_limit_mb: int = 4096,
    ) -> None:
        self.lake = lake
        self._versions = dict(versions or {})
        self._scratch = scratch / f"engine-{os.getpid()}-{uuid.uuid4().hex}"
        self._connection = open_scratch(self._scratch, memory_limit_mb=memory_limit_mb)
        # Rows of a table have no order: keeping one would cost memory.
        self._connection.execute("SET preserve_insertion_order = false")
        self._backend = ibis.duckdb.from_connection(self._connection)
        self._tables: dict[str, ibis.Table] = {}
        self._kept = 0

    def table(self, name: str) -> ibis.Table:
        """The declared lake table as an Ibis table; without rows where nothing was written yet."""
        if name not in self._tables:
            spec = TABLES[name]
            files = self.lake.files(name, self._versions.get(name))
            if files:
                columns = ", ".join(f'"{c.name}"' for c in spec.columns)
                hive = ", ".join(f"{p}: VARCHAR" for p in spec.partition)
                options = f", hive_partitioning=true, hive_types={{{hive}}}" if spec.partition else ""
                listed = ", ".join(_quoted(f) for f in files)
                self._connection.execute(
                    f"CREATE OR REPLACE TEMP VIEW {name} AS SELECT {columns} FROM read_parquet([{listed}]{options})"
                )
                self._tables[name] = self._backend.table(name)
            else:
                # Columns read from files count as nullable; those of a table without rows must not differ.
                schema = ibis.schema({c: dtype(nullable=True) for c, dtype in ibis.schema(spec.schema).items()})
                self._tables[name] = self._backend.create_table(name, schema=schema, temp=True)
        return self._tables[name]

    def provide(self, name: str, rows: pa.Table) -> ibis.Table:
        """Let `table(name)` be the given rows from now on."""
        path = self._next_file(name)
        pq.write_table(rows.cast(TABLES[name].schema), path)
        self._tables[name] = self._view(name, path)
        return self._tables[name]

    def publish(self, name: str, expression: ibis.Table) -> ibis.Table:
        """Let `table(name)` be this result from now on, computed once, in the declared columns and types."""
        self._tables[name] = self.keep(name, _declared(name, expression))
        return self._tables[name]

    def keep(self, name: str, expression: ibis.Table) -> ibis.Table:
        """The result, computed once; it lies on disk until the engine is closed."""
        path = self._next_file(name)
        self._copy(expression, path, "COMPRESSION lz4_raw")
        return self._view(name, path)

    def _next_file(self, name: str) -> Path:
        self._kept += 1
        return self._scratch / f"{self._kept:03d}-{name}.parquet"

    def _view(self, name: str, path: Path) -> ibis.Table:
        view = f"kept_{self._kept:03d}_{name}"
        self._connection.execute(f"CREATE TEMP VIEW {view} AS SELECT * FROM read_parquet({_quoted(str(path))})")
        return self._backend.table(view)

    def write(self, name: str, expression: ibis.Table) -> tuple[int, int]:
        """Replace the lake table by the result; returns the new version and the number of rows.

        From then on `table(name)` reads that version.
        """
        rows = _declared(name, expression)
        folder = self.lake.folder(name)
        if folder is None or TABLES[name].partition:
            count, version = _counted_overwrite(self.lake, name, self.to_reader(rows))
        else:
            path = folder / f"part-{uuid.uuid4().hex}.parquet"
            count = self._copy(rows, path, "COMPRESSION zstd, COMPRESSION_LEVEL 1")
            version = self.lake.replace_files(name, {path: count})
        self._versions[name] = version
        self._tables.pop(name, None)
        return version, count

    def _copy(self, expression: ibis.Table, path: Path, compression: str) -> int:
        options = f"FORMAT parquet, {compression}"
        done = self._connection.execute(
            f"COPY ({self._typed_query(expression)}) TO {_quoted(str(path))} ({options})"
        ).fetchone()
        assert done is not None, "COPY answers with the number of rows"
        return int(done[0])

    def _typed_query(self, expression: ibis.Table) -> str:
        """SQL whose columns have the expression's types: DuckDB sums into wider integers than Ibis declares."""
        types = {name: DuckDBType.to_string(dtype) for name, dtype in expression.schema().items()}
        columns = ", ".join(f'CAST("{name}" AS {type_}) AS "{name}"' for name, type_ in types.items())
        return f"SELECT {columns} FROM ({self._backend.compile(expression)})"

    def to_pyarrow(self, expression: ibis.Table) -> pa.Table:
        """The whole result in memory: for small results only."""
        return self._backend.to_pyarrow(expression)

    def to_reader(self, expression: ibis.Table) -> pa.RecordBatchReader:
        """The result as a stream of batches."""
        return self._connection.execute(self._typed_query(expression)).to_arrow_reader(65_536)

    def __enter__(self) -> Engine:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._connection.close()
        shutil.rmtree(self._scratch, ignore_errors=True)


def sweep_scratch(folder: Path) -> None:
    """Remove what engines of killed processes left below `folder`."""
    for left in folder.glob("engine-*-*"):
        try:
            os.kill(int(left.name.split("-")[1]), 0)
        except ProcessLookupError:
            shutil.rmtree(left, ignore_errors=True)
        except PermissionError:
            continue  # somebody else's process, alive


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _declared(name: str, expression: ibis.Table) -> ibis.Table:
    """The expression in the declared columns and types of lake table `name`."""
    schema = ibis.schema(TABLES[name].schema)
    # Nullability is no part of a cast: an outer join's columns count as nullable wherever they come from.
    return expression.select(
        **{column: expression[column].cast(dtype(nullable=True)) for column, dtype in schema.items()}
    )


def _counted_overwrite(lake: Lake, name: str, rows: pa.RecordBatchReader) -> tuple[int, int]:
    count = 0

    def batches() -> Iterable[pa.RecordBatch]:
        nonlocal count
        for batch in rows:
            count += batch.num_rows
            yield batch

    version = lake.overwrite(name, pa.RecordBatchReader.from_batches(rows.schema, batches()))
    return count, version
