"""Repeat purchases in 365 days."""

from __future__ import annotations

from huitou.analytics.feature import Feature

FEATURE = Feature(
    kind="repeat_orders_365d",
    label="Repeat purchases in 365 days",
    term_zh="近一年复购次数",
    definition="Purchases in the last 365 × 24 hours that were not the customer's first ever.",
    unit="count",
    over_orders=lambda rows, moment: (rows["is_repeat"] & (rows["at"] >= moment.ago(365))).sum(),
    empty=0,
)
