"""What customers did after they were assigned to an arm, and before: sums by arm and day, for statistics.

Every assigned customer counts in its arm whether anything reached it or not (intention to treat).
"""

from __future__ import annotations

from datetime import datetime

import ibis

from huitou.analytics.days import local_day

# How long before its assignment a customer's purchases are looked at to take noise off, and how many count at most:
# a shop that buys a hundred times would outweigh everybody else.
PRIOR_DAYS = 365
PRIOR_PURCHASES_MOST = 10


def assigned_customers(exposures: ibis.Table, links: ibis.Table, *, until: datetime) -> ibis.Table:
    """One row per experiment and customer assigned by `until`: experiment, customer, arm, at, is_mixed.

    Of several persons of a customer the earliest assignment counts; `is_mixed` says that they drew different arms.

    Parameters
    ----------
    exposures : rows of fct_exposures, of experiments that end together
    links : dim_person_links
    """
    rows = exposures.filter(exposures.kind == "assigned")
    linked = links.select(linked=links.person_id, customer=links.customer_id)
    joined = rows.left_join(linked, rows.person_id == linked.linked)
    known = joined.select(
        "experiment", "person_id", "arm", "at", customer=ibis.coalesce(joined.customer, joined.person_id)
    )
    every = ibis.window(group_by=["experiment", "customer"])
    placed = known.mutate(
        place=ibis.row_number().over(ibis.window(group_by=["experiment", "customer"], order_by=["at", "person_id"])),
        is_mixed=known.arm.min().over(every) != known.arm.max().over(every),
    )
    return placed.filter((placed.place == 0) & (placed["at"] <= ibis.literal(until))).select(
        "experiment", "customer", "arm", "at", "is_mixed"
    )


def outcomes(customers: ibis.Table, orders: ibis.Table, *, window_days: int) -> ibis.Table:
    """`customers` with what each did in its window of `window_days` × 24 hours and in the PRIOR_DAYS before it.

    Columns bought (0 or 1: a purchase strictly after the assignment), purchases, revenue (net of refunds, minor units),
    prior_purchases (at most PRIOR_PURCHASES_MOST), prior_revenue; all float64 but the counts.
    """
    counted = orders.filter(~orders.is_excluded & orders.person_id.notnull())
    bought = counted.select(
        "is_purchase", "paid_at", buyer=counted.person_id, net=counted.amount_minor - counted.refunded_minor
    )
    near = customers.left_join(bought, customers.customer == bought.buyer)
    inside = (near.paid_at > near["at"]) & (near.paid_at <= near["at"] + ibis.interval(hours=24 * window_days))
    before = (near.paid_at <= near["at"]) & (near.paid_at > near["at"] - ibis.interval(hours=24 * PRIOR_DAYS))

    def count(condition: ibis.Value) -> ibis.Value:
        return condition.fill_null(False).cast("int64").sum()

    def money(condition: ibis.Value) -> ibis.Value:
        return condition.fill_null(False).ifelse(near.net, 0).sum().cast("float64")

    each = near.group_by(["experiment", "customer", "arm", "at", "is_mixed"]).aggregate(
        purchases=count(inside & near.is_purchase),
        prior_purchases=count(before & near.is_purchase),
        revenue=money(inside),
        prior_revenue=money(before),
    )
    return each.mutate(
        bought=(each.purchases > 0).cast("int64"),
        prior_purchases=ibis.least(each.prior_purchases, PRIOR_PURCHASES_MOST),
    )


def sums_by_day(each: ibis.Table, *, zone: str, since: datetime, until: datetime) -> ibis.Table:
    """One row per experiment, arm and day of assignment in `zone`: customers, mixed, and the sums that `stats` needs.

    `since` and `until` enclose the instants of assignment.
    """
    rows = each.mutate(day=local_day(each["at"], zone, since, until))
    prior, spent = rows.prior_purchases.cast("float64"), rows.prior_revenue
    return rows.group_by(["experiment", "day", "arm"]).aggregate(
        customers=rows.count(),
        mixed=rows.is_mixed.cast("int64").sum(),
        buyers=rows.bought.sum(),
        purchases=rows.purchases.sum(),
        revenue=rows.revenue.sum(),
        revenue_squares=(rows.revenue * rows.revenue).sum(),
        prior=prior.sum(),
        prior_squares=(prior * prior).sum(),
        prior_with_bought=(prior * rows.bought).sum(),
        spent=spent.sum(),
        spent_squares=(spent * spent).sum(),
        spent_with_revenue=(spent * rows.revenue).sum(),
    )


def late_refunds(
    customers: ibis.Table, orders: ibis.Table, refunds: ibis.Table, *, window_days: int, after: datetime
) -> ibis.Table:
    """What went back `after` the end for orders of the windows: one row per experiment and arm, `amount_minor`."""
    back = refunds.filter(
        refunds.sale_order_id.notnull() & ~refunds.is_excluded & (refunds.refunded_at > ibis.literal(after))
    )
    sold = orders.filter(~orders.is_excluded).select(
        sold_source=orders.source, sold_id=orders.order_id, buyer=orders.person_id, paid_at=orders.paid_at
    )
    gone = back.select("sale_source", "sale_order_id", "amount_minor")
    matched = gone.inner_join(sold, [gone.sale_source == sold.sold_source, gone.sale_order_id == sold.sold_id])
    near = matched.inner_join(customers, matched.buyer == customers.customer)
    inside = (near.paid_at > near["at"]) & (near.paid_at <= near["at"] + ibis.interval(hours=24 * window_days))
    return near.filter(inside).group_by(["experiment", "arm"]).aggregate(amount_minor=near.amount_minor.sum())
