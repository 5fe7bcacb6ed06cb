"""RFM monetary band."""

from __future__ import annotations

from huitou.analytics.feature import Feature
from huitou.analytics.features._ranks import banded

FEATURE = Feature(
    kind="rfm_monetary_band",
    label="RFM monetary band",
    term_zh="RFM额度档",
    definition="1 to 5 by the brand's own cut-offs of spend.",
    unit="score",
    derive=lambda t, moment: banded(t["spend_minor"].nullif(0), moment.thresholds.rfm_spend_minor),
    needs=("spend_minor",),
)
