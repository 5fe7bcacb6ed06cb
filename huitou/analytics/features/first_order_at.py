"""First purchase."""

from __future__ import annotations

from huitou.analytics.feature import Feature

FEATURE = Feature(
    kind="first_order_at",
    label="First purchase",
    term_zh="首次购买时间",
    definition="Instant of the first purchase.",
    unit="instant",
    over_orders=lambda rows, moment: rows["at"].min(),
)
