"""Parquet files that become files of a lake table as they are: checked, linked into its folder, forced to disk.

Every step may be repeated: a file's name in the table depends only on its batch and its staged name. What a killed
process linked and never committed is no part of the table, and cleaning up old files removes it.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pyarrow.parquet as pq

from huitou.analytics.tables import Table


class LakeWriteError(Exception):
    """Rows do not fit the table's declared schema."""


@dataclass(frozen=True)
class AdoptedFile:
    """One file in the table's folder: path below it, bytes, rows, partition values, last change in Unix ms."""

    path: str
    size: int
    rows: int
    values: dict[str, str]
    modified_ms: int


def partition_values(relative: Path) -> dict[str, str]:
    """Values of the partition columns by the folders above a file: `month=2024-03/x.parquet`."""
    pairs = (part.partition("=") for part in relative.parent.parts)
    return {name: value for name, _equals, value in pairs}


def adopt_files(staged: Path, folder: Path, table: Table, *, prefix: str) -> list[AdoptedFile]:
    """Bring the staged files of one batch into the table's folder, durably; they count once they are committed.

    Raises
    ------
    LakeWriteError
        A file does not have the declared columns and types, or lacks a value that must be there.
    """
    adopted = []
    touched = {folder}
    for source in sorted(staged.rglob("*.parquet")):
        values = partition_values(source.relative_to(staged))
        rows = _check(source, table, values)
        target = folder.joinpath(*source.relative_to(staged).parent.parts) / f"{prefix}-{source.name}"
        target.parent.mkdir(parents=True, exist_ok=True)
        _place(source, target)
        # Cleaning up spares what is young: a file that waited for days in staging must not look abandoned.
        os.utime(target)
        touched.add(target.parent)
        status = target.stat()
        relative = target.relative_to(folder).as_posix()
        adopted.append(AdoptedFile(relative, status.st_size, rows, values, int(status.st_mtime * 1000)))
    for path in touched:
        sync(path)
    return adopted


def _check(source: Path, table: Table, values: dict[str, str]) -> int:
    """Number of rows of a file that fits the table."""
    metadata = pq.read_metadata(source)
    found = metadata.schema.to_arrow_schema()
    declared = [column for column in table.columns if column.name not in table.partition]
    wanted = [(column.name, column.type) for column in declared]
    if set(values) != set(table.partition) or [(field.name, field.type) for field in found] != wanted:
        raise LakeWriteError(f"{source.name} does not have the columns of {table.name}: {found}")
    for index, column in enumerate(declared):
        if not column.nullable and any(_nulls(metadata, group, index) for group in range(metadata.num_row_groups)):
            raise LakeWriteError(f"{source.name} lacks values of {column.name}")
    return int(metadata.num_rows)


def _nulls(metadata: pq.FileMetaData, group: int, index: int) -> int:
    statistics = metadata.row_group(group).column(index).statistics
    return int(statistics.null_count) if statistics is not None and statistics.has_null_count else 0


def _place(source: Path, target: Path) -> None:
    if target.exists() and target.samefile(source):
        return
    fresh = target.with_name(f".{target.name}.part")
    fresh.unlink(missing_ok=True)
    try:
        os.link(source, fresh)
    except OSError:
        # Another file system, or one without links.
        shutil.copyfile(source, fresh)
        sync(fresh)
    fresh.replace(target)
    # Where both are the same file already, replacing does nothing.
    fresh.unlink(missing_ok=True)


def sync(path: Path) -> None:
    """Force a file or folder onto the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def files_below(folder: Path) -> Iterator[Path]:
    """Every file and folder below `folder`, what holds something after what it holds."""
    for path in sorted(folder.iterdir()):
        if path.is_dir():
            yield from files_below(path)
        yield path
