"""Categories bought."""

from __future__ import annotations

from huitou.analytics.feature import Feature

FEATURE = Feature(
    kind="categories_count",
    label="Categories bought",
    term_zh="购买品类数",
    definition="Different known categories among the purchases.",
    unit="count",
    over_categories=lambda rows, moment: rows.count(),
    empty=0,
)
