"""Sorting and paging come from the address and stay inside what exists."""

from __future__ import annotations

import pytest
from django.http import QueryDict
from django.test import RequestFactory

from huitou.console.tables import query_with, read_order, read_page


@pytest.mark.parametrize(
    ("query", "column", "descending"),
    [("", "last", True), ("sort=spend", "spend", False), ("sort=-spend", "spend", True), ("sort=drop", "last", True)],
)
def test_only_known_columns_sort(query: str, column: str, descending: bool) -> None:
    request = RequestFactory().get(f"/?{query}")
    order = read_order(request, ["last", "spend"], "-last")
    assert (order.column, order.descending) == (column, descending)


@pytest.mark.parametrize(("asked", "number"), [("1", 1), ("3", 3), ("99", 3), ("0", 1), ("-1", 1), ("x", 1), ("²", 1)])
def test_a_page_that_does_not_exist_becomes_the_nearest(asked: str, number: int) -> None:
    paging = read_page(RequestFactory().get("/", {"page": asked}), total=101, size=50)
    assert paging.number == number
    assert paging.last <= 101


def test_query_strings_keep_what_is_not_changed() -> None:
    assert query_with(QueryDict("a=1&page=2"), page=None, sort="-b") == "?a=1&sort=-b"
