"""The lake as conditions read it: every table by customer, order lines as they count."""

from __future__ import annotations

from dataclasses import replace

import ibis

from huitou.analytics.conditions.facts import Facts
from huitou.analytics.engines import Engine
from huitou.analytics.feature import UNKNOWN_CATEGORY
from huitou.analytics.orders import customers_of
from huitou.analytics.rebuild import find_links

_ORDER = ("source", "order_id")


def read_facts(engine: Engine) -> Facts:
    """Facts over the engine's snapshot: features and orders as its last refresh left them.

    Tables that were never written have no rows.
    """
    links = find_links(engine)
    table = engine.table
    return Facts(
        features=table("feat_customers"),
        events=customers_of(table("fct_events"), links),
        orders=table("int_orders"),
        lines=order_lines(table("fct_order_lines"), table("int_orders"), table("int_refunds"), table("dim_products")),
        tags=table("dim_person_tags"),
        consents=table("dim_person_consents"),
        identifiers=table("dim_person_identifiers"),
        dates=table("dim_person_dates"),
        segments=table("int_segment_members"),
    )


def among(facts: Facts, customers: ibis.Table) -> Facts:
    """The same facts, looked at for some customers only (`person_id`)."""
    return replace(facts, customers=customers)


def order_lines(lines: ibis.Table, orders: ibis.Table, refunds: ibis.Table, products: ibis.Table) -> ibis.Table:
    """Lines of the purchases of known persons that have an amount and are not wholly refunded.

    Parameters
    ----------
    lines, orders, refunds, products
        fct_order_lines, int_orders, int_refunds and dim_products of one refresh.

    Returns
    -------
    Table
        source, order_id, line_no, person_id (the customer), paid_at, channel and store of the order, sku, category
        ('unknown' where there is none), brand, list_price_minor, quantity, amount_minor, and order_amount_minor of
        the whole order.
    """
    newest = lines.group_by(list(_ORDER)).aggregate(newest=lines.batch_id.max())
    bought = orders.filter(orders.is_purchase, orders.person_id.notnull())
    bought = bought.select(*_ORDER, "person_id", "paid_at", "channel", "store", order_amount_minor="amount_minor")
    rows = lines.filter(lines.kind == "sale", lines.amount_minor > 0)
    rows = rows.select(*_ORDER, "batch_id", "line_no", "sku", "category", "quantity", "amount_minor")
    rows = rows.inner_join(bought, list(_ORDER)).inner_join(newest, list(_ORDER))
    rows = rows.filter(rows.batch_id == rows.newest).drop("batch_id", "newest")
    rows = _without_gone(rows, refunds)
    known = products.select("sku", "brand", "list_price_minor", product_category="category")
    found = rows.left_join(known, "sku")
    category = ibis.coalesce(found.category, found.product_category, ibis.literal(UNKNOWN_CATEGORY))
    return found.select(*[c for c in rows.columns if c != "category"], "brand", "list_price_minor", category=category)


def _without_gone(rows: ibis.Table, refunds: ibis.Table) -> ibis.Table:
    """Lines that something is left of: neither the whole quantity nor, for refunds of money only, the money went."""
    matched = refunds.filter(refunds.sale_line_no.notnull())
    back = matched.group_by(["sale_source", "sale_order_id", "sale_line_no"]).aggregate(
        quantity_back=matched.quantity.sum(),
        minor_back=matched.amount_minor.sum(),
        money_only=(matched.quantity == 0).any(),
    )
    found = rows.left_join(
        back, [("source", "sale_source"), ("order_id", "sale_order_id"), ("line_no", "sale_line_no")]
    )
    goods_gone = (found.quantity > 0) & (found.quantity_back >= found.quantity)
    money_gone = found.money_only & (found.minor_back >= found.amount_minor)
    gone = goods_gone.fill_null(False) | money_gone.fill_null(False)
    return found.filter(~gone).select(*rows.columns)
