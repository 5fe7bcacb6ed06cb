"""Share of a period's buyers who had bought before it."""

import ibis

from huitou.analytics.metric import Metric, quotient
from huitou.analytics.metric_facts import Facts, keys
from huitou.analytics.periods import Periods


def _compute(facts: Facts, periods: Periods, dims: tuple[str, ...]) -> ibis.Table:
    by = [*keys(dims), "person_id"]
    bought = facts.known_purchases(dims).inner_join(periods.calendar(), "day")
    buyers = bought.select("period", *by).distinct().inner_join(facts.first_purchases(dims), by)
    placed = buyers.inner_join(periods.starts(), "period")
    before = placed.first_purchase_day < placed.first_day
    return placed.group_by(["period", *keys(dims)]).aggregate(numerator=before.sum(), denominator=placed.count())


METRIC = Metric(
    kind="returning_buyer_share",
    label="Returning buyer share",
    term_zh="老客占比",
    definition=(
        "Buyers of the period whose first purchase ever lies before the period's first day ÷ all identified buyers "
        "of the period."
    ),
    not_to_confuse=(
        "Not the repurchase rate (复购率): a returning buyer needs one purchase in the period, and a new customer who "
        "buys twice in it is no returning buyer. Counts people, not money."
    ),
    unit="rate",
    compute=_compute,
    figures=quotient,
)
