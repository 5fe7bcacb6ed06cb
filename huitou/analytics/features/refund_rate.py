"""Refund share."""

from __future__ import annotations

from huitou.analytics.feature import Feature

FEATURE = Feature(
    kind="refund_rate",
    label="Refund share",
    term_zh="退款率",
    definition=(
        "Money that went back, as a share of the money of all orders that count, wholly refunded ones included. "
        "Refunds that match no order are not in it."
    ),
    unit="rate",
    over_orders=lambda rows, moment: rows["returned"].sum() / rows["ordered"].sum().nullif(0),
)
