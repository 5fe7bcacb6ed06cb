"""Rows that a batch has for a lake table, in the columns that the table declares."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import pyarrow as pa

from huitou.analytics.tables import TABLES

# Filled in when the rows are staged, for every table.
_OURS = ("batch_id", "month")


def as_table(name: str, rows: pa.Table | Iterable[Mapping[str, Any]]) -> pa.Table:
    """Rows in the declared columns and types of a lake table, `batch_id` and `month` left out.

    Raises KeyError where a column that must be filled is missing.
    """
    declared = [column for column in TABLES[name].columns if column.name not in _OURS]
    schema = pa.schema([pa.field(c.name, c.type, nullable=c.nullable) for c in declared])
    if not isinstance(rows, pa.Table):
        return pa.Table.from_pylist([{f.name: row.get(f.name) for f in schema} for row in rows], schema=schema)
    if missing := [c.name for c in declared if not c.nullable and c.name not in rows.column_names]:
        raise KeyError(f"{name} lacks {', '.join(missing)}")
    arrays = [
        rows[field.name].cast(field.type) if field.name in rows.column_names else pa.nulls(len(rows), field.type)
        for field in schema
    ]
    return pa.table(arrays, schema=schema)
