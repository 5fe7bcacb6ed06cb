"""Nurture layer."""

from __future__ import annotations

import ibis

from huitou.analytics.feature import Feature
from huitou.analytics.features._ranks import in_top

FEATURE = Feature(
    kind="nurture_layer",
    label="Nurture layer",
    term_zh="培育层",
    definition=(
        "Top 20 % of buyers by average order value, with long gaps: 60 days or more between purchases on average, "
        "or since the only one. The numbers are brand settings."
    ),
    unit="flag",
    derive=lambda t, moment: (
        in_top(t["aov_minor"], moment.thresholds.nurture_aov_percent)
        & (
            ibis.coalesce(t["interpurchase_days_mean"], t["days_since_last_order"].cast("float64"))
            >= moment.thresholds.nurture_gap_days
        )
    ),
    needs=("aov_minor", "interpurchase_days_mean", "days_since_last_order"),
)
