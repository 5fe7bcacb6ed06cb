"""The borders of windows and periods, one by one: a second more or less, ties, midnights in the brand's zone."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import ibis
import pytest

from huitou.analytics.engines import open_scratch
from huitou.analytics.metric import Figure
from huitou.analytics.metric_rows import compute_rows
from huitou.analytics.metrics import METRICS
from huitou.analytics.metrics.tests.history import History, Order, Return, facts_of
from huitou.analytics.periods import Periods

ZONE = "Asia/Shanghai"
SECOND = timedelta(seconds=1)


@pytest.fixture(scope="module")
def backend(tmp_path_factory: pytest.TempPathFactory) -> ibis.BaseBackend:
    return ibis.duckdb.from_connection(open_scratch(tmp_path_factory.mktemp("borders")))


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(ZONE)).astimezone(UTC)


def buy(*instants: datetime, person: int | None = 1) -> tuple[Order, ...]:
    return tuple(Order(f"{person}-{n}", person, instant, {"care": 100}) for n, instant in enumerate(instants))


def ask(
    backend: ibis.BaseBackend, kind: str, orders: tuple[Order, ...], *, occasion: str = "order", month: int = 2
) -> dict[str | None, Figure]:
    """The metric of one month of 2020."""
    first = date(2020, month, 1)
    last = date(2020, month + 1, 1) - timedelta(days=1)
    facts = facts_of(History(ZONE, orders), occasion)
    periods = Periods("month", first, last)
    rows = compute_rows(METRICS[kind], facts, periods, (), today=date(2021, 1, 1), execute=backend.to_pyarrow)
    return {row.figure.series: row.figure for row in rows}


@pytest.mark.parametrize("days", [30, 60, 90, 180, 365])
@pytest.mark.parametrize(("nudge", "back"), [(-SECOND, 1), (timedelta(0), 1), (SECOND, 0)])
def test_the_window_of_n_days_includes_its_last_second(
    backend: ibis.BaseBackend, days: int, nudge: timedelta, back: int
) -> None:
    start = at("2020-02-29 23:59:59")
    figure = ask(backend, f"repurchase_rate_{days}d", buy(start, start + timedelta(days=days) + nudge))[None]
    assert (figure.numerator, figure.denominator) == (back, 1)


def test_a_purchase_at_the_same_instant_is_a_second_one_but_no_later_one(backend: ibis.BaseBackend) -> None:
    tie = buy(at("2020-02-10 12:00"), at("2020-02-10 12:00"))
    assert ask(backend, "repurchase_rate", tie)[None].value == 1
    assert ask(backend, "repurchase_rate_30d", tie)[None].value == 0
    assert ask(backend, "second_order_curve", tie)["0"].value == 1
    assert ask(backend, "repurchase_cycle_days", tie)[None].value == 0
    assert ask(backend, "repurchase_rate", tie, occasion="day")[None].value == 0


def test_the_window_starts_at_the_first_purchase_in_the_period(backend: ibis.BaseBackend) -> None:
    # Thirty-one days after the first, but two after the second: only the first one counts.
    late = buy(at("2020-02-01 00:00"), at("2020-03-03 00:00"), at("2020-01-31 23:59:59"))
    figure = ask(backend, "repurchase_rate_30d", late)[None]
    assert (figure.numerator, figure.denominator) == (0, 1)


def test_a_month_is_the_zones_month(backend: ibis.BaseBackend) -> None:
    # Half an hour before and after midnight in Shanghai; in UTC both are 29 February.
    around = buy(at("2020-02-29 23:30"), at("2020-03-01 00:30"))
    assert ask(backend, "orders", around)[None].value == 1
    assert ask(backend, "orders", around, month=3)[None].value == 1
    assert ask(backend, "rebuy_rate", around, month=3)[None].value == 1
    assert ask(backend, "returning_buyer_share", around, month=3)[None].value == 1
    assert ask(backend, "returning_buyer_share", around)[None].value == 0


def test_a_refund_lowers_revenue_on_its_own_day_where_its_sale_was_counted(backend: ibis.BaseBackend) -> None:
    first = Order(
        "a",
        1,
        at("2020-02-10 12:00"),
        {"care": 300, "food": 50},
        returns=(Return(at("2020-03-02 09:00"), "care", 300),),
    )
    again = Order("b", 1, at("2020-02-20 12:00"), {"care": 70})
    assert ask(backend, "revenue", (first, again))[None].value == 420
    assert ask(backend, "revenue", (first, again), month=3)[None].value == -300
    march = ask(backend, "new_vs_returning_revenue", (first, again), month=3)
    assert {name: figure.value for name, figure in march.items()} == {"new": -300, "returning": 0, "anonymous": 0}


def test_average_order_value_is_rounded_half_up_by_magnitude(backend: ibis.BaseBackend) -> None:
    two = (
        Order("a", None, at("2020-02-01 00:00"), {"care": 100}),
        Order("b", 1, at("2020-02-02 00:00"), {"care": 101}),
    )
    figure = ask(backend, "aov", two)[None]
    assert (figure.value, figure.numerator, figure.denominator) == (101, 201, 2)
