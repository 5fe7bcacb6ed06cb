"""Days with an interaction in the last 30 days."""

from __future__ import annotations

from huitou.analytics.feature import Feature

FEATURE = Feature(
    kind="active_days_30d",
    label="Active days in 30 days",
    term_zh="近30天活跃天数",
    definition="Different days, in the brand's zone, with an interaction in the last 30 × 24 hours.",
    unit="count",
    over_interactions=lambda rows, moment: rows["day"].nunique(where=rows["first_at"] >= moment.ago(30)),
    cut_days=30,
    empty=0,
)
