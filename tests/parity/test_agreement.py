"""The comparison of two engines notices a row, a type, an empty value and a last unit."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pytest

from tests.parity.agreement import same_rows

ROWS = {"a": [1, None, 3], "b": ["x", "x", None], "c": [0.1 + 0.2, None, 1e15]}


def _table(**changed: list[Any]) -> pa.Table:
    return pa.table(ROWS | changed)


def test_order_and_the_last_digit_of_a_float_do_not_matter() -> None:
    assert same_rows(_table(), _table(c=[0.3, None, 1e15]).take([2, 0, 1])) is None


@pytest.mark.parametrize(
    "other",
    [
        _table(a=[1, None, 4]),
        _table(a=[1, 2, 3]),
        _table(a=[1.0, None, 3.0]),
        _table(b=["x", "x", ""]),
        _table(c=[0.3000001, None, 1e15]),
        _table(c=[0.3, 0.0, 1e15]),
        _table().slice(1),
        pa.concat_tables([_table(), _table()]),
        _table().rename_columns(["a", "b", "d"]),
    ],
)
def test_anything_else_does(other: pa.Table) -> None:
    assert same_rows(_table(), other)
