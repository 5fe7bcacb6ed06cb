"""Discount share."""

from __future__ import annotations

from huitou.analytics.feature import Feature

FEATURE = Feature(
    kind="discount_share",
    label="Discount share",
    term_zh="优惠占比",
    definition="Reductions on purchases, as a share of their amount before reductions.",
    unit="rate",
    over_orders=lambda rows, moment: rows["discount"].sum() / (rows["amount"].sum() + rows["discount"].sum()).nullif(0),
)
