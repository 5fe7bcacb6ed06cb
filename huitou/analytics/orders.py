"""From order lines to orders, purchases and refunds, as of any instant. One definition for every number.

A purchase is an order with a positive amount that is not excluded and not wholly refunded; lines that are unpaid
or cancelled count nowhere. The status is the one known now, for every period: shops' files hold no history of it.
`as_of` cuts facts by when they happened; everything else follows from what is left.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

import ibis

from huitou.analytics.days import local_day
from huitou.analytics.feature import UNKNOWN_CATEGORY
from huitou.analytics.refunds import Workspace, match_refunds
from huitou.analytics.rules import Exclusions

_NOT_COUNTED = ("unpaid", "cancelled")
_ORDER = ["source", "order_id"]


@dataclass(frozen=True)
class Terms:
    """What the order tables depend on besides the facts.

    Parameters
    ----------
    as_of
        Aware instant; facts from it on do not exist yet. None: no limit.
    zone
        IANA name of the brand's zone, which decides days.
    exclusions
        Orders that are no purchases.
    span
        Earliest and latest instant among the facts.
    batches
        How many imports the facts came in; with one, no report of an order can have replaced another.
    links
        dim_person_links, or None while no two persons are one customer. They hold as they are known now, for every
        instant: who somebody is does not depend on when it was found out.
    """

    as_of: datetime | None
    zone: str
    exclusions: Exclusions
    span: tuple[datetime, datetime]
    batches: int
    links: ibis.Table | None = None


@dataclass(frozen=True)
class OrderTables:
    """int_orders, int_order_categories and int_refunds, and every customer on any line (person_id, distinct)."""

    orders: ibis.Table
    categories: ibis.Table
    refunds: ibis.Table
    buyers: ibis.Table
    links: ibis.Table | None = None


def customers_of(rows: ibis.Table, links: ibis.Table | None) -> ibis.Table:
    """The same rows and columns, with each person's customer in `person_id`.

    Parameters
    ----------
    rows
        Any table with a column `person_id`.
    links
        dim_person_links: the few persons whose customer is another person; None: there are none.
    """
    if links is None:
        return rows
    known = links.select(linked_person="person_id", linked_customer="customer_id")
    joined = rows.left_join(known, rows.person_id == known.linked_person)
    return joined.mutate(person_id=ibis.coalesce(joined.linked_customer, joined.person_id)).select(*rows.columns)


def lines_extent(lines: ibis.Table) -> ibis.Table:
    """One row: `first_at`, `last_at`, `batches` of fct_order_lines, for `Terms`."""
    return lines.aggregate(
        first_at=lines.occurred_at.min(), last_at=lines.occurred_at.max(), batches=lines.batch_id.nunique()
    )


def current_lines(lines: ibis.Table, terms: Terms, space: Workspace) -> ibis.Table:
    """The lines of each order's latest report, cut at `as_of`; same columns as fct_order_lines."""
    current = customers_of(lines, terms.links)
    if terms.batches > 1:
        reports = lines.group_by(_ORDER).aggregate(newest=lines.batch_id.max(), oldest=lines.batch_id.min())
        # Few orders are reported twice: only those are looked up.
        replaced = space.keep("replaced_orders", reports.filter(reports.newest > reports.oldest).drop("oldest"))
        joined = current.left_join(replaced, _ORDER)
        joined = joined.filter(joined.newest.isnull() | (joined.batch_id == joined.newest))
        current = joined.select(*lines.columns)
    if terms.as_of is not None:
        current = current.filter(current.occurred_at < ibis.literal(terms.as_of))
    return current


def build_orders(lines: ibis.Table, products: ibis.Table, terms: Terms, space: Workspace) -> OrderTables:
    """All order tables from the lines of every report.

    Parameters
    ----------
    lines, products
        fct_order_lines and dim_products.
    terms
        Instant, zone and exclusions.
    space
        Where intermediate tables go.

    Returns
    -------
    OrderTables
        With the columns declared in `tables`.
    """
    current = current_lines(lines, terms, space)
    buyers = current.filter(current.person_id.notnull()).select("person_id").distinct()
    counted = current.filter(current.status.notin(_NOT_COUNTED))
    sales, returns = counted.filter(counted.kind == "sale"), counted.filter(counted.kind == "refund")
    sums = space.keep("order_sums", _order_sums(sales, terms))
    parts = space.keep("refund_parts", match_refunds(returns, sales, space))
    touched = space.keep("touched_lines", _touched_lines(sales, parts))
    orders = space.publish("int_orders", _number_purchases(_with_refunds(sums, parts, touched)))
    return OrderTables(
        orders=orders,
        categories=space.publish("int_order_categories", _categories(sales, products, orders, sums, touched)),
        refunds=space.publish("int_refunds", _refunds(parts, products, sums, terms)),
        buyers=buyers,
        links=terms.links,
    )


def known_customers(
    buyers: ibis.Table, persons: ibis.Table, as_of: datetime, links: ibis.Table | None = None
) -> ibis.Table:
    """Everyone who counts as a customer at an instant: `person_id`, one row per customer.

    Parameters
    ----------
    buyers
        Customers with an order or refund line before the instant, whatever became of it.
    persons
        dim_persons: those whom the shop knew before the instant count as well.
    as_of
        Aware instant.
    links
        dim_person_links, or None.
    """
    known = persons.filter(persons.known_since < ibis.literal(as_of)).select("person_id")
    return buyers.select("person_id").union(customers_of(known, links), distinct=True)


def _is_any(column: ibis.Value, values: Iterable[object]) -> ibis.Value:
    values = list(values)
    return column.isin(values).fill_null(False) if values else ibis.literal(False)


def _order_sums(sales: ibis.Table, terms: Terms) -> ibis.Table:
    """One row per order: the sums of its lines, whether the brand excludes it, and whether its lines disagree about
    person or instant (`is_mixed`)."""
    rules = terms.exclusions
    measures = {
        "person_id": sales.person_id.max(),
        "paid_at": sales.occurred_at.min(),
        "channel": sales.channel.max(),
        "store": sales.store.max(),
        "amount_minor": sales.amount_minor.sum(),
        "discount_minor": sales.discount_minor.sum(),
    }
    several = sales.person_id.min() != sales.person_id.max()
    some = (sales.person_id.count() > 0) & (sales.person_id.count() < sales.count())
    measures["is_mixed"] = several.fill_null(False) | some | (sales.occurred_at.min() < sales.occurred_at.max())
    if rules.order_types:
        measures["special"] = _is_any(sales.order_type, rules.order_types).any()
    if rules.skus:
        measures["only_skus"] = _is_any(sales.sku, rules.skus).all()
    orders = sales.group_by(_ORDER).aggregate(**measures)
    excluded = _is_any(orders.channel, rules.channels) | _is_any(orders.person_id, rules.person_ids)
    if rules.order_types:
        excluded = excluded | orders.special
    if rules.skus:
        excluded = excluded | orders.only_skus
    if rules.min_amount_minor is not None:
        excluded = excluded | (orders.amount_minor < rules.min_amount_minor)
    day = local_day(orders.paid_at, terms.zone, *terms.span)
    columns = ["person_id", "paid_at", "channel", "store", "amount_minor", "discount_minor", "is_mixed"]
    return orders.select(*_ORDER, *columns, day=day, is_excluded=excluded)


def _touched_lines(sales: ibis.Table, parts: ibis.Table) -> ibis.Table:
    """Lines of the orders that something went back from, with `is_gone`: nothing of the line is left.

    A line is gone when its whole quantity went back, or when its money did with a refund of money only. That the
    shop calls it refunded does not count: the refund line that every import writes for it says since when.
    """
    matched = parts.filter(parts.sale_order_id.notnull())
    named = matched.select(source="sale_source", order_id="sale_order_id")
    lines = sales.semi_join(named.distinct(), _ORDER)
    back = matched.filter(matched.sale_line_no.notnull())
    back = back.group_by(["sale_source", "sale_order_id", "sale_line_no"]).aggregate(
        units_back=back.units.sum(),
        minor_back=back.part_minor.sum(),
        money_only=(back.units == 0).any(),
    )
    found = lines.left_join(
        back, [("source", "sale_source"), ("order_id", "sale_order_id"), ("line_no", "sale_line_no")]
    )
    goods_gone = (found.quantity > 0) & (found.units_back >= (found.quantity * 10_000).round().cast("int64"))
    money_gone = found.money_only & (found.minor_back >= found.amount_minor)
    gone = goods_gone.fill_null(False) | money_gone.fill_null(False)
    return found.select(*_ORDER, "line_no", "sku", "category", "amount_minor", is_gone=gone)


def _with_refunds(sums: ibis.Table, parts: ibis.Table, touched: ibis.Table) -> ibis.Table:
    """Orders with what went back for them, and whether they are purchases."""
    matched = parts.filter(parts.sale_order_id.notnull())
    back = matched.group_by(source="sale_source", order_id="sale_order_id").aggregate(
        refunded_minor=matched.part_minor.sum(), whole_order=matched.sale_line_no.isnull().any()
    )
    lines = touched.group_by(_ORDER).aggregate(all_gone=((touched.amount_minor <= 0) | touched.is_gone).all())
    back = lines.left_join(back, _ORDER).select(*_ORDER, "all_gone", "refunded_minor", "whole_order")
    orders = sums.left_join(back, _ORDER)
    refunded = orders.refunded_minor.fill_null(0)
    # A refund that names the order and none of its lines can empty it by amount alone.
    emptied = orders.whole_order.fill_null(False) & (refunded >= orders.amount_minor)
    gone = orders.all_gone.fill_null(False) | emptied
    return orders.select(
        *[c for c in sums.columns if c != "is_mixed"],
        refunded_minor=refunded,
        is_purchase=(orders.amount_minor > 0) & ~orders.is_excluded & ~gone,
    )


def _number_purchases(orders: ibis.Table) -> ibis.Table:
    """int_orders: purchases of known persons in their order in time, ties by source and order number."""
    counts = orders.is_purchase & orders.person_id.notnull()
    window = ibis.window(group_by="person_id", order_by=["paid_at", *_ORDER])
    known = orders.filter(counts)
    known = known.mutate(
        purchase_no=(ibis.row_number().over(window) + 1).cast("int32"),
        previous_paid_at=known.paid_at.lag(1).over(window),
    )
    others = orders.filter(~counts).mutate(
        purchase_no=ibis.null("int32"), previous_paid_at=ibis.null(orders.paid_at.type())
    )
    return known.union(others)


def _categories(
    sales: ibis.Table, products: ibis.Table, orders: ibis.Table, sums: ibis.Table, touched: ibis.Table
) -> ibis.Table:
    """int_order_categories."""
    named = _categorized(sales, products)
    by = [*_ORDER, "category"]
    sums_by = named.group_by(by).aggregate(
        person_id=named.person_id.max(),
        paid_at=named.occurred_at.min(),
        amount_minor=named.amount_minor.sum(),
    )
    emptied = _categorized(touched, products)
    emptied = emptied.group_by(by).aggregate(gone=((emptied.amount_minor <= 0) | emptied.is_gone).all())
    emptied = emptied.filter(emptied.gone)
    # Most orders are purchases whose lines agree: the few others are looked up.
    none = orders.filter(~orders.is_purchase).select(*_ORDER, no_purchase=True)
    mixed = sums.filter(sums.is_mixed).select(*_ORDER, who="person_id", when="paid_at")
    found = sums_by.left_join(emptied, by, rname="{name}_e")
    found = found.left_join(none, _ORDER, rname="{name}_n").left_join(mixed, _ORDER, rname="{name}_m")
    gone, is_mixed = found.gone.fill_null(False), found.when.notnull()
    return found.select(
        *by,
        person_id=is_mixed.ifelse(found.who, found.person_id),
        paid_at=is_mixed.ifelse(found.when, found.paid_at),
        amount_minor="amount_minor",
        wholly_refunded=gone,
        is_purchase=~gone & found.no_purchase.isnull() & (found.amount_minor > 0),
    )


def _categorized(lines: ibis.Table, products: ibis.Table) -> ibis.Table:
    """Lines with `category` filled: their own, else the product's, else unknown."""
    joined = lines.left_join(products.select("sku", product_category="category"), "sku")
    category = ibis.coalesce(joined.category, joined.product_category, ibis.literal(UNKNOWN_CATEGORY))
    return joined.select(*[c for c in lines.columns if c != "category"], category=category)


def _refunds(parts: ibis.Table, products: ibis.Table, sums: ibis.Table, terms: Terms) -> ibis.Table:
    """int_refunds: channel, store and exclusion of the matched order, else the refund's own."""
    rules = terms.exclusions
    parts = _categorized(parts, products)
    matched = parts.filter(parts.sale_order_id.notnull()).select(source="sale_source", order_id="sale_order_id")
    orders = sums.semi_join(matched.distinct(), _ORDER).select(
        o_source="source", o_order_id="order_id", o_channel="channel", o_store="store", o_excluded="is_excluded"
    )
    found = parts.left_join(orders, [("sale_source", "o_source"), ("sale_order_id", "o_order_id")])
    own = (
        _is_any(found.order_type, rules.order_types)
        | _is_any(found.channel, rules.channels)
        | _is_any(found.sku, rules.skus)
        | _is_any(found.person_id, rules.person_ids)
    )
    return found.select(
        *_ORDER,
        "line_no",
        "part_no",
        "person_id",
        refunded_at="occurred_at",
        day=local_day(found.occurred_at, terms.zone, *terms.span),
        sku="sku",
        category="category",
        quantity=(found.units / 10_000).cast("decimal(18, 4)"),
        amount_minor="part_minor",
        sale_source="sale_source",
        sale_order_id="sale_order_id",
        sale_line_no="sale_line_no",
        channel=found.o_excluded.notnull().ifelse(found.o_channel, found.channel),
        store=found.o_excluded.notnull().ifelse(found.o_store, found.store),
        is_excluded=ibis.coalesce(found.o_excluded, own),
    )
