"""Share of a period's buyers with whom nothing happened in the 30 days after their purchase."""

import ibis

from huitou.analytics.metric import Metric, quotient
from huitou.analytics.metric_facts import Facts, keys
from huitou.analytics.periods import Periods

DAYS = 30


def buyers(facts: Facts, periods: Periods, dims: tuple[str, ...] = ()) -> ibis.Table:
    """One row per buyer, period and combination: bought_on, and seen, 1 with an interaction on the 30 days after."""
    bought = facts.known_purchases(dims).inner_join(periods.calendar(), "day")
    first = bought.group_by(["period", *keys(dims), "person_id"]).aggregate(bought_on=bought.day.min())
    # Dimensions are attributes of persons, so the person alone joins both sides.
    done = facts.interactions_by_day()
    active = done.select(active_person=done.person_id, active_on=done.day).distinct()
    joined = first.left_join(active, first.person_id == active.active_person)
    inside = (joined.active_on > joined.bought_on) & (joined.active_on <= joined.bought_on + ibis.interval(days=DAYS))
    return joined.group_by(["period", *keys(dims), "person_id"]).aggregate(
        bought_on=joined.bought_on.min(), seen=inside.fill_null(False).cast("int64").max()
    )


def _compute(facts: Facts, periods: Periods, dims: tuple[str, ...]) -> ibis.Table:
    customers = buyers(facts, periods, dims)
    silent = (customers.seen == 0).cast("int64")
    return customers.group_by(["period", *keys(dims)]).aggregate(numerator=silent.sum(), denominator=customers.count())


METRIC = Metric(
    kind="contact_gap_rate",
    label="Contact gap after purchase",
    term_zh="触达断链率",
    definition=(
        "Of the customers with a purchase in the period, the share without any interaction on the 30 days that follow "
        "the day of their first purchase in the period: no visit, no reply, no click, nothing that they did other than "
        "buying. What was only sent to them is no interaction. Final 30 days after the period's end."
    ),
    not_to_confuse=(
        "Not the share to whom nothing was sent: a message that nobody reacted to leaves the gap open. Not churn "
        "either: somebody who buys again without any interaction counts as out of contact."
    ),
    unit="rate",
    compute=_compute,
    figures=quotient,
    window_days=DAYS,
    uses_interactions=True,
    dimensions=("attribute",),
)
