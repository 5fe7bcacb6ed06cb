"""Number of identified customers who bought."""

import ibis

from huitou.analytics.metric import Metric, amount
from huitou.analytics.metric_facts import Facts, keys
from huitou.analytics.periods import Periods


def _compute(facts: Facts, periods: Periods, dims: tuple[str, ...]) -> ibis.Table:
    bought = facts.known_purchases(dims).inner_join(periods.calendar(), "day")
    people = bought.select("period", *keys(dims), "person_id").distinct()
    return people.group_by(["period", *keys(dims)]).aggregate(numerator=people.count())


METRIC = Metric(
    kind="buyers",
    label="Buyers",
    term_zh="购买人数",
    definition="Number of different identified customers with at least one purchase in the period.",
    not_to_confuse=(
        "Not the number of orders, and without anonymous buyers. Periods do not add up: a customer who buys in two "
        "months is one buyer of the year."
    ),
    unit="count",
    compute=_compute,
    figures=amount,
)
