"""Tables as .parquet and .csv files, which appear whole or not at all."""

from __future__ import annotations

import csv
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from huitou.core.spreadsheets import safe_cell
from huitou.orders.export import check_file


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
