"""RFM frequency band."""

from __future__ import annotations

from huitou.analytics.feature import Feature
from huitou.analytics.features._ranks import banded

FEATURE = Feature(
    kind="rfm_frequency_band",
    label="RFM frequency band",
    term_zh="RFM频度档",
    definition="1 to 5 by the brand's own cut-offs of purchases.",
    unit="score",
    derive=lambda t, moment: banded(t["order_count"].nullif(0), moment.thresholds.rfm_order_count),
    needs=("order_count",),
)
