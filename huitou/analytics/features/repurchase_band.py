"""Repurchase band."""

from __future__ import annotations

import ibis

from huitou.analytics.feature import Feature, Moment
from huitou.analytics.features._ranks import in_top


def _band(t: ibis.Table, moment: Moment) -> ibis.Value:
    cuts = moment.thresholds
    buys = t["order_count"] > 0
    repeats = buys.ifelse(t["repeat_orders_365d"], ibis.null("int64"))
    high = in_top(repeats, cuts.band_high_percent) & (repeats >= cuts.band_high_repeat_count)
    medium = in_top(repeats, cuts.band_high_percent + cuts.band_medium_percent)
    medium = medium & (repeats >= cuts.band_medium_repeat_count)
    return ibis.cases((high, "high"), (medium, "medium"), (buys, "low"))


FEATURE = Feature(
    kind="repurchase_band",
    label="Repurchase band",
    term_zh="复购分层",
    definition=(
        "high: among the top 10 % of buyers by repeat purchases in 365 days, with at least 5; medium: among the next "
        "30 %, with at least 2; low: the rest of the buyers. Equal counts stand equal; the numbers are brand settings."
    ),
    unit="text",
    derive=_band,
    needs=("order_count", "repeat_orders_365d"),
)
