"""Dormant layer."""

from __future__ import annotations

import ibis

from huitou.analytics.feature import Feature

FEATURE = Feature(
    kind="dormant_layer",
    label="Dormant layer",
    term_zh="沉睡层",
    definition=(
        "dormant: no purchase for 30 days; long_dormant: for 60 days or more; empty for others. "
        "The numbers are brand settings."
    ),
    unit="text",
    derive=lambda t, moment: ibis.cases(
        (t["days_since_last_order"] >= moment.thresholds.long_dormant_days, "long_dormant"),
        (t["days_since_last_order"] >= moment.thresholds.dormant_days, "dormant"),
    ),
    needs=("days_since_last_order",),
)
