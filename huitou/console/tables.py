"""Sorting and paging of long tables by the address of the page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.http import HttpRequest, QueryDict


@dataclass(frozen=True)
class Order:
    """The column that a table is sorted by. `column` is one of the allowed names."""

    column: str
    descending: bool


def read_order(request: HttpRequest, allowed: Sequence[str], default: str) -> Order:
    """The order that `?sort=` asks for: a column name, with a minus sign for descending."""
    asked = request.GET.get("sort", default)
    column = asked.removeprefix("-")
    if column not in allowed:
        asked, column = default, default.removeprefix("-")
    return Order(column=column, descending=asked.startswith("-"))


@dataclass(frozen=True)
class Paging:
    """One page of a long table. `number` counts from 1."""

    number: int
    size: int
    total: int

    @property
    def pages(self) -> int:
        return max(1, -(-self.total // self.size))

    @property
    def offset(self) -> int:
        return (self.number - 1) * self.size

    @property
    def first(self) -> int:
        """Position of the first row shown, from 1; 0 if there is none."""
        return min(self.offset + 1, self.total)

    @property
    def last(self) -> int:
        return min(self.offset + self.size, self.total)

    @property
    def previous(self) -> int | None:
        return self.number - 1 if self.number > 1 else None

    @property
    def following(self) -> int | None:
        return self.number + 1 if self.number < self.pages else None


def read_page(request: HttpRequest, *, total: int, size: int = 50) -> Paging:
    """The page that `?page=` asks for, held inside what exists."""
    asked = request.GET.get("page", "1")
    number = int(asked) if asked.isascii() and asked.isdigit() else 1
    pages = max(1, -(-total // size))
    return Paging(number=min(max(number, 1), pages), size=size, total=total)


def query_with(query: QueryDict, **changes: object) -> str:
    """The query string with these values replaced; None drops one."""
    changed = query.copy()
    for name, value in changes.items():
        if value is None:
            changed.pop(name, None)
        else:
            changed[name] = str(value)
    encoded = changed.urlencode()
    return f"?{encoded}" if encoded else "?"
