"""Who is due, or late, by their own rhythm: one moment and one rule for the overview, the lists and the download."""

from __future__ import annotations

from datetime import datetime, timedelta

import ibis

from huitou.accounts.models import Brand
from huitou.core.clock import day_start, local_day
from huitou.orders.coverage import order_days
from huitou.orders.snapshot import get_last_refresh

# Due within so many days from the moment.
DUE_DAYS = 7
# Data whose last order is older than this are history: lists and figures stand as of the end of the data.
STALE_DAYS = 7
WEEK, LATE = "week", "late"


def is_historic(brand: Brand) -> bool:
    """Whether the orders end so long ago that "this week" can only mean the week after their end."""
    days = order_days(brand)
    return days is not None and (local_day(brand.now(), brand.tz) - days[1]).days > STALE_DAYS


def due_moment(brand: Brand) -> datetime:
    """From when on the week counts: the last refresh's instant, or the start of the last day with orders where the
    data are history. Raises NotRefreshedError.
    """
    days = order_days(brand)
    if days is not None and is_historic(brand):
        return day_start(days[1], brand.tz)
    return get_last_refresh().as_of


def is_due(table: ibis.Table, moment: datetime, which: str, *, days: int = DUE_DAYS) -> ibis.Value:
    """Rows of feat_customers that are due within `days` from `moment` (`week`), or that were due before it and are
    not yet declining (`late`).
    """
    due, start = table.next_order_due_at, ibis.literal(moment)
    if which == LATE:
        return ((due < start) & (table.lifecycle_stage != "declining")).fill_null(False)
    return ((due >= start) & (due < ibis.literal(moment + timedelta(days=days)))).fill_null(False)
