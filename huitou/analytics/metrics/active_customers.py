"""Number of customers who did something other than buying."""

import ibis

from huitou.analytics.metric import Metric, amount
from huitou.analytics.metric_facts import Facts, keys
from huitou.analytics.periods import Periods


def _compute(facts: Facts, periods: Periods, dims: tuple[str, ...]) -> ibis.Table:
    active = facts.interactions_by_day(dims).inner_join(periods.calendar(), "day")
    people = active.select("period", *keys(dims), "person_id").distinct()
    return people.group_by(["period", *keys(dims)]).aggregate(numerator=people.count())


METRIC = Metric(
    kind="active_customers",
    label="Active customers",
    term_zh="活跃客户数",
    definition=(
        "Number of different customers with at least one interaction in the period: something they did other than "
        "buying, such as a visit, a reply or a check-in. By month this is what is called MAU. What was done to them, "
        "such as a message received, does not count."
    ),
    not_to_confuse=(
        "Not the buyers: a customer can be active without buying, and buy without an interaction on record. Visitors "
        "who have not said who they are count too, one for each device. Periods do not add up: somebody who is active "
        "in two months is one active customer of the year."
    ),
    unit="count",
    compute=_compute,
    figures=amount,
    uses_interactions=True,
    dimensions=("attribute",),
)
