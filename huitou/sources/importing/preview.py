"""What a person sees of a file before it is imported."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from huitou.analytics.engines import Scratch
from huitou.sources.importing.cells import define_macros
from huitou.sources.importing.examine import Counts, Examined
from huitou.sources.importing.files import open_file
from huitou.sources.importing.mapping import FileMapping, guess_columns
from huitou.sources.importing.options import ImportOptions
from huitou.sources.importing.rejects import write_reject_file
from huitou.sources.importing.staging import preview_rows


@dataclass(frozen=True)
class FileLook:
    """A file before anything is decided: `rows` are the first rows of cells, `guessed` field to column."""

    headers: tuple[str, ...]
    rows: tuple[tuple[str | None, ...], ...]
    guessed: dict[str, str]
    detected: dict[str, Any]


@dataclass(frozen=True)
class Preview:
    """A file as it would be imported. `understood` are the first accepted rows: field to text."""

    headers: tuple[str, ...]
    rows: tuple[tuple[str | None, ...], ...]
    mapping: FileMapping
    understood: list[dict[str, str | None]]
    detected: dict[str, Any]
    counts: Counts
    problems: list[dict[str, Any]]
    warnings: list[dict[str, Any]]


@dataclass(frozen=True)
class DryRun:
    """The report of an import that stored nothing; `reject_path` is empty where nothing was rejected."""

    counts: Counts
    mapping: dict[str, Any]
    detected: dict[str, Any]
    problems: list[dict[str, Any]]
    warnings: list[dict[str, Any]]
    understood: list[dict[str, str | None]]
    reject_path: str


def look_at_file(path: Path, *, kind: str, options: ImportOptions, folder: Path) -> FileLook:
    """Open the file and guess. Raises FileUnreadableError or WorkbookError."""
    with Scratch(folder, memory_limit_mb=256) as scratch:
        define_macros(scratch)
        opened = open_file(scratch, "raw", path, kind=kind, options=options, wanted=[])
        guessed = {name: opened.headers[i] for name, i in guess_columns(kind, opened.headers, taken=set()).items()}
        return FileLook(opened.headers, opened.sample, guessed, opened.detected())


def preview_examined(examined: Examined, limit: int) -> Preview:
    """The preview of a file that was read and checked."""
    return Preview(
        headers=examined.opened.headers,
        rows=examined.opened.sample[:limit],
        mapping=examined.mapping,
        understood=preview_rows(examined, limit),
        detected=examined.detected(),
        counts=examined.counts,
        problems=examined.problems,
        warnings=examined.warnings,
    )


def run_dry(examined: Examined, reject_path: Path) -> DryRun:
    """The report of a file that was read and checked; rejected rows are written to `reject_path`."""
    if examined.counts.rejected:
        write_reject_file(examined.scratch, examined.mapping, examined.row_number, reject_path)
    return DryRun(
        counts=examined.counts,
        mapping=examined.mapping.to_json(),
        detected=examined.detected(),
        problems=examined.problems,
        warnings=examined.warnings,
        understood=preview_rows(examined, 10),
        reject_path=str(reject_path) if examined.counts.rejected else "",
    )
