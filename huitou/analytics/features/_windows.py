"""Purchases and money within the last days: one shape, several windows."""

from __future__ import annotations

from huitou.analytics.feature import Feature


def orders_within(days: int) -> Feature:
    """Number of purchases in the last `days` times 24 hours."""
    return Feature(
        kind=f"orders_{days}d",
        label=f"Purchases in {days} days",
        term_zh=f"近{days}天购买次数",
        definition=f"Purchases in the last {days} × 24 hours.",
        unit="count",
        over_orders=lambda rows, moment: (rows["at"] >= moment.ago(days)).sum(),
        empty=0,
    )


def spend_within(days: int) -> Feature:
    """Money of the purchases in the last `days` times 24 hours."""
    return Feature(
        kind=f"spend_{days}d_minor",
        label=f"Spend in {days} days",
        term_zh=f"近{days}天消费金额",
        definition=f"Amount of the purchases in the last {days} × 24 hours, before refunds.",
        unit="minor",
        over_orders=lambda rows, moment: rows["amount"].sum(where=rows["at"] >= moment.ago(days)),
        empty=0,
    )
