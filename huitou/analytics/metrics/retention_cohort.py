"""How many of the customers gained in a period buy again in each period after it."""

from collections.abc import Sequence

import ibis

from huitou.analytics.metric import CALENDAR_GRAINS, Cell, Figure, Metric, whole
from huitou.analytics.metric_facts import Facts, keys
from huitou.analytics.periods import Periods

# How many periods a cohort is followed.
REACH = {"day": 31, "week": 26, "month": 24, "quarter": 12, "year": 10}


def _compute(facts: Facts, periods: Periods, dims: tuple[str, ...]) -> ibis.Table:
    by = keys(dims)
    reach = REACH[periods.grain]
    onward = periods.onward(reach).rename(active_period="period")
    first = facts.first_purchases(dims).rename(day="first_purchase_day")
    gained = first.inner_join(periods.calendar(), "day").select(*by, "person_id", "period")
    active = facts.known_purchases(dims).inner_join(onward, "day").select(*by, "person_id", "active_period").distinct()
    both = gained.inner_join(active, [*by, "person_id"])
    placed = both.mutate(after=both.active_period - both.period)
    counted = placed.group_by(["period", *by, "after"]).aggregate(people=placed.count())
    return counted.group_by(["period", *by]).aggregate(
        **{f"after_{k}": counted.people.sum(where=counted.after == k).fill_null(0) for k in range(reach + 1)}
    )


def _figures(cell: Cell) -> Sequence[Figure]:
    # In its own period everybody of the cohort buys: that count is the cohort's size.
    size = whole(cell.measures, "after_0")
    rows = []
    for k in range(REACH[cell.period.grain] + 1):
        start, end = cell.period.following(k)
        if k and start > cell.today:
            break
        back = whole(cell.measures, f"after_{k}")
        until = end if k else cell.period.last
        rows.append(Figure(back / size if size else None, back, size, series=str(k), until=until))
    return rows


METRIC = Metric(
    kind="retention_cohort",
    label="Retention by first purchase",
    term_zh="老客留存率",
    definition=(
        "Of the customers whose first purchase ever lies in the period, the share who buy in the k-th calendar period "
        "after it. Period 0 is the period of the first purchase and always whole. Periods that have not begun have "
        "no row; a period that is still running is incomplete."
    ),
    not_to_confuse=(
        "Not cumulative: a customer who skips a period and comes back counts again (see the second order curve for the "
        "cumulative view). Not the rebuy rate (回购率), which starts from all buyers of the period before."
    ),
    unit="rate",
    compute=_compute,
    figures=_figures,
    grains=CALENDAR_GRAINS,
    series_doc="periods since the period of the first purchase",
)
