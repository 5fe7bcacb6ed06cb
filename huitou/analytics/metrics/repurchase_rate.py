"""Share of a period's customers who bought at least twice in it."""

import ibis

from huitou.analytics.metric import Metric, quotient
from huitou.analytics.metric_facts import Facts, keys
from huitou.analytics.periods import Periods


def _compute(facts: Facts, periods: Periods, dims: tuple[str, ...]) -> ibis.Table:
    bought = facts.known_purchases(dims).inner_join(periods.calendar(), "day")
    customers = bought.group_by(["period", *keys(dims), "person_id"]).aggregate(purchases=bought.count())
    return customers.group_by(["period", *keys(dims)]).aggregate(
        numerator=(customers.purchases >= 2).sum(), denominator=customers.count()
    )


METRIC = Metric(
    kind="repurchase_rate",
    label="Repurchase rate",
    term_zh="复购率",
    definition=(
        "Customers with two or more purchases in the period ÷ customers with one or more purchases in it. "
        "Anonymous purchases are left out."
    ),
    not_to_confuse=(
        "Not the share of returning customers (老客占比), who may buy only once in the period, and not the rate within "
        "N days, which follows each customer beyond the period's end. It grows with the length of the period: compare "
        "months with months."
    ),
    unit="rate",
    compute=_compute,
    figures=quotient,
)
