"""Features as a file: one row per customer, with the shop's own customer number beside our person."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as compute
import pyarrow.csv as pc
import pyarrow.parquet as pq
from django.db import connection
from django.utils.translation import gettext_lazy as _

from huitou.accounts.queries import get_brand
from huitou.core.clock import day_start
from huitou.core.errors import DomainError
from huitou.core.spreadsheets import safe_cell
from huitou.orders import sql
from huitou.orders.snapshot import features_as_of, get_last_refresh, open_engine_of

# Letters of any script and digits begin no formula.
_SIGN = r"^[^\p{L}\p{N}]"


class ExportError(DomainError):
    """The file or the date asked for cannot be."""

    code = "cannot_export"


@dataclass(frozen=True)
class Exported:
    """What was written, and as of which instant (in the brand's zone)."""

    path: Path
    rows: int
    as_of: datetime


def parse_as_of(text: str) -> datetime:
    """The first instant of a day (2011-12-09) in the brand's zone. Raises ExportError for anything else."""
    try:
        return day_start(date.fromisoformat(text), get_brand().tz)
    except ValueError as error:
        raise ExportError(_("%(text)s is not a date; write it like 2011-12-09.") % {"text": text}) from error


def export_features(*, out: Path, as_of: datetime | None) -> Exported:
    """Write every customer's features as of an instant; by default the last refresh's, which is the brand's now.

    The file appears whole or not at all. Raises ExportError for a file type other than .parquet and .csv or a
    folder that does not exist, NotRefreshedError before the first refresh.
    """
    run = get_last_refresh()
    instant = as_of or run.as_of
    with open_engine_of(run) as engine:
        table = engine.table("feat_customers") if instant == run.as_of else features_as_of(engine, instant)
        count = write_people(out, engine.to_reader(table.order_by("person_id")))
    return Exported(out, count, instant.astimezone(get_brand().tz))


def check_file(out: Path) -> None:
    """Raise ExportError where the file could not be written: before anything is computed for it."""
    if out.suffix not in (".parquet", ".csv"):
        raise ExportError(_("%(name)s: only .parquet and .csv files can be written.") % {"name": out.name})
    if not out.parent.is_dir():
        raise ExportError(_("The folder %(folder)s does not exist.") % {"folder": str(out.parent)})


def write_people(out: Path, rows: pa.RecordBatchReader) -> int:
    """Write rows by ascending person_id to a .parquet or .csv file, the shop's own number beside it in external_id;
    returns how many.

    The file appears whole or not at all. Raises ExportError for another file type or a folder that does not exist.
    """
    check_file(out)
    part = out.with_name(f".{out.name}.part")
    try:
        count = _write(part, rows)
        part.replace(out)
    finally:
        part.unlink(missing_ok=True)
    return count


def _write(path: Path, rows: pa.RecordBatchReader) -> int:
    features = [field for field in rows.schema if field.name != "person_id"]
    schema = pa.schema([rows.schema.field("person_id"), pa.field("external_id", pa.string()), *features])
    count, is_table_of_text = 0, path.name.endswith(".csv.part")
    with _writer(path, schema) as writer, _external_ids() as numbers:
        for batch in rows:
            people = batch.column("person_id").to_pylist()
            columns = [batch.column("person_id"), pa.array([numbers(p) for p in people], pa.string())]
            columns += [batch.column(field.name) for field in features]
            if is_table_of_text:
                columns = [_without_formulas(column) for column in columns]
            writer.write_batch(pa.RecordBatch.from_arrays(columns, schema=schema))
            count += batch.num_rows
    return count


def _without_formulas(column: pa.Array) -> pa.Array:
    """The column with nothing in it that a spreadsheet would run. Few texts begin with a sign: only those cost time."""
    if not pa.types.is_string(column.type) or not compute.any(compute.match_substring_regex(column, _SIGN)).as_py():
        return column
    return pa.array([None if text is None else safe_cell(text) for text in column.to_pylist()], pa.string())


@contextmanager
def _writer(path: Path, schema: pa.Schema) -> Iterator[Any]:
    if path.name.endswith(".csv.part"):
        with pc.CSVWriter(path, schema) as writer:
            yield writer
    else:
        with pq.ParquetWriter(path, schema, compression="zstd") as writer:
            yield writer


@contextmanager
def _external_ids() -> Iterator[Any]:
    """A function from ascending person ids to customer numbers, which are streamed beside the features."""
    with connection.cursor() as cursor, cursor.copy(f"COPY ({sql.EXTERNAL_IDS}) TO STDOUT (FORMAT csv)") as copy:
        rows = csv.reader(_lines(copy))
        at: tuple[int, str | None] = (0, None)

        def number(person_id: int) -> str | None:
            nonlocal at
            while at[0] < person_id:
                row = next(rows, None)
                at = (int(row[0]), row[1]) if row else (person_id + 1, None)
            return at[1] if at[0] == person_id else None

        yield number
        # The connection is free again only when the stream has been read to its end.
        for _rest in rows:
            pass


def _lines(blocks: Any) -> Iterator[str]:
    rest = b""
    for block in blocks:
        *whole, rest = (rest + bytes(block)).split(b"\n")
        yield from (line.decode() + "\n" for line in whole)
    if rest:
        yield rest.decode()
