"""Revenue per purchase."""

from collections.abc import Sequence

import ibis

from huitou.analytics.metric import Cell, Figure, Metric, rounded_quotient, whole
from huitou.analytics.metric_facts import Facts, keys, merge_measures
from huitou.analytics.periods import Periods


def _compute(facts: Facts, periods: Periods, dims: tuple[str, ...]) -> ibis.Table:
    by = ["period", *keys(dims)]
    calendar = periods.calendar()
    money = facts.revenue(dims).inner_join(calendar, "day")
    bought = facts.purchases(dims).inner_join(calendar, "day")
    return merge_measures(
        by,
        (money.group_by(by).aggregate(numerator=money.amount_minor.sum()), ["numerator"]),
        (bought.group_by(by).aggregate(denominator=bought.count()), ["denominator"]),
    )


def _figures(cell: Cell) -> Sequence[Figure]:
    revenue, orders = whole(cell.measures, "numerator"), whole(cell.measures, "denominator")
    return [Figure(rounded_quotient(revenue, orders), revenue, orders)]


METRIC = Metric(
    kind="aov",
    label="Average order value",
    term_zh="客单价",
    definition=(
        "Revenue of the period (net of refunds on their own day) ÷ number of purchases, anonymous ones included, in "
        "minor units rounded half up. Numerator and denominator give the exact quotient."
    ),
    not_to_confuse=(
        "Not spend per customer: that is revenue ÷ buyers, also called 客单价 by some; this one is per order (笔单价). "
        "Refunds of earlier orders lower the period in which they are paid back."
    ),
    unit="minor",
    compute=_compute,
    figures=_figures,
)
