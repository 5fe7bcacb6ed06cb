"""Lifecycle stage."""

from __future__ import annotations

import ibis

from huitou.analytics.feature import Feature, Moment


def _stage(t: ibis.Table, moment: Moment) -> ibis.Value:
    cuts = moment.thresholds
    count, silent = t["order_count"], t["days_since_last_order"]
    has_rhythm = (count >= cuts.mature_order_count) & (t["interpurchase_days_mean"] >= 1)
    # A shopper of every day is not lost on the third: silence under the first days never counts as decline.
    patience = ibis.greatest(t["interpurchase_days_mean"] * cuts.declining_gap_percent / 100, cuts.new_days)
    is_new = (count == 0) | ((count == 1) & (t["days_since_first_order"] < cuts.new_days))
    is_declining = silent > has_rhythm.ifelse(patience, cuts.declining_days)
    return ibis.cases(
        (is_new, "new"), (is_declining, "declining"), (count < cuts.mature_order_count, "growing"), else_="mature"
    )


FEATURE = Feature(
    kind="lifecycle_stage",
    label="Lifecycle stage",
    term_zh="生命周期阶段",
    definition=(
        "new: no purchase yet, or the only one less than 30 days ago; growing: one or two purchases; mature: more; "
        "declining: silent for more than twice the own mean time between purchases, or for 90 days where there is "
        "no rhythm yet. The numbers are brand settings."
    ),
    unit="text",
    derive=_stage,
    needs=("order_count", "days_since_first_order", "days_since_last_order", "interpurchase_days_mean"),
)
