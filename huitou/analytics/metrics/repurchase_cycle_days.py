"""Median days between consecutive purchases of a customer."""

from collections.abc import Sequence

import ibis

from huitou.analytics.days import micros
from huitou.analytics.metric import Cell, Figure, Metric, whole
from huitou.analytics.metric_facts import Facts, keys
from huitou.analytics.periods import Periods

_MICROS_PER_DAY = 86_400_000_000


def _compute(facts: Facts, periods: Periods, dims: tuple[str, ...]) -> ibis.Table:
    ordered = facts.sequence(dims)
    later = ordered.filter(ordered.previous_paid_at.notnull()).inner_join(periods.calendar(), "day")
    gaps = later.select("period", *keys(dims), gap=micros(later.paid_at) - micros(later.previous_paid_at))
    return gaps.group_by(["period", *keys(dims)]).aggregate(
        median=gaps.gap.median().cast("float64"), denominator=gaps.count()
    )


def _figures(cell: Cell) -> Sequence[Figure]:
    median = cell.measures.get("median")
    days = None if median is None else median / _MICROS_PER_DAY
    return [Figure(days, denominator=whole(cell.measures, "denominator"))]


METRIC = Metric(
    kind="repurchase_cycle_days",
    label="Repurchase cycle",
    term_zh="复购周期",
    definition=(
        "Median of the exact days (seconds ÷ 86,400) between two consecutive purchases of the same customer, counted "
        "in the period of the later purchase. With an even number of gaps, the mean of the middle two. The "
        "denominator is the number of gaps."
    ),
    not_to_confuse=(
        "Not the time until customers who have not come back yet will do so: only gaps that ended count, so a young "
        "brand looks faster than it is. Not an average: one long gap does not move it."
    ),
    unit="days",
    compute=_compute,
    figures=_figures,
)
