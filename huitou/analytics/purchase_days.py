"""Days with a purchase, and the few numbers of a customer's history that models of repeat buying ask for."""

from __future__ import annotations

from collections.abc import Sequence

import ibis

from huitou.analytics.days import micros

_DAY = 86_400_000_000


def purchase_days(orders: ibis.Table) -> ibis.Table:
    """What customers bought by day.

    Parameters
    ----------
    orders
        int_orders, as of whichever instant.

    Returns
    -------
    ibis.Table
        One row per customer and day with a purchase: `person_id`, `day` (days since 1970 in the brand's zone, int64),
        `amount_minor` (after refunds known by then, at least 0).
    """
    bought = orders.filter(orders.is_purchase & orders.person_id.notnull())
    net = bought.amount_minor - bought.refunded_minor
    rows = bought.select(
        person_id="person_id",
        day=(micros(bought.day.cast("timestamp")) / _DAY).floor().cast("int64"),
        net=ibis.greatest(net, 0),
    )
    return rows.group_by(["person_id", "day"]).aggregate(amount_minor=rows.net.sum())


def purchase_spans(days: ibis.Table, end: int, windows: Sequence[int]) -> ibis.Table:
    """Each customer's history in short.

    Parameters
    ----------
    days
        `purchase_days`.
    end
        The first day that is not known, in days since 1970.
    windows
        Lengths in days.

    Returns
    -------
    ibis.Table
        One row per customer: `person_id`, `repeats` (days with a purchase after the first), `first_day`, `last_day`
        (days since 1970), `spend_minor`, `paid_days` (days with an amount above 0), and for each window such as 28 days
        `recent_28` (days with a purchase in it before `end`).
    """
    recent = {f"recent_{days_}": (days.day >= end - days_).sum().cast("int64") for days_ in windows}
    return days.group_by("person_id").aggregate(
        repeats=(days.count() - 1).cast("int64"),
        first_day=days.day.min(),
        last_day=days.day.max(),
        spend_minor=days.amount_minor.sum().cast("int64"),
        paid_days=(days.amount_minor > 0).sum().cast("int64"),
        **recent,
    )
