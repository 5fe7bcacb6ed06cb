"""The example's figures, through import, lake, refresh and metrics, against plain Python over the panel's files."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from functools import cache

import pyarrow.compute as pc
import pytest

from huitou.core.clock import FixedClock
from huitou.core.home import Home
from huitou.reports.queries import show_metric
from huitou.sources.connectors.complete_journey.loading import load_example
from huitou.sources.connectors.complete_journey.panel import OPENING
from huitou.sources.connectors.complete_journey.tests.test_panel import before, brand_lines

FROM, TO = date(2017, 1, 1), date(2017, 9, 30)
MONTHS = [f"2017-{month:02d}" for month in range(1, 10)]
Pair = tuple[int, int]


@dataclass
class Order:
    """One basket of the brand's lines; money in cents."""

    household: int
    paid_at: datetime
    cents: int = 0

    @property
    def month(self) -> str:
        return f"{self.paid_at:%Y-%m}"


@cache
def orders() -> list[Order]:
    found: dict[int, Order] = {}
    for line in before(brand_lines(), OPENING).to_pylist():
        order = found.setdefault(line["basket_id"], Order(line["household_id"], line["transaction_timestamp"]))
        order.cents += round(Decimal(repr(line["sales_value"])) * 100)
    return list(found.values())


@cache
def purchases() -> dict[int, list[datetime]]:
    """Instants of each household's purchases, in order."""
    found = defaultdict(list)
    for order in orders():
        if order.cents > 0:
            found[order.household].append(order.paid_at)
    return {household: sorted(instants) for household, instants in found.items()}


def in_month(month: str) -> dict[int, list[datetime]]:
    bought = {h: [t for t in instants if f"{t:%Y-%m}" == month] for h, instants in purchases().items()}
    return {household: instants for household, instants in bought.items() if instants}


def previous(month: str) -> str:
    return f"2017-{int(month[5:]) - 1:02d}"


def repurchase_rate(month: str) -> Pair:
    bought = in_month(month)
    return sum(len(instants) > 1 for instants in bought.values()), len(bought)


def repurchase_rate_30d(month: str) -> Pair:
    bought = in_month(month)
    window = timedelta(days=30)
    came = sum(
        any(instants[0] < later <= instants[0] + window for later in purchases()[household])
        for household, instants in bought.items()
    )
    return came, len(bought)


def returning_buyer_share(month: str) -> Pair:
    bought = in_month(month)
    return sum(f"{purchases()[household][0]:%Y-%m}" < month for household in bought), len(bought)


def rebuy_rate(month: str) -> Pair:
    earlier = in_month(previous(month))
    return len(earlier.keys() & in_month(month).keys()), len(earlier)


RATES: dict[str, Callable[[str], Pair]] = {
    "repurchase_rate": repurchase_rate,
    "repurchase_rate_30d": repurchase_rate_30d,
    "returning_buyer_share": returning_buyer_share,
    "rebuy_rate": rebuy_rate,
}


@pytest.mark.django_db(transaction=True)
def test_the_examples_figures_equal_plain_python(home: Home) -> None:
    load_example(home=home, clock=FixedClock(datetime(2026, 3, 4, tzinfo=UTC)))
    for name, oracle in RATES.items():
        rows = show_metric(name, from_date=FROM, to_date=TO).rows
        months = MONTHS[1:] if name == "rebuy_rate" else MONTHS
        found = {row.period: (row.numerator, row.denominator) for row in rows if row.period in months}
        assert found == {month: oracle(month) for month in months}, name
    totals = {
        "revenue": {month: sum(o.cents for o in orders() if o.month == month) for month in MONTHS},
        "orders": {month: sum(len(instants) for instants in in_month(month).values()) for month in MONTHS},
        "buyers": {month: len(in_month(month)) for month in MONTHS},
    }
    for name, expected in totals.items():
        assert {row.period: row.value for row in show_metric(name, from_date=FROM, to_date=TO).rows} == expected, name
    check_revenue_by_category()


def check_revenue_by_category() -> None:
    lines = before(brand_lines(), datetime(2017, 10, 1))  # noqa: DTZ001 - the panel's times are naive
    expected: dict[str, int] = defaultdict(int)
    for category, value in zip(
        lines["product_category"].to_pylist(), pc.round(lines["sales_value"], 2).to_pylist(), strict=True
    ):
        expected[category] += round(Decimal(repr(value)) * 100)
    rows = show_metric("revenue", from_date=FROM, to_date=TO, by=("category",)).rows
    assert {row.dims["category"]: row.value for row in rows} == expected
