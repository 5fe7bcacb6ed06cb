"""Spend after refunds."""

from __future__ import annotations

from huitou.analytics.feature import Feature

FEATURE = Feature(
    kind="net_spend_minor",
    label="Spend after refunds",
    term_zh="累计净消费金额",
    definition="Amount of all purchases so far, less what went back of them.",
    unit="minor",
    over_orders=lambda rows, moment: rows["amount"].sum() - rows["refunded"].sum(),
    empty=0,
)
