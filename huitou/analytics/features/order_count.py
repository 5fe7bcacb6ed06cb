"""Purchases."""

from __future__ import annotations

from huitou.analytics.feature import Feature

FEATURE = Feature(
    kind="order_count",
    label="Purchases",
    term_zh="累计购买次数",
    definition="All purchases so far.",
    unit="count",
    over_orders=lambda rows, moment: rows["at"].count(),
    empty=0,
)
