"""Registers of PostgreSQL copied into the lake's dimension tables: streamed, never held whole."""

from __future__ import annotations

import io
from pathlib import Path
from typing import IO

import pyarrow as pa
import pyarrow.csv as pc
from django.db import connection

from huitou.analytics.engines import Lake
from huitou.analytics.tables import TABLES
from huitou.customers.models import Milestone, PersonLink
from huitou.orders import sql

# Tables by register, so that a register that did not change keeps its tables.
REGISTERS = {
    "links": ("dim_person_links",),
    "persons": ("dim_persons", "dim_person_attributes"),
    "products": ("dim_products",),
}
_MARKS = {"links": sql.LINKS_MARK, "persons": sql.PERSONS_MARK, "products": sql.PRODUCTS_MARK}


def register_marks() -> dict[str, str]:
    """A text per register that differs when anything mirrored of it does."""
    with connection.cursor() as cursor:
        found = {}
        for register, query in _MARKS.items():
            cursor.execute(query)
            found[register] = str(cursor.fetchone()[0])
    return found


def mirror_register(register: str, *, lake: Lake, scratch: Path) -> dict[str, int]:
    """Overwrite the register's dimension tables; returns their new versions."""
    queries = {
        "dim_person_links": sql.LINKS,
        "dim_persons": sql.PERSONS,
        "dim_person_attributes": _attributes(),
        "dim_products": sql.PRODUCTS,
    }
    return {table: mirror_query(table, queries[table], lake, scratch) for table in REGISTERS[register]}


def _attributes() -> str:
    """The query for customers' attributes: the plain one as long as everybody is one person without milestones."""
    plain = not PersonLink.objects.exists() and not Milestone.objects.exists()
    return sql.attributes_query() if plain else sql.customer_attributes_query()


def mirror_query(table: str, query: str, lake: Lake, scratch: Path) -> int:
    """Overwrite a lake table by what a query of PostgreSQL finds, instants as microseconds; the new version."""
    scratch.mkdir(parents=True, exist_ok=True)
    path = scratch / f"{table}.csv"
    try:
        with path.open("wb") as file:
            _copy(query, file)
        return lake.overwrite(table, _read(path, path.stat().st_size, TABLES[table].schema))
    finally:
        path.unlink(missing_ok=True)


def query_rows(table: str, query: str) -> pa.Table:
    """The same in memory, in the columns and types of the lake table: for few rows, or for once."""
    buffer = io.BytesIO()
    _copy(query, buffer)
    schema = TABLES[table].schema
    return _read(buffer, buffer.tell(), schema).read_all().cast(schema)


def _copy(query: str, file: IO[bytes]) -> None:
    with connection.cursor() as cursor, cursor.copy(f"COPY ({query}) TO STDOUT (FORMAT csv)") as copy:
        for block in copy:
            file.write(block)


def _read(source: Path | io.BytesIO, size: int, schema: pa.Schema) -> pa.RecordBatchReader:
    if size == 0:
        return pa.RecordBatchReader.from_batches(schema, [])
    # Instants come as microseconds: text forms of time are not needed to carry them exactly.
    parsed = pa.schema([pa.field(f.name, pa.int64() if pa.types.is_timestamp(f.type) else f.type) for f in schema])
    if isinstance(source, io.BytesIO):
        source.seek(0)
    reader = pc.open_csv(
        source,
        read_options=pc.ReadOptions(column_names=schema.names),
        parse_options=pc.ParseOptions(newlines_in_values=True),
        convert_options=pc.ConvertOptions(
            column_types=parsed, null_values=[""], strings_can_be_null=True, quoted_strings_can_be_null=False
        ),
    )
    return pa.RecordBatchReader.from_batches(reader.schema, reader)
