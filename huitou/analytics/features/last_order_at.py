"""Last purchase."""

from __future__ import annotations

from huitou.analytics.feature import Feature

FEATURE = Feature(
    kind="last_order_at",
    label="Last purchase",
    term_zh="最近购买时间",
    definition="Instant of the last purchase.",
    unit="instant",
    over_orders=lambda rows, moment: rows["at"].max(),
)
