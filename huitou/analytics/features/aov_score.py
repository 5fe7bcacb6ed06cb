"""Average order value score."""

from __future__ import annotations

from huitou.analytics.feature import Feature
from huitou.analytics.features._ranks import quintile

FEATURE = Feature(
    kind="aov_score",
    label="Order value score",
    term_zh="客单价分",
    definition="1 to 5 by fifths of all buyers, 5 for the highest average order value; equal values get equal scores.",
    unit="score",
    derive=lambda t, moment: quintile(t["aov_minor"]),
    needs=("aov_minor",),
)
