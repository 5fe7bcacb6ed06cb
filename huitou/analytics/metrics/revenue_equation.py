"""Revenue as traffic × conversion × average order value × orders per buyer, and which factor moved it."""

from collections.abc import Sequence
from fractions import Fraction

import ibis

from huitou.analytics.metric import CALENDAR_GRAINS, Cell, Figure, Measures, Metric, rounded_quotient, whole
from huitou.analytics.metric_facts import Facts, keys, merge_measures
from huitou.analytics.metrics._log_mean import contributions
from huitou.analytics.periods import Periods

WITHOUT_TRAFFIC = "There are no visits on record for this: buyers stand in for traffic × conversion."


def _compute(facts: Facts, periods: Periods, dims: tuple[str, ...]) -> ibis.Table:
    calendar = periods.comparison()
    by = ["period", "is_previous", *keys(dims)]
    bought = facts.purchases(dims).inner_join(calendar, "day")
    known = bought.filter(bought.person_id.notnull())
    customers = known.group_by([*by, "person_id"]).aggregate(purchases=known.count())
    people = customers.group_by(by).aggregate(
        buyers=customers.count(), orders=customers.purchases.sum(), repeat_buyers=(customers.purchases >= 2).sum()
    )
    money = facts.revenue(dims).inner_join(calendar, "day")
    sums = money.group_by(by).aggregate(
        known_revenue=money.amount_minor.sum(where=money.person_id.notnull()).fill_null(0),
        anonymous_revenue=money.amount_minor.sum(where=money.person_id.isnull()).fill_null(0),
    )
    parts: list[tuple[ibis.Table, Sequence[str]]] = [
        (people, ["buyers", "orders", "repeat_buyers"]),
        (sums, ["known_revenue", "anonymous_revenue"]),
    ]
    visits = facts.visits_by_day(dims)
    if visits is not None:
        visitors = visits.inner_join(calendar, "day").select(*by, "person_id").distinct()
        parts.append((visitors.group_by(by).aggregate(traffic=visitors.count()), ["traffic"]))
    return merge_measures(by, *parts)


def _has_traffic(measures: Measures) -> bool:
    return whole(measures, "traffic") > 0


def _factors(measures: Measures, *, traffic: bool) -> list[Fraction]:
    """The factors of identified revenue, for a period that has buyers."""
    buyers, orders = whole(measures, "buyers"), whole(measures, "orders")
    later = [Fraction(orders, buyers), Fraction(whole(measures, "known_revenue"), orders)]
    visitors = whole(measures, "traffic")
    return [Fraction(visitors), Fraction(buyers, visitors), *later] if traffic else [Fraction(buyers), *later]


def _split(cell: Cell, *, traffic: bool) -> list[Figure]:
    """The change against the period before, as contributions that add up to it."""
    names = ["traffic", "conversion"] if traffic else ["buyers"]
    names += ["orders_per_buyer", "aov"]
    old, new = cell.previous, cell.measures
    # Money of people in a period without any purchase (refunds of earlier orders) belongs to no factor.
    loose = [0 if whole(m, "orders") else whole(m, "known_revenue") for m in (old, new)]
    parts = dict.fromkeys(names, 0)
    if whole(old, "buyers") and whole(new, "buyers"):
        split = contributions(_factors(old, traffic=traffic), _factors(new, traffic=traffic))
        parts = dict(zip(names, split, strict=True))
    else:
        # The later factors do not exist on one side: that there are buyers at all explains everything.
        explained = [whole(m, "known_revenue") - rest for m, rest in zip((old, new), loose, strict=True)]
        parts["conversion" if traffic else "buyers"] = explained[1] - explained[0]
    if any(loose):
        parts["money_without_purchases"] = loose[1] - loose[0]
    parts["anonymous_revenue"] = whole(new, "anonymous_revenue") - whole(old, "anonymous_revenue")
    change = sum(parts.values())
    return [
        Figure(change, change, series="change"),
        *[Figure(value, value, series=f"contribution.{name}") for name, value in parts.items()],
    ]


def _figures(cell: Cell) -> Sequence[Figure]:
    found = cell.measures
    buyers, orders, known = (whole(found, name) for name in ("buyers", "orders", "known_revenue"))
    anonymous, repeat, visitors = (whole(found, n) for n in ("anonymous_revenue", "repeat_buyers", "traffic"))
    traffic = _has_traffic(found) and _has_traffic(cell.previous)
    rows = [
        Figure(known + anonymous, known + anonymous, series="revenue"),
        Figure(anonymous, anonymous, series="anonymous_revenue"),
        Figure(known, known, series="identified_revenue"),
    ]
    if visitors:
        rows.append(Figure(visitors, visitors, series="traffic", unit="count"))
        rows.append(Figure(buyers / visitors, buyers, visitors, series="conversion", unit="ratio"))
    rows += [
        Figure(buyers, buyers, series="buyers", unit="count"),
        Figure(orders / buyers if buyers else None, orders, buyers, series="orders_per_buyer", unit="ratio"),
        Figure(rounded_quotient(known, orders), known, orders, series="aov"),
        Figure(repeat / buyers if buyers else None, repeat, buyers, series="repurchase_rate", unit="rate"),
    ]
    return [*rows, *_split(cell, traffic=traffic)]


def _without_traffic(figures: Sequence[Figure]) -> bool:
    return not any(figure.series == "contribution.traffic" for figure in figures)


METRIC = Metric(
    kind="revenue_equation",
    label="Revenue equation",
    term_zh="销售额公式",
    definition=(
        "Revenue = traffic × conversion × average order value × orders per buyer + anonymous revenue. Traffic is "
        "identified visitors, conversion is buyers ÷ visitors; without visits on record, buyers take the place of "
        "traffic × conversion. Orders per buyer is the (1 + repurchase) factor of the formula; the classic repurchase "
        "rate stands beside it. Average order value is that of identified customers, net of refunds. The change "
        "against the calendar period before is split by the logarithmic mean (LMDI-I) into contributions that add "
        "up to it."
    ),
    not_to_confuse=(
        "The split says which factor moved together with revenue, not what caused it. Orders per buyer less one is the "
        "mean number of repeat orders, not the share of people who repeat (复购率)."
    ),
    unit="minor",
    compute=_compute,
    figures=_figures,
    uses_visits=True,
    grains=CALENDAR_GRAINS,
    series_doc="factor, change, or contribution.<factor>",
    caveat=WITHOUT_TRAFFIC,
    needs_caveat=_without_traffic,
)
