"""Whether two engines gave the same answer: every row and value, floats but for the digits that a sum's order moves."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from typing import Any

import pyarrow as pa

_DIGITS = 1e-12
Rows = list[tuple[Any, ...]]


def same_rows(ours: pa.Table, theirs: pa.Table) -> str | None:
    """None if both hold the same rows in some order; otherwise what differs first.

    Columns must have the same names and types. Integers, texts, dates, instants and decimals are compared exactly,
    floats to 1e-12 of their size; an empty value is equal to itself only.
    """
    types = [(field.name, field.type) for field in ours.schema], [(field.name, field.type) for field in theirs.schema]
    if types[0] != types[1]:
        return f"columns differ: {types[0]} and {types[1]}"
    if ours.num_rows != theirs.num_rows:
        return f"{ours.num_rows} and {theirs.num_rows} rows; only one side has {_only_one(_rows(ours), _rows(theirs))}"
    exact = [field.name for field in ours.schema if not pa.types.is_floating(field.type)]
    floats = [field.name for field in ours.schema if pa.types.is_floating(field.type)]
    left, right = _sorted(ours, [*exact, *floats]), _sorted(theirs, [*exact, *floats])
    for mine, other in zip(left, right, strict=True):
        for name, a, b in zip([*exact, *floats], mine, other, strict=True):
            if not _equal(a, b):
                return f"{name}: {a!r} and {b!r} in {dict(zip([*exact, *floats], mine, strict=True))}"
    return None


def _equal(a: Any, b: Any) -> bool:
    if isinstance(a, float) and isinstance(b, float):
        return math.isclose(a, b, rel_tol=_DIGITS, abs_tol=0) or (math.isnan(a) and math.isnan(b))
    return bool(a == b) and type(a) is type(b)


def _rows(table: pa.Table) -> Rows:
    return list(zip(*(column.to_pylist() for column in table.columns), strict=True))


def _sorted(table: pa.Table, columns: Sequence[str]) -> Rows:
    # Empty values sort first; floats come last, so that their last digits decide between equal rows only.
    return sorted(_rows(table.select(list(columns))), key=lambda row: [(value is not None, value) for value in row])


def _only_one(left: Rows, right: Rows) -> str:
    both = Counter(map(repr, left)), Counter(map(repr, right))
    return "; ".join([*(both[0] - both[1]), *(both[1] - both[0])][:3])
