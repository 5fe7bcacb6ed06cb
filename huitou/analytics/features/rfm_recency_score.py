"""RFM recency score."""

from __future__ import annotations

from huitou.analytics.feature import Feature
from huitou.analytics.features._ranks import quintile

FEATURE = Feature(
    kind="rfm_recency_score",
    label="RFM recency score",
    term_zh="RFM近度分",
    definition="1 to 5 by fifths of all buyers, 5 for the latest last purchase; equal values get equal scores.",
    unit="score",
    derive=lambda t, moment: quintile(t["last_order_at"]),
    needs=("last_order_at",),
)
