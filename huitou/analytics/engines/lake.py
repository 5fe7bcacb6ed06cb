"""Where facts lie and how they get in: one Delta table per declared lake table, read by snapshots."""

from __future__ import annotations

import json
import shutil
import time
from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from datetime import timedelta
from pathlib import Path
from urllib.parse import unquote

import pyarrow as pa
import pyarrow.parquet as pq
from deltalake import CommitProperties, DeltaTable, Transaction, WriterProperties, write_deltalake
from deltalake.exceptions import DeltaError, TableNotFoundError
from deltalake.transaction import AddAction, RemoveAction

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
_COMPACTED_BYTES = 128 * 1024 * 1024


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

    def files(self, table: str) -> list[str]:
        """Parquet files of the newest snapshot, in a fixed order; empty if there is no table."""
        opened = self._open(table)
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

    def identity(self, table: str) -> str | None:
        """What tells the table from one of the same name that was dropped; None before its first write."""
        opened = self._open(table)
        return None if opened is None else str(opened.metadata().id)

    def kept_files(self, table: str, version: int) -> list[str] | None:
        """Files of one version; None if there is no such version any more, or if one is gone from this machine."""
        try:
            opened = self._open(table, version)
        except DeltaError:
            return None
        files = [] if opened is None else sorted(opened.file_uris())
        is_whole = opened is not None and ("://" in self.url or all(Path(file).exists() for file in files))
        return files if is_whole else None

    def added_files(self, table: str, since: int, until: int) -> list[str] | None:
        """Files that brought rows after version `since`, up to `until`; None if they do not tell all that has changed.

        They do not where rows have gone, or where the log or a file is not there any more. Files that were only
        written together since bring what they brought: the rows are the same.
        """
        folder, found = Path(self._uri(table)), set()
        for version in range(since + 1, until + 1):
            try:
                log = (folder / "_delta_log" / f"{version:020}.json").read_text()
            except FileNotFoundError:
                return None
            for action in map(json.loads, log.splitlines()):
                if action.get("remove", {}).get("dataChange"):
                    return None
                if action.get("add", {}).get("dataChange"):
                    found.add(str(folder / unquote(action["add"]["path"])))
        return sorted(found) if since <= until and all(Path(file).exists() for file in found) else None

    def commit_files(self, table: str, files: Mapping[Path, int], *, keep: Collection[str] = ()) -> int:
        """Make files in the table's folder its whole content, in one transaction; returns the new version.

        Parameters
        ----------
        table
            Lies on this machine.
        files
            Number of rows by new Parquet file, below the folders of their partitions. Files of a process that dies
            before this are no part of the table.
        keep
            Files of an earlier version that stay, or are taken back, as `files` lists them.
        """
        opened = self._open(table) or self._make(table)
        folder = Path(self._uri(table))
        wanted = {path.relative_to(folder).as_posix(): rows for path, rows in files.items()}
        wanted |= {Path(path).relative_to(folder).as_posix(): -1 for path in keep}
        present = {Path(path).relative_to(folder).as_posix() for path in opened.file_uris()}
        # The moment of removal only decides how long the old file is spared.
        now_ms = time.time_ns() // 1_000_000
        actions: list[AddAction | RemoveAction] = [
            RemoveAction(path, True, now_ms, partition_values=dict(partition_values(Path(path))))
            for path in sorted(present - set(wanted))
        ]
        actions += [_addition(folder, path, wanted[path]) for path in sorted(set(wanted) - present)]
        spec = TABLES[table]
        opened.create_write_transaction(
            actions, mode="append", schema=opened.schema(), partition_by=list(spec.partition) or None
        )
        version = self.version(table)
        assert version is not None, "a table that was just written exists"
        return version

    def scattered(self, table: str, *, small_bytes: int, at_least: int) -> list[str]:
        """Partitions that hold at least so many files smaller than that, as values of the table's one partition."""
        opened, spec = self._open(table), TABLES[table]
        if opened is None or len(spec.partition) != 1:
            return []
        actions = pa.table(opened.get_add_actions(flatten=True))
        sizes, values = actions["size_bytes"].to_pylist(), actions[f"partition.{spec.partition[0]}"].to_pylist()
        small = Counter(value for size, value in zip(sizes, values, strict=True) if size < small_bytes)
        return sorted(value for value, count in small.items() if count >= at_least)

    def compact(self, table: str, value: str) -> int:
        """Write one partition's files anew as few large ones, the same rows; returns the new version.

        The caller holds the table's writer lock. Snapshots taken before stay readable.
        """
        opened, spec = self._open(table), TABLES[table]
        assert opened is not None, "only a table that is there has partitions"
        opened.optimize.compact(
            partition_filters=[(spec.partition[0], "=", value)],
            target_size=_COMPACTED_BYTES,
            writer_properties=_WRITER,
        )
        version = self.version(table)
        assert version is not None, "a table that was just written exists"
        return version

    def widen(self, table: str) -> bool:
        """Give a table that an earlier version made the columns declared since, empty; whether there were any.

        The table is written anew in one transaction, so that all files of a snapshot have the same columns. The
        caller holds the table's writer lock.
        """
        opened, spec = self._open(table), TABLES[table]
        if opened is None:
            return False
        present = {field.name for field in opened.schema().fields}
        if not (missing := [column for column in spec.columns if column.name not in present]):
            return False
        assert all(column.nullable for column in missing), "rows that are there have no value for a new column"
        rows = opened.to_pyarrow_dataset().scanner(batch_size=65_536).to_reader()

        def batches() -> Iterable[pa.RecordBatch]:
            for batch in rows:
                whole = batch
                for column in missing:
                    whole = whole.append_column(column.name, pa.nulls(len(batch), column.type))
                yield whole.select(spec.schema.names).cast(spec.schema)

        write_deltalake(
            opened,
            pa.RecordBatchReader.from_batches(spec.schema, batches()),
            mode="overwrite",
            schema_mode="overwrite",
            partition_by=list(spec.partition) or None,
            storage_options=self._options,
            writer_properties=_WRITER,
        )
        return True

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


def _addition(folder: Path, path: str, rows: int) -> AddAction:
    """The entry of one file of a table; `rows` below 0 are looked up in it."""
    status = (folder / path).stat()
    rows = rows if rows >= 0 else pq.read_metadata(folder / path).num_rows
    return AddAction(
        path=path,
        size=status.st_size,
        partition_values=partition_values(Path(path)),
        modification_time=int(status.st_mtime * 1000),
        data_change=True,
        stats=json.dumps({"numRecords": rows}),
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
