"""Days since last purchase."""

from __future__ import annotations

from huitou.analytics.feature import Feature

FEATURE = Feature(
    kind="days_since_last_order",
    label="Days since last purchase",
    term_zh="距最近购买天数",
    definition="Whole spans of 24 hours since the last purchase.",
    unit="days",
    derive=lambda t, moment: moment.days_since(t["last_order_at"]),
    needs=("last_order_at",),
    whole_days=True,
)
