"""Interaction score."""

from __future__ import annotations

from huitou.analytics.feature import Feature
from huitou.analytics.features._ranks import quintile

FEATURE = Feature(
    kind="interaction_score",
    label="Interaction score",
    term_zh="互动分",
    definition=(
        "1 to 5 by fifths of all customers who interacted in the last 90 days, 5 for the most interactions; equal "
        "counts get equal scores. Empty for those who did not."
    ),
    unit="score",
    derive=lambda t, moment: quintile(t["interactions_90d"].nullif(0)),
    needs=("interactions_90d",),
)
