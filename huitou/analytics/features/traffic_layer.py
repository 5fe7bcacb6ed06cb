"""Traffic layer."""

from __future__ import annotations

from huitou.analytics.feature import Feature
from huitou.analytics.features._ranks import in_top

FEATURE = Feature(
    kind="traffic_layer",
    label="Traffic layer",
    term_zh="流量层",
    definition=(
        "Averages at least one purchase in 30 days over the last 90 days, and does not stand in the upper half of "
        "buyers by average order value. The numbers are brand settings."
    ),
    unit="flag",
    derive=lambda t, moment: (
        (t["orders_90d"] >= 3 * moment.thresholds.traffic_monthly_count)
        & ~in_top(t["aov_minor"], 100 - moment.thresholds.traffic_aov_percent)
    ),
    needs=("orders_90d", "aov_minor"),
)
