"""RFM frequency score."""

from __future__ import annotations

from huitou.analytics.feature import Feature
from huitou.analytics.features._ranks import quintile

FEATURE = Feature(
    kind="rfm_frequency_score",
    label="RFM frequency score",
    term_zh="RFM频度分",
    definition="1 to 5 by fifths of all buyers, 5 for the most purchases; equal values get equal scores.",
    unit="score",
    derive=lambda t, moment: quintile(t["order_count"].nullif(0)),
    needs=("order_count",),
)
