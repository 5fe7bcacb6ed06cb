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


def interactions_within(days: int) -> Feature:
    """Number of interactions in the last `days` times 24 hours."""
    return Feature(
        kind=f"interactions_{days}d",
        label=f"Interactions in {days} days",
        term_zh=f"近{days}天互动次数",
        definition=(
            f"Events of the last {days} × 24 hours that the customer did of their own accord; purchases do not count."
        ),
        unit="count",
        over_interactions=lambda rows, moment: rows["events"].sum(where=rows["first_at"] >= moment.ago(days)),
        cut_days=days,
        empty=0,
    )
