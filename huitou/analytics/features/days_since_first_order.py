"""Days since first purchase."""

from __future__ import annotations

from huitou.analytics.feature import Feature

FEATURE = Feature(
    kind="days_since_first_order",
    label="Days since first purchase",
    term_zh="距首次购买天数",
    definition="Whole spans of 24 hours since the first purchase.",
    unit="days",
    derive=lambda t, moment: moment.days_since(t["first_order_at"]),
    needs=("first_order_at",),
    whole_days=True,
)
