"""RFM monetary score."""

from __future__ import annotations

from huitou.analytics.feature import Feature
from huitou.analytics.features._ranks import quintile

FEATURE = Feature(
    kind="rfm_monetary_score",
    label="RFM monetary score",
    term_zh="RFM额度分",
    definition="1 to 5 by fifths of all buyers, 5 for the highest spend; equal values get equal scores.",
    unit="score",
    derive=lambda t, moment: quintile(t["spend_minor"].nullif(0)),
    needs=("spend_minor",),
)
