"""Reads of orders and customer features, always of one consistent refresh."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import ibis
from django.utils.translation import gettext_lazy as _

from huitou.analytics.engines import Engine
from huitou.analytics.feature import FEATURES
from huitou.core.errors import DomainError
from huitou.customers.queries import customers_of
from huitou.orders.due import LATE, WEEK, is_due
from huitou.orders.snapshot import (
    NotRefreshedError,
    features_as_of,
    get_last_refresh,
    last_refresh,
    open_engine,
    open_engine_of,
)
from huitou.orders.timeline import TimelineEntry, TimelineLine, order_timeline

__all__ = [
    "CustomerPage",
    "CustomerRow",
    "NotRefreshedError",
    "TimelineEntry",
    "TimelineLine",
    "UnknownFeatureError",
    "customer_features",
    "due_this_week",
    "features_as_of",
    "get_last_refresh",
    "last_refresh",
    "list_customers",
    "never_bought",
    "observed_until",
    "open_engine",
    "open_engine_of",
    "order_timeline",
    "overdue",
]

Value = int | float | str | bool | datetime | None


class UnknownFeatureError(DomainError):
    """A list is asked for by a feature that does not exist, or that cannot be compared this way."""

    code = "unknown_feature"


@dataclass(frozen=True)
class CustomerRow:
    """One customer and the feature values by name."""

    person_id: int
    values: dict[str, Value]


@dataclass(frozen=True)
class CustomerPage:
    """One page of customers; `page` counts from 1, `total` counts customers on all pages."""

    rows: list[CustomerRow]
    total: int
    page: int
    pages: int


def observed_until() -> datetime | None:
    """The last payment among the orders, or None where there is none."""
    with open_engine() as engine:
        orders = engine.table("int_orders")
        last: datetime | None = engine.to_pyarrow(orders.aggregate(at=orders.paid_at.max()))["at"][0].as_py()
    return None if last is None else last.astimezone(UTC)


def customer_features(person_id: int) -> dict[str, Value] | None:
    """Every feature of the person's customer by name, with `person_id`; None for someone who is no customer."""
    customer = customers_of([person_id])[person_id]
    with open_engine() as engine:
        table = engine.table("feat_customers")
        rows = engine.to_pyarrow(table.filter(table.person_id == customer)).to_pylist()
    return {name: _instant(value) for name, value in rows[0].items()} if rows else None


def list_customers(
    *,
    person_ids: Sequence[int] | None = None,
    where: Mapping[str, str] | None = None,
    due: str = "",
    moment: datetime | None = None,
    sort: str = "-last_order_at",
    page: int = 1,
    page_size: int = 50,
) -> CustomerPage:
    """Customers by page.

    `person_ids` narrows to these persons; `where` to equal values of text, flag and score features, written as
    text; `due` (week or late, see huitou.orders.due) to those who are due by their own rhythm, counted from `moment`,
    by default the refresh's instant.

    `sort` is a feature's name, with a minus for falling order. Empty values come last, ties by person_id.
    Raises UnknownFeatureError for a name that cannot be used so.
    """
    run = get_last_refresh()
    with open_engine_of(run) as engine:
        table = engine.table("feat_customers")
        if due:
            table = table.filter(is_due(table, moment or run.as_of, due))
        if person_ids is not None:
            table = table.filter(table.person_id.isin(list(person_ids))) if person_ids else table.limit(0)
        for name, value in (where or {}).items():
            table = table.filter(equals(table, name, value))
        return _page(engine, table, sort, page, page_size)


def never_bought(person_ids: Sequence[int]) -> list[int]:
    """Of these persons' customers those who had bought nothing at the last refresh, or all where there was none."""
    customers = set(customers_of(person_ids).values())
    if customers and last_refresh() is not None:
        with open_engine() as engine:
            table = engine.table("feat_customers")
            bought = engine.to_pyarrow(table.filter(table.person_id.isin(sorted(customers))).select("person_id"))
            customers -= set(bought["person_id"].to_pylist())
    return sorted(customers)


def due_this_week(*, days: int = 7, limit: int = 20) -> CustomerPage:
    """Customers whose next purchase is due by their own rhythm within `days` from the refresh's instant,
    the biggest spenders first."""
    run = get_last_refresh()
    with open_engine_of(run) as engine:
        table = engine.table("feat_customers")
        return _page(engine, table.filter(is_due(table, run.as_of, WEEK, days=days)), "-spend_minor", 1, limit)


def overdue(*, limit: int = 20) -> CustomerPage:
    """Customers whose next purchase was due before the refresh's instant and who are not yet declining,
    the biggest spenders first."""
    run = get_last_refresh()
    with open_engine_of(run) as engine:
        table = engine.table("feat_customers")
        return _page(engine, table.filter(is_due(table, run.as_of, LATE)), "-spend_minor", 1, limit)


def equals(table: ibis.Table, name: str, value: str) -> ibis.Value:
    """The condition that a text, flag or score feature has the value. Raises UnknownFeatureError for others."""
    if name not in FEATURES or FEATURES[name].unit not in ("text", "flag", "score"):
        raise UnknownFeatureError(_("Customers cannot be chosen by %(name)s.") % {"name": name})
    unit = FEATURES[name].unit
    if unit == "flag":
        return table[name] == (value.lower() in ("true", "1", "yes"))
    if unit == "score" and value.isdigit():
        return table[name] == int(value)
    return table[name].cast("string") == value


def _page(engine: Engine, table: ibis.Table, sort: str, page: int, page_size: int) -> CustomerPage:
    name = sort.removeprefix("-")
    if name != "person_id" and name not in FEATURES:
        raise UnknownFeatureError(_("Customers cannot be sorted by %(name)s.") % {"name": name})
    total = int(engine.to_pyarrow(table.aggregate(n=table.count()))["n"][0].as_py())
    pages = max(1, -(-total // page_size))
    page = min(max(1, page), pages)
    key = table[name].desc() if sort.startswith("-") else table[name].asc()
    ties = [] if name == "person_id" else [table.person_id]
    ordered = table.order_by([table[name].isnull(), key, *ties])
    found = engine.to_pyarrow(ordered.limit(page_size, offset=(page - 1) * page_size)).to_pylist()
    rows = [customer_row(row) for row in found]
    return CustomerPage(rows, total, page, pages)


def customer_row(row: dict[str, Any]) -> CustomerRow:
    """A row of feat_customers as we hand it out."""
    person_id = int(row.pop("person_id"))
    return CustomerRow(person_id, {name: _instant(value) for name, value in row.items()})


def _instant(value: Any) -> Any:
    """Instants in UTC as Python has it; engines bring zone objects of their own."""
    return value.astimezone(UTC) if isinstance(value, datetime) else value
