"""CSV and TSV: separator and header found, well-formed files read set-wise, broken ones record by record."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from huitou.analytics.engines import Scratch
from huitou.sources.importing.encoding import decoded_lines
from huitou.sources.importing.mapping import count_known_headers, find_column

SEPARATORS = (",", "\t", ";", "|")
_HEAD_LINES = 60
_BATCH_ROWS = 20_000
# A quote that is not closed within so many lines was never meant as one.
_RECORD_LINES = 100
# The quick reader's memory; a line longer than an eighth of it goes the other way.
_READ_BUFFER = 1 << 23
csv.field_size_limit(1 << 24)


@dataclass(frozen=True)
class Layout:
    """Where things stand in a table: header cells, and how many records come before the first row of data."""

    headers: tuple[str, ...]
    header_at: int

    @property
    def width(self) -> int:
        return len(self.headers)


def read_head(path: Path, encoding: str) -> list[str]:
    """The first lines of the file as text."""
    lines: list[str] = []
    for line, _ in decoded_lines(path, encoding):
        lines.append(line)
        if len(lines) == _HEAD_LINES:
            break
    return lines


def detect_separator(lines: Sequence[str]) -> str:
    """The separator that cuts the lines into the most columns in the most even way."""
    best, best_score = ",", 0.0
    for separator in SEPARATORS:
        counts = [len(record) for record in csv.reader(lines, delimiter=separator) if record]
        if not counts or max(counts) < 2:
            continue
        usual = max(set(counts), key=counts.count)
        score = counts.count(usual) / len(counts) * (1 + min(usual, 50) / 100) if usual > 1 else 0
        if score > best_score:
            best, best_score = separator, score
    return best


def find_header(records: Sequence[Sequence[str]], kind: str, wanted: Sequence[str]) -> Layout | None:
    """The header among the first records: where all wanted columns are, else where most headers are known, else the
    first record that is not empty. None if there is none.
    """
    filled = [(i, r) for i, r in enumerate(records) if any(cell.strip() for cell in r)]
    if not filled:
        return None
    at, header = filled[0]
    if wanted and (both := [(i, r) for i, r in filled if all(find_column(r, name) is not None for name in wanted)]):
        at, header = both[0]
    elif (best := max(filled, key=lambda f: (count_known_headers(kind, f[1]), -f[0]))) and (
        count_known_headers(kind, best[1]) >= 2
    ):
        at, header = best
    return Layout(tuple(clean_header(cell) for cell in header), at)


def clean_header(cell: str) -> str:
    """A header without the marks that programs leave in it: byte order mark, tabs, ="...", quotes."""
    text = cell.strip("\ufeff\u200b \t\r\n")
    if text.startswith('="') and text.endswith('"'):
        text = text[2:-1]
    return text.strip("\"'` \t")


def view_fast(scratch: Scratch, table: str, path: Path, separator: str, layout: Layout) -> None:
    """Make `table` a view that reads the UTF-8 file set-wise; reading fails later if a record is malformed.

    Records keep their order, so that a row's position gives its number.
    """
    columns = ", ".join(f"'c{i}': 'VARCHAR'" for i in range(layout.width))
    quoted = str(path).replace("'", "''")
    delimiter = separator.replace("'", "''")
    cells = ", ".join(f"c{i}" for i in range(layout.width))
    scratch.run(
        f"CREATE OR REPLACE VIEW {table} AS SELECT NULL::BIGINT AS file_row, NULL::VARCHAR AS fault, {cells} "
        f"FROM read_csv('{quoted}', auto_detect=false, header=false, skip={layout.header_at + 1}, "
        f"delim='{delimiter}', quote='\"', escape='\"', columns={{{columns}}}, "
        f"buffer_size={_READ_BUFFER}, max_line_size={_READ_BUFFER // 8})"
    )


def load_slow(scratch: Scratch, table: str, path: Path, encoding: str, separator: str, layout: Layout) -> None:
    """Read record by record into `table`, with the number of each: malformed ones are kept and marked as faults."""
    rows = _checked(_records(path, encoding, separator), layout)
    scratch.load(table, batches_of(rows, layout.width))


def _records(path: Path, encoding: str, separator: str) -> Iterator[tuple[list[str], bool]]:
    pending: list[str] = []
    readable = True
    for line, decoded in decoded_lines(path, encoding):
        pending.append(line.replace("\0", ""))
        readable = readable and decoded
        if _is_open(pending, separator):
            if len(pending) < _RECORD_LINES:
                continue
            yield from ((record, readable) for part in pending for record in _parse([part], separator, quoting=False))
        else:
            yield from ((record, readable) for record in _parse(pending, separator))
        pending, readable = [], True
    yield from ((record, readable) for part in pending for record in _parse([part], separator, quoting=False))


def _is_open(lines: list[str], separator: str) -> bool:
    """Whether a cell that began with a quote goes on after these lines."""
    if '"' not in lines[-1] and len(lines) == 1:
        return False
    try:
        list(csv.reader(lines, delimiter=separator, strict=True))
    except csv.Error as error:
        return "unexpected end of data" in str(error)
    return False


def _parse(lines: list[str], separator: str, *, quoting: bool = True) -> list[list[str]]:
    if quoting:
        return [record or [""] for record in csv.reader(lines, delimiter=separator)]
    return [record or [""] for record in csv.reader(lines, delimiter=separator, quoting=csv.QUOTE_NONE)]


def _checked(
    records: Iterator[tuple[list[str], bool]], layout: Layout
) -> Iterator[tuple[int, str | None, Sequence[str | None]]]:
    width = layout.width
    for number, (record, readable) in enumerate(records, start=1):
        if number <= layout.header_at + 1 or not any(cell.strip() for cell in record):
            continue
        while len(record) > width and not record[-1].strip():
            record.pop()
        fault = None if readable else "undecodable"
        if len(record) != width and fault is None:
            fault = "field_count"
        yield number, fault, [*record[:width], *[None] * (width - len(record))]


def batches_of(rows: Iterator[tuple[int, str | None, Sequence[str | None]]], width: int) -> pa.RecordBatchReader:
    """Rows of (number, fault, cells) as a stream of batches: file_row, fault, c0 .. cN."""
    schema = pa.schema(
        [("file_row", pa.int64()), ("fault", pa.string()), *((f"c{i}", pa.string()) for i in range(width))]
    )

    def batches() -> Iterator[pa.RecordBatch]:
        pending: list[tuple[int, str | None, Sequence[str | None]]] = []
        for row in rows:
            pending.append(row)
            if len(pending) == _BATCH_ROWS:
                yield _batch(pending, schema)
                pending = []
        if pending:
            yield _batch(pending, schema)

    return pa.RecordBatchReader.from_batches(schema, batches())


def _batch(rows: list[tuple[int, str | None, Sequence[str | None]]], schema: pa.Schema) -> pa.RecordBatch:
    cells = list(zip(*(row[2] for row in rows), strict=True))
    arrays = [pa.array([row[0] for row in rows], pa.int64()), pa.array([row[1] for row in rows], pa.string())]
    return pa.record_batch([*arrays, *(pa.array(column, pa.string()) for column in cells)], schema=schema)
