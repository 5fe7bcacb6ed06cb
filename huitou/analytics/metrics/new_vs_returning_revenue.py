"""Revenue split by whether the buyer had bought before the sale."""

from collections.abc import Sequence

import ibis

from huitou.analytics.metric import Cell, Figure, Metric, whole
from huitou.analytics.metric_facts import Facts, keys, stack
from huitou.analytics.periods import Periods

SERIES = ("new", "returning", "anonymous")


def _movements(facts: Facts, dims: tuple[str, ...]) -> ibis.Table:
    """Money by day with the customer and the sale it belongs to: sale_at and sale_day, empty for unmatched refunds."""
    columns = [*keys(dims), "person_id", "day", "amount_minor", "sale_at", "sale_day"]
    sales, back = facts.sales(dims), facts.money_back(dims)
    sold = sales.mutate(sale_at=sales.paid_at, sale_day=sales.day)
    returned = back.mutate(amount_minor=-back.amount_minor)
    return stack(sold.select(*columns), returned.select(*columns))


def _compute(facts: Facts, periods: Periods, dims: tuple[str, ...]) -> ibis.Table:
    by = keys(dims)
    first = facts.first_purchases(dims).rename({f"first_{name}": name for name in [*by, "person_id"]})
    money = _movements(facts, dims).inner_join(periods.calendar(), "day")
    matches = [money.person_id == first.first_person_id, *[money[name] == first[f"first_{name}"] for name in by]]
    known = money.left_join(first, matches)
    before = known.first_purchase_day < known.sale_day if facts.occasion == "day" else known.first_at < known.sale_at
    state = ibis.cases(
        (known.person_id.isnull(), "anonymous"),
        (known.sale_at.isnull() | before.fill_null(False), "returning"),
        else_="new",
    )
    stated = known.mutate(state=state)
    return stated.group_by(["period", *by]).aggregate(
        **{name: stated.amount_minor.sum(where=stated.state == name).fill_null(0) for name in SERIES}
    )


def _figures(cell: Cell) -> Sequence[Figure]:
    amounts = {name: whole(cell.measures, name) for name in SERIES}
    return [Figure(amounts[name], amounts[name], series=name) for name in SERIES]


METRIC = Metric(
    kind="new_vs_returning_revenue",
    label="Revenue from new and returning customers",
    term_zh="新老客销售额",
    definition=(
        "Revenue split by the buyer's state at the sale: returning if the customer had a purchase before that sale "
        "(on an earlier day, where the day is the occasion), else new; anonymous without a customer. A matched refund "
        "is deducted, on its own day, where its sale was counted; an unmatched refund of a known customer is deducted "
        "from returning, because only someone who has bought can give back. The three add up to revenue."
    ),
    not_to_confuse=(
        "Not the revenue of people who were new in the period: a customer's second order counts as returning even "
        "in the month of the first."
    ),
    unit="minor",
    compute=_compute,
    figures=_figures,
    series_doc="new, returning or anonymous",
)
