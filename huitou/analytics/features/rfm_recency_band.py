"""RFM recency band."""

from __future__ import annotations

from huitou.analytics.feature import Feature
from huitou.analytics.features._ranks import banded

FEATURE = Feature(
    kind="rfm_recency_band",
    label="RFM recency band",
    term_zh="RFM近度档",
    definition="1 to 5 by the brand's own cut-offs of days since the last purchase; 5 is the most recent.",
    unit="score",
    # Fewer days are better: a cut-off is reached by staying at or under it.
    derive=lambda t, moment: banded(-t["days_since_last_order"], _negative(moment.thresholds.rfm_recency_days)),
    needs=("days_since_last_order",),
)


def _negative(cuts: tuple[int, int, int, int]) -> tuple[int, int, int, int]:
    return -cuts[3], -cuts[2], -cuts[1], -cuts[0]
