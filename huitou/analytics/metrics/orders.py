"""Number of purchases."""

import ibis

from huitou.analytics.metric import Metric, amount
from huitou.analytics.metric_facts import Facts, keys
from huitou.analytics.periods import Periods


def _compute(facts: Facts, periods: Periods, dims: tuple[str, ...]) -> ibis.Table:
    bought = facts.purchases(dims).inner_join(periods.calendar(), "day")
    return bought.group_by(["period", *keys(dims)]).aggregate(numerator=bought.count())


METRIC = Metric(
    kind="orders",
    label="Orders",
    term_zh="订单数",
    definition=(
        "Number of purchases in the period, anonymous ones included. A purchase is a paid order with a positive amount "
        "that is not wholly refunded, cancelled or excluded; by day, the orders of one customer and day are one."
    ),
    not_to_confuse=(
        "Not the number of order documents: unpaid, cancelled, wholly refunded, zero-amount and excluded orders do not "
        "count. By category, an order counts under every category it contains, so categories do not add up."
    ),
    unit="count",
    compute=_compute,
    figures=amount,
)
