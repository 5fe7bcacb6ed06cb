"""Mean days between purchases."""

from __future__ import annotations

import ibis

from huitou.analytics.days import days_between
from huitou.analytics.feature import Feature, Moment


def _mean_gap(t: ibis.Table, moment: Moment) -> ibis.Value:
    """The gaps add up to the time from first to last, so no gap needs to be looked at."""
    return days_between(t["first_order_at"], t["last_order_at"]) / (t["order_count"] - 1).nullif(0)


FEATURE = Feature(
    kind="interpurchase_days_mean",
    label="Mean days between purchases",
    term_zh="平均购买间隔",
    definition="Mean days of 24 hours between consecutive purchases; needs two purchases.",
    unit="days",
    derive=_mean_gap,
    needs=("first_order_at", "last_order_at", "order_count"),
)
