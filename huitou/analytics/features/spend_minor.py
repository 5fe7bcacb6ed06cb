"""Spend."""

from __future__ import annotations

from huitou.analytics.feature import Feature

FEATURE = Feature(
    kind="spend_minor",
    label="Spend",
    term_zh="累计消费金额",
    definition="Amount of all purchases so far, before refunds.",
    unit="minor",
    over_orders=lambda rows, moment: rows["amount"].sum(),
    empty=0,
)
