"""Next purchase due."""

from __future__ import annotations

import ibis

from huitou.analytics.days import micros
from huitou.analytics.feature import Feature, Moment


def _due(t: ibis.Table, moment: Moment) -> ibis.Value:
    gap = t["interpurchase_days_mean"]
    seconds = ((micros(t["last_order_at"]) + gap * 86_400_000_000) / 1_000_000).floor().cast("int64")
    due = seconds.as_timestamp("s")
    return ((gap >= 1) & (t["order_count"] >= 3)).ifelse(due, ibis.null(due.type()))


FEATURE = Feature(
    kind="next_order_due_at",
    label="Next purchase due",
    term_zh="预计下次购买时间",
    definition=(
        "Last purchase plus the mean time between purchases: when the next one is due by own rhythm. "
        "Needs three purchases, for one gap is no rhythm, and a mean of at least a day."
    ),
    unit="instant",
    derive=_due,
    needs=("last_order_at", "interpurchase_days_mean", "order_count"),
)
