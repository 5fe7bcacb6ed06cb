"""Average order value."""

from __future__ import annotations

from huitou.analytics.feature import Feature

FEATURE = Feature(
    kind="aov_minor",
    label="Average order value",
    term_zh="客单价",
    definition="Spend ÷ purchases, before refunds, rounded half up.",
    unit="minor",
    derive=lambda t, moment: (t["spend_minor"] / t["order_count"].nullif(0)).round(),
    needs=("spend_minor", "order_count"),
)
