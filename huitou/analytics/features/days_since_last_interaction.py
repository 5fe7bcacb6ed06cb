"""Days since the last interaction."""

from __future__ import annotations

from huitou.analytics.feature import Feature

FEATURE = Feature(
    kind="days_since_last_interaction",
    label="Days since the last interaction",
    term_zh="距最近互动天数",
    definition="Whole spans of 24 hours since the last interaction; purchases have a clock of their own.",
    unit="days",
    derive=lambda t, moment: moment.days_since(t["last_interaction_at"]),
    needs=("last_interaction_at",),
    whole_days=True,
)
