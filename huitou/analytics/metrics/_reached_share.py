"""The share of customers meant to be reached for whom something holds of one of their messages."""

from collections.abc import Callable

import ibis

from huitou.analytics.metric_facts import Facts, keys
from huitou.analytics.periods import Periods


def share_of_meant(column: str) -> Callable[[Facts, Periods, tuple[str, ...]], ibis.Table]:
    """Counts of customers by the day that their messages were planned for; `column` is one of `meant_touches`."""

    def compute(facts: Facts, periods: Periods, dims: tuple[str, ...]) -> ibis.Table:
        meant = facts.meant_touches(dims).inner_join(periods.calendar(), "day")
        customers = meant.group_by(["period", *keys(dims), "person_id"]).aggregate(
            held=meant[column].cast("int64").max()
        )
        return customers.group_by(["period", *keys(dims)]).aggregate(
            numerator=customers.held.sum(), denominator=customers.count()
        )

    return compute
