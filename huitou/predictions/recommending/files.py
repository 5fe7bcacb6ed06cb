"""Tables as .parquet and .csv files, which appear whole or not at all."""

from __future__ import annotations

import csv
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from django.utils.translation import gettext as _

from huitou.core.spreadsheets import safe_cell
from huitou.orders.export import ExportError


def check_file(out: Path) -> None:
    """Raise ExportError where the file could not be written: before anything is computed for it."""
    if out.suffix not in (".parquet", ".csv"):
        raise ExportError(_("%(name)s: only .parquet and .csv files can be written.") % {"name": out.name})
    if not out.parent.is_dir():
        raise ExportError(_("The folder %(folder)s does not exist.") % {"folder": str(out.parent)})


def write_table(out: Path, table: pa.Table) -> None:
    """Write the table; lists of texts stand in a .csv file with " + " between them."""
    check_file(out)
    part = out.with_name(f".{out.name}.part")
    try:
        if out.suffix == ".parquet":
            pq.write_table(table, part, compression="zstd")
        else:
            _write_csv(part, table)
        part.replace(out)
    finally:
        part.unlink(missing_ok=True)


def _write_csv(path: Path, table: pa.Table) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(table.column_names)
        for batch in table.to_batches():
            for row in zip(*(column.to_pylist() for column in batch.columns), strict=True):
                writer.writerow([_cell(value) for value in row])


def _cell(value: object) -> object:
    if isinstance(value, list):
        value = " + ".join(value)
    return safe_cell(value) if isinstance(value, str) else value
