"""Any file as one table of text cells, `raw`: file_row (or NULL), fault (or NULL), c0 .. cN."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path

from django.utils.translation import gettext as _

from huitou.analytics.engines import Scratch
from huitou.core.errors import DomainError
from huitou.sources.importing import encoding as encodings
from huitou.sources.importing.delimited import (
    Layout,
    batches_of,
    clean_header,
    detect_separator,
    find_header,
    load_slow,
    read_head,
    view_fast,
)
from huitou.sources.importing.mapping import count_known_headers, find_column
from huitou.sources.importing.options import ImportOptions
from huitou.sources.importing.workbooks import check_sheet, sheet_names, sheet_rows

WORKBOOKS = (".xlsx", ".xlsm", ".xls", ".xlsb", ".ods")
PARQUET = (".parquet", ".pq")
_HEAD_ROWS = 30
_SEPARATOR_NAMES = {"tab": "\t", "\\t": "\t", "comma": ",", "semicolon": ";", "pipe": "|"}


class FileUnreadableError(DomainError):
    """The file is not what its name says, is empty, or cannot be read."""

    code = "file_unreadable"


@dataclass(frozen=True)
class OpenedFile:
    """How a file is read. `first_row` is the number people see on the first row of data where rows are counted by
    position; `sample` holds the first rows of cells.
    """

    path: Path
    format: str
    headers: tuple[str, ...]
    first_row: int
    sha256: str
    size: int
    encoding: str = ""
    separator: str = ""
    sheet: str = ""
    header_row: int = 1
    sample: tuple[tuple[str | None, ...], ...] = field(default=())
    sheets: tuple[str, ...] = ()

    def detected(self) -> dict[str, object]:
        """What was found out, for previews and reports."""
        found: dict[str, object] = {"format": self.format, "header_row": self.header_row, "headers": list(self.headers)}
        for name in ("encoding", "separator", "sheet"):
            if getattr(self, name):
                found[name] = getattr(self, name)
        if len(self.sheets) > 1:
            found["sheets"] = list(self.sheets)
        return found


def not_a_table(path: Path) -> FileUnreadableError:
    """The refusal of a file that holds no table in text."""
    return FileUnreadableError(
        _("%(name)s is no table that can be read. Export it again as CSV, Excel or Parquet.") % {"name": path.name}
    )


def open_file(
    scratch: Scratch, table: str, path: Path, *, kind: str, options: ImportOptions, wanted: Sequence[str]
) -> OpenedFile:
    """Make `table` from the file, whatever its format. Raises FileUnreadableError.

    `wanted` are columns that the mapping names: they tell the header row from titles above it.
    """
    if not path.is_file():
        raise FileUnreadableError(_("There is no file %(path)s.") % {"path": path})
    scan = encodings.scan_file(path)
    if not scan.size:
        raise FileUnreadableError(_("%(name)s is empty.") % {"name": path.name})
    with path.open("rb") as file:
        magic = file.read(8)
    if magic[:4] == b"PAR1" or path.suffix.lower() in PARQUET:
        return _open_parquet(scratch, table, path, scan)
    if magic[:4] == b"PK\x03\x04" or magic == b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1":
        return _open_workbook(scratch, table, path, scan, kind, options, wanted)
    if encodings.is_binary(path, scan):
        raise not_a_table(path)
    if scan.has_only_cr and not scan.has_nul:
        plain = scratch.folder / f"{table}.{path.stem}.lines.csv"
        encodings.end_lines_plainly(path, plain)
        scan = replace(encodings.scan_file(plain), sha256=scan.sha256)
        path = plain
    return _open_text(scratch, table, path, scan, kind, options, wanted)


def _open_parquet(scratch: Scratch, table: str, path: Path, scan: encodings.FileScan) -> OpenedFile:
    source = f"read_parquet('{str(path).replace(chr(39), chr(39) * 2)}')"
    if reason := scratch.try_run(f"CREATE OR REPLACE VIEW parquet_file AS SELECT * FROM {source}"):
        raise FileUnreadableError(
            _("%(name)s is not a readable Parquet file: %(reason)s.") % {"name": path.name, "reason": reason}
        )
    columns = scratch.rows("SELECT column_name, column_type FROM (DESCRIBE parquet_file)")
    cells = ", ".join(f"{_as_text(name, kind)} AS c{i}" for i, (name, kind) in enumerate(columns))
    scratch.run(
        f"CREATE OR REPLACE VIEW {table} AS"
        f" SELECT NULL::BIGINT AS file_row, NULL::VARCHAR AS fault, {cells} FROM parquet_file"
    )
    headers = tuple(clean_header(name) for name, _kind in columns)
    opened = OpenedFile(path, "parquet", headers, 1, scan.sha256, scan.size, header_row=0)
    return replace(opened, sample=_sample(scratch, table, len(headers)))


def _as_text(name: str, kind: str) -> str:
    """A Parquet column as text: whole numbers without a point, other doubles in the fewest digits that are exact."""
    column = '"' + name.replace('"', '""') + '"'
    if kind not in ("DOUBLE", "FLOAT"):
        return f"CAST({column} AS VARCHAR)"
    return (
        f"CASE WHEN isnan({column}) THEN NULL"
        f" WHEN abs({column}) >= 1e15 THEN format('{{:.5E}}', CAST({column} AS DOUBLE))"
        f" WHEN {column} = trunc({column}) THEN CAST(CAST({column} AS BIGINT) AS VARCHAR)"
        f" ELSE CAST({column} AS VARCHAR) END"
    )


def _open_workbook(
    scratch: Scratch,
    table: str,
    path: Path,
    scan: encodings.FileScan,
    kind: str,
    options: ImportOptions,
    wanted: Sequence[str],
) -> OpenedFile:
    names = sheet_names(path)
    sheet = check_sheet(names, options.sheet) or _fitting_sheet(path, names, kind, wanted)
    layout = find_header(_sheet_head(path, sheet), kind, wanted)
    if layout is None:
        raise FileUnreadableError(_("Sheet %(sheet)s of %(name)s is empty.") % {"sheet": sheet, "name": path.name})
    scratch.load(table, batches_of(_sheet_records(path, sheet, layout), layout.width))
    opened = OpenedFile(path, "excel", layout.headers, layout.header_at + 2, scan.sha256, scan.size, sheet=sheet)
    return replace(
        opened, header_row=layout.header_at + 1, sample=_sample(scratch, table, layout.width), sheets=tuple(names)
    )


def _sheet_head(path: Path, sheet: str) -> list[list[str]]:
    return [[cell or "" for cell in row] for row in islice(sheet_rows(path, sheet), _HEAD_ROWS)]


def _fitting_sheet(path: Path, names: Sequence[str], kind: str, wanted: Sequence[str]) -> str:
    """The first sheet that has the wanted columns, else the one whose header we know best, else the first of all:
    many workbooks begin with a sheet of notes.
    """
    if len(names) == 1:
        return names[0]
    best, most = names[0], 1
    for name in names:
        layout = find_header(_sheet_head(path, name), kind, wanted)
        if layout is None:
            continue
        if wanted and all(find_column(layout.headers, column) is not None for column in wanted):
            return name
        known = count_known_headers(kind, layout.headers)
        if known > most:
            best, most = name, known
    return best


def _sheet_records(path: Path, sheet: str, layout: Layout) -> Iterator[tuple[int, str | None, Sequence[str | None]]]:
    width = layout.width
    for number, row in enumerate(sheet_rows(path, sheet), start=1):
        if number > layout.header_at + 1 and any(cell and cell.strip() for cell in row):
            yield number, None, [*row[:width], *[None] * (width - len(row))]


def _open_text(
    scratch: Scratch,
    table: str,
    path: Path,
    scan: encodings.FileScan,
    kind: str,
    options: ImportOptions,
    wanted: Sequence[str],
) -> OpenedFile:
    encoding = options.encoding or encodings.detect_encoding(path, scan)
    lines = _head(path, encoding)
    separator = _SEPARATOR_NAMES.get(options.separator, options.separator) or detect_separator(lines)
    layout = find_header(list(_records(lines, separator)), kind, wanted)
    if layout is None:
        raise FileUnreadableError(_("%(name)s has no header row.") % {"name": path.name})
    opened = OpenedFile(
        path,
        "csv",
        layout.headers,
        layout.header_at + 2,
        scan.sha256,
        scan.size,
        encoding=encoding,
        separator=separator,
        header_row=layout.header_at + 1,
    )
    plain = path if encoding in (encodings.UTF8, encodings.UTF8_BOM) and scan.is_utf8 else None
    if plain is None and encoding != encodings.MIXED:
        target = scratch.folder / f"{table}.utf8.csv"
        plain = target if encodings.transcode(path, encoding, target) else None
    # Blank lines would shift the row numbers of the quick reader; a header over several lines would be cut.
    simple_head = not any('"' in line and line.count('"') % 2 for line in lines[: layout.header_at + 1])
    if plain is None or scan.has_blank_lines or scan.has_nul or not simple_head:
        load_slow(scratch, table, path, encoding, separator, layout)
    else:
        view_fast(scratch, table, plain, separator, layout)
        if scratch.try_run(f"SELECT * FROM {table} LIMIT 100") is not None:
            scratch.run(f"DROP VIEW {table}")
            load_slow(scratch, table, path, encoding, separator, layout)
    return replace(opened, sample=_sample(scratch, table, layout.width))


def reread_slowly(scratch: Scratch, table: str, opened: OpenedFile) -> None:
    """Read a text file again record by record, after the quick reader met a malformed record."""
    scratch.run(f"DROP VIEW IF EXISTS {table}")
    layout = Layout(opened.headers, opened.header_row - 1)
    load_slow(scratch, table, opened.path, opened.encoding, opened.separator, layout)


def _head(path: Path, encoding: str) -> list[str]:
    try:
        return read_head(path, encoding)
    except LookupError as error:
        raise FileUnreadableError(_("There is no encoding named %(name)s.") % {"name": encoding}) from error


def _records(lines: Sequence[str], separator: str) -> Iterator[list[str]]:
    yield from csv.reader(lines, delimiter=separator)


def _sample(scratch: Scratch, table: str, width: int) -> tuple[tuple[str | None, ...], ...]:
    cells = ", ".join(f"c{i}" for i in range(width))
    return tuple(scratch.rows(f"SELECT {cells} FROM {table} LIMIT 20"))
