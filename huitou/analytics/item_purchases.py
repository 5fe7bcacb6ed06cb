"""Which products, or categories, were bought in which purchase: what rules and recommendations are made of."""

from __future__ import annotations

from datetime import date
from typing import Protocol

import ibis

from huitou.analytics.days import micros
from huitou.analytics.feature import UNKNOWN_CATEGORY
from huitou.analytics.orders import Terms, current_lines
from huitou.analytics.refunds import Workspace

KEYS = ("sku", "category")
_DAY = 86_400_000_000
_ORDER = ["source", "order_id"]


class Tables(Workspace, Protocol):
    """The lake's tables by name, and where intermediate ones go: an engine."""

    def table(self, name: str) -> ibis.Table:
        """A declared lake table."""


def purchased_items(engine: Tables, key: str, terms: Terms) -> ibis.Table:
    """One row per purchase and item in it: `source`, `order_id`, `person_id` (empty for anonymous sales), `day` in the
    brand's zone, `paid_at`, and `item`.

    An item counts where something of it was paid for and not all of it went back. Lines of no known category are in
    no category.

    Parameters
    ----------
    engine
        Its order tables are those as of the instant asked for.
    key
        What an item is: sku or category.
    terms
        The terms that its order tables were made by.
    """
    assert key in KEYS, f"{key} is no key"
    orders = engine.table("int_orders")
    orders = orders.filter(orders.is_purchase).select(*_ORDER, "person_id", "day", "paid_at")
    found = _categories(engine) if key == "category" else _products(engine, terms)
    return found.join(orders, _ORDER).select(*_ORDER, "person_id", "day", "paid_at", "item")


def _categories(engine: Tables) -> ibis.Table:
    table = engine.table("int_order_categories")
    kept = table.filter(table.is_purchase & (table.category != UNKNOWN_CATEGORY))
    return kept.select(*_ORDER, item="category")


def item_days(engine: Tables, key: str, terms: Terms, before: date) -> ibis.Table:
    """One row per customer, item and day before a day on which it was bought: `person_id`, `item`, `day` (days since
    1970) and `quantity`, the units that did not go back.

    What counts as bought is as in `purchased_items`; anonymous sales are left out.
    """
    bought = purchased_items(engine, key, terms)
    bought = bought.filter(bought.person_id.notnull() & (bought.day < ibis.literal(before)))
    lines = _kept_lines(engine, terms)
    if key == "category":
        products = engine.table("dim_products").select("sku", product_category="category")
        joined = lines.left_join(products, "sku")
        lines = joined.mutate(item=ibis.coalesce(joined.category, joined.product_category))
    else:
        lines = lines.mutate(item=lines.sku)
    units = lines.group_by([*_ORDER, "item"]).aggregate(units=lines.units.sum())
    found = bought.left_join(units, [*_ORDER, "item"], rname="{name}_u")
    day = (micros(found.day.cast("timestamp")) / _DAY).floor().cast("int64")
    found = found.select("person_id", "item", day=day, units=found.units.fill_null(1.0))
    return found.group_by(["person_id", "item", "day"]).aggregate(quantity=found.units.sum())


def _products(engine: Tables, terms: Terms) -> ibis.Table:
    return _kept_lines(engine, terms).select(*_ORDER, item="sku").distinct()


def _kept_lines(engine: Tables, terms: Terms) -> ibis.Table:
    """Sale lines of which something was paid for and is kept: `source`, `order_id`, `sku`, `category` and `units`."""
    lines = current_lines(engine.table("fct_order_lines"), terms, engine)
    sales = lines.filter(
        (lines.kind == "sale")
        & lines.status.notin(("unpaid", "cancelled"))
        & (lines.amount_minor > 0)
        & (lines.quantity > 0)
    )
    gone = _gone_lines(engine.table("int_refunds"))
    by = [*_ORDER, "line_no"]
    left = sales.left_join(gone, by, rname="{name}_gone")
    whole = left.units_back.fill_null(0) >= left.quantity
    paid_back = left.money_only.fill_null(False) & (left.minor_back.fill_null(0) >= left.amount_minor)
    units = (left.quantity.cast("float64") - left.units_back.fill_null(0).cast("float64")).name("units")
    return left.filter(~whole & ~paid_back).select(*_ORDER, "sku", "category", units)


def _gone_lines(refunds: ibis.Table) -> ibis.Table:
    """What went back of each sale line that a refund was matched to."""
    matched = refunds.filter(refunds.sale_order_id.notnull() & refunds.sale_line_no.notnull())
    return matched.group_by(source="sale_source", order_id="sale_order_id", line_no="sale_line_no").aggregate(
        units_back=matched.quantity.sum(),
        minor_back=matched.amount_minor.sum(),
        money_only=(matched.quantity == 0).any(),
    )
