"""How soon first-time buyers come back: cumulative share with a second purchase by day."""

from collections.abc import Sequence

import ibis

from huitou.analytics.metric import Cell, Figure, Metric, whole
from huitou.analytics.metric_facts import Facts, keys
from huitou.analytics.periods import Periods

# Days since the first purchase at which the curve is read.
STEPS = (0, 1, 3, 7, 14, 21, 30, 45, 60, 75, 90, 120, 150, 180, 210, 240, 270, 300, 330, 365)


def _compute(facts: Facts, periods: Periods, dims: tuple[str, ...]) -> ibis.Table:
    ordered = facts.sequence(dims)
    opening = ordered.filter(ordered.purchase_no <= 2)
    people = opening.group_by([*keys(dims), "person_id"]).aggregate(
        first_at=opening.paid_at.min(),
        day=opening.day.min(),
        second_at=opening.paid_at.max(where=opening.purchase_no == 2),
    )
    started = people.inner_join(periods.calendar(), "day")
    back = {
        f"within_{days}": (started.second_at <= started.first_at + ibis.interval(hours=24 * days))
        .fill_null(False)
        .sum()
        for days in STEPS
    }
    return started.group_by(["period", *keys(dims)]).aggregate(denominator=started.count(), **back)


def _figures(cell: Cell) -> Sequence[Figure]:
    people = whole(cell.measures, "denominator")
    rows = []
    for days in STEPS:
        back = whole(cell.measures, f"within_{days}")
        rows.append(Figure(back / people if people else None, back, people, series=str(days), window_days=days))
    return rows


METRIC = Metric(
    kind="second_order_curve",
    label="Second order curve",
    term_zh="二次购买曲线",
    definition=(
        "Of the customers whose first purchase ever lies in the period, the cumulative share with a second purchase "
        "at most d × 24 hours after it. Right-censored: a point is final d days after the period's end; before "
        "that it counts the second purchases known so far over all first-time buyers, so it can only rise."
    ),
    not_to_confuse=(
        "Not the repurchase rate within N days, which follows everybody who bought in the period: here only people "
        "whose first purchase ever lies in it."
    ),
    unit="rate",
    compute=_compute,
    figures=_figures,
    series_doc="days since the first purchase",
)
