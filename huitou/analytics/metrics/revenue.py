"""Money taken, less money given back, each on its own day."""

import ibis

from huitou.analytics.metric import Metric, amount
from huitou.analytics.metric_facts import Facts, keys
from huitou.analytics.periods import Periods


def _compute(facts: Facts, periods: Periods, dims: tuple[str, ...]) -> ibis.Table:
    money = facts.revenue(dims).inner_join(periods.calendar(), "day")
    return money.group_by(["period", *keys(dims)]).aggregate(numerator=money.amount_minor.sum())


METRIC = Metric(
    kind="revenue",
    label="Revenue",
    term_zh="销售额",
    definition=(
        "Amounts of paid orders on the day of payment, less refunds (matched to a sale or not) on the day of the "
        "refund. A wholly refunded order counts on its payment day and goes out on its refund day. Anonymous "
        "sales are in; unpaid, cancelled and excluded orders are out."
    ),
    not_to_confuse=(
        "Not gross sales (GMV), which keeps refunded and sometimes unpaid orders, and not money settled by a platform. "
        "A day with more refunds than sales is negative."
    ),
    unit="minor",
    compute=_compute,
    figures=amount,
)
