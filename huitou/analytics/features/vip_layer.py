"""VIP layer."""

from __future__ import annotations

from huitou.analytics.feature import Feature
from huitou.analytics.features._ranks import in_top

FEATURE = Feature(
    kind="vip_layer",
    label="VIP layer",
    term_zh="VIP层",
    definition=(
        "Averages at least 3 purchases in 30 days over the last 90 days, and stands in the top 20 % of buyers by "
        "average order value. The numbers are brand settings."
    ),
    unit="flag",
    derive=lambda t, moment: (
        (t["orders_90d"] >= 3 * moment.thresholds.vip_monthly_count)
        & in_top(t["aov_minor"], moment.thresholds.vip_aov_percent)
    ),
    needs=("orders_90d", "aov_minor"),
)
