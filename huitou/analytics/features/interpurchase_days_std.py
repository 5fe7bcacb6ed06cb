"""Spread of days between purchases."""

from __future__ import annotations

from huitou.analytics.feature import Feature

FEATURE = Feature(
    kind="interpurchase_days_std",
    label="Spread of days between purchases",
    term_zh="购买间隔标准差",
    definition="Sample standard deviation of the days between consecutive purchases; needs three purchases.",
    unit="days",
    over_orders=lambda rows, moment: rows["gap_days"].std(how="sample", where=rows["at"].notnull()),
)
