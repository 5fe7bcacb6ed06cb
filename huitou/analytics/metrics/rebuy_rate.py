"""Share of the previous period's buyers who buy again in this one."""

import ibis

from huitou.analytics.metric import CALENDAR_GRAINS, Metric, quotient
from huitou.analytics.metric_facts import Facts, keys
from huitou.analytics.periods import Periods


def _compute(facts: Facts, periods: Periods, dims: tuple[str, ...]) -> ibis.Table:
    bought = facts.known_purchases(dims).inner_join(periods.comparison(), "day")
    customers = bought.group_by(["period", *keys(dims), "person_id"]).aggregate(
        before=bought.is_previous.cast("int8").max(), now=(~bought.is_previous).cast("int8").max()
    )
    return customers.group_by(["period", *keys(dims)]).aggregate(
        numerator=((customers.before == 1) & (customers.now == 1)).sum(), denominator=(customers.before == 1).sum()
    )


METRIC = Metric(
    kind="rebuy_rate",
    label="Rebuy rate",
    term_zh="回购率",
    definition=(
        "Of the identified buyers of the previous calendar period, the share who buy again in this one. The previous "
        "period counts whole, even where it lies before the range asked for."
    ),
    not_to_confuse=(
        "Not the repurchase rate (复购率), which looks inside one period: here one purchase in each of two neighboring "
        "periods is needed."
    ),
    unit="rate",
    compute=_compute,
    figures=quotient,
    grains=CALENDAR_GRAINS,
)
