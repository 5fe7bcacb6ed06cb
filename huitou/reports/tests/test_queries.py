"""Metrics over a real store: facts in the lake, a refresh, and figures equal to the plain-Python oracle."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import date, datetime, timedelta

import pytest
from django.utils.translation import override
from typer.testing import CliRunner

from config.cli import build
from huitou.accounts.models import Brand
from huitou.analytics.metrics import METRICS
from huitou.analytics.metrics.tests.history import History, Order, Return
from huitou.analytics.metrics.tests.oracle import ORACLES, Numbers, Question, periods, views
from huitou.core.home import Home
from huitou.reports.queries import MetricResult, MetricRow, show_metric
from huitou.reports.questions import QuestionError
from huitou.reports.tests.store import ZONE, append_visits, before, fill, random_history, shop_time

pytestmark = pytest.mark.django_db

Wanted = dict[tuple[str | None, tuple[str, ...], str | None], Numbers]

YEAR = (date(2019, 11, 1), date(2020, 10, 31))
NOW = shop_time("2020-11-01 00:00")


@pytest.fixture
def brand() -> Brand:
    return Brand.objects.create(pk=1, name="Test", zone=ZONE, clock_now=NOW)


def expected(kind: str, history: History, grain: str, dims: tuple[str, ...], occasion: str) -> Wanted:
    found: Wanted = {}
    for values, view in views(history, dims, occasion).items():
        for name, first, last, _ in periods(grain, *YEAR):
            question = Question(view, first, last, grain, occasion, history.day, YEAR[1])
            for series, numbers in ORACLES[kind](question).items():
                found[name, values, series] = numbers
    return found


def assert_equal(result: MetricResult, wanted: Wanted) -> None:
    found = {(r.period, tuple(r.dims.values()), r.series): r for r in result.rows}
    assert found.keys() <= wanted.keys()
    for key, row in found.items():
        value, numerator, denominator = wanted[key]
        assert (row.numerator, row.denominator) == (numerator, denominator), (result.metric, key)
        assert row.value == (pytest.approx(value, abs=1e-9) if result.unit == "days" else value), (result.metric, key)


PAST = shop_time("2020-07-15 00:00")
# An earlier instant is computed from the facts at each question: some for each kind of facts, the soak asks them all.
OF_THE_PAST = ("revenue", "repurchase_rate_90d", "contact_gap_rate", "reach_coverage_rate", "retention_cohort")


@pytest.mark.parametrize(
    ("kinds", "as_of", "grain", "asked", "occasion"),
    [
        (OF_THE_PAST, PAST, "quarter", ("category",), "order"),
        (ORACLES, None, "week", ("channel",), "day"),
        (ORACLES, None, "year", ("store", "attribute.city"), "day"),
        pytest.param(ORACLES, PAST, "quarter", ("category",), "order", marks=pytest.mark.soak),
        pytest.param(ORACLES, None, "quarter", ("category",), "order", marks=pytest.mark.soak),
        pytest.param(ORACLES, None, "month", (), "order", marks=pytest.mark.soak),
    ],
)
def test_figures_equal_the_oracle(
    home: Home,
    brand: Brand,
    kinds: Iterable[str],
    as_of: datetime | None,
    grain: str,
    asked: tuple[str, ...],
    occasion: str,
) -> None:
    # Purchases after now would be known to the oracle only.
    history = before(random_history(7), NOW)
    fill(home, brand, history)
    known = history if as_of is None else before(history, as_of)
    for kind in kinds:
        dims = tuple(dim for dim in asked if dim.split(".")[0] in METRICS[kind].dimensions)
        result = show_metric(
            kind, from_date=YEAR[0], to_date=YEAR[1], by=(grain, *dims), as_of=as_of, occasion=occasion
        )
        if kind == "retention_cohort" and as_of is not None:
            # Periods that had not begun by then have no row.
            assert {r.series for r in result.rows if r.period == "2020-Q3"} <= {"0"}
        wanted = expected(kind, known, grain, dims, occasion)
        assert_equal(result, wanted)
        assert len(result.rows) > 0


def rows_of(name: str, by: str = "month", **more: object) -> dict[str | None, MetricRow]:
    result = show_metric(name, from_date=date(2020, 1, 1), to_date=date(2020, 4, 15), by=(by,), **more)  # type: ignore[arg-type]
    return {row.period: row for row in result.rows}


def test_complete_follows_the_clock_and_covered_follows_the_facts(home: Home, brand: Brand) -> None:
    days = ["2020-01-03 10:00", "2020-01-20 10:00", "2020-02-29 23:59", "2020-03-31 00:00"]
    fill(home, brand, History(ZONE, tuple(Order(f"o{n}", 1, shop_time(d), {"care": 9}) for n, d in enumerate(days))))
    rows = rows_of("orders")
    assert [(r.period, r.value, r.complete, r.covered) for r in rows.values()] == [
        ("2020-01", 2, True, True),
        ("2020-02", 1, True, True),
        ("2020-03", 1, True, True),
        ("2020-04", 0, False, False),  # the range cuts April
    ]
    late = rows_of("repurchase_rate_90d", as_of=shop_time("2020-05-30 00:00"))
    # Ninety days after February's last instant is 30 May, 00:00: just over. No facts lie beyond 31 March.
    assert (late["2020-02"].complete, late["2020-02"].covered) == (True, False)
    assert not late["2020-03"].complete
    assert not rows_of("repurchase_rate_90d", as_of=shop_time("2020-05-29 00:00"))["2020-02"].complete
    early = rows_of("repurchase_rate_30d")
    assert (early["2020-01"].covered, early["2020-02"].covered) == (True, True)
    old = show_metric("orders", from_date=date(2019, 12, 1), to_date=date(2019, 12, 31))
    assert (old.rows[0].value, old.rows[0].complete, old.rows[0].covered) == (0, True, False)


def test_as_of_is_exclusive_and_forgets_later_refunds(home: Home, brand: Brand) -> None:
    sale, midnight = shop_time("2020-01-31 20:00"), shop_time("2020-02-01 00:00")
    fill(
        home,
        brand,
        History(
            ZONE,
            (
                Order("kept", 1, sale, {"care": 500}, returns=(Return(midnight, "care", 500),)),
                Order("late", 1, midnight, {"care": 70}),
            ),
        ),
    )
    assert rows_of("orders")["2020-01"].value == 0
    assert rows_of("revenue")["2020-02"].value == -430
    then = rows_of("orders", as_of=midnight)
    assert (then["2020-01"].value, then["2020-02"].value) == (1, 0)
    assert rows_of("revenue", as_of=midnight)["2020-01"].value == 500


def test_as_of_a_day_to_come_is_as_known_now(home: Home, brand: Brand) -> None:
    fill(home, brand, History(ZONE, (Order("a", 1, shop_time("2020-03-02 09:00"), {"care": 5}),)))
    later = show_metric(
        "repurchase_rate_365d",
        from_date=date(2020, 3, 1),
        to_date=date(2020, 3, 31),
        as_of=shop_time("2030-01-01 00:00"),
    )
    assert later.as_of == NOW
    assert not later.rows[0].complete


def test_a_new_refresh_gives_new_figures(home: Home, brand: Brand) -> None:
    fill(home, brand, History(ZONE, (Order("a", 1, shop_time("2020-01-02 09:00"), {"care": 5}),)), noise=False)
    assert rows_of("revenue")["2020-01"].value == 5
    again = History(ZONE, (Order("a", 1, shop_time("2020-01-02 09:00"), {"care": 8}),))
    fill(home, brand, again, batch=2, noise=False)
    assert rows_of("revenue")["2020-01"].value == 8


def test_visits_become_traffic_on_their_local_day(home: Home, brand: Brand) -> None:
    midnight = shop_time("2020-02-01 00:00")
    before_midnight = midnight - timedelta(seconds=1)
    append_visits(home, [(1, before_midnight), (2, before_midnight), (1, midnight), (1, midnight), (None, midnight)])
    sales = [("a", 1, "2020-01-02 09:00"), ("b", 1, "2020-02-02 09:00"), ("c", 2, "2020-02-03 09:00")]
    fill(home, brand, History(ZONE, tuple(Order(n, who, shop_time(at), {"care": 50}) for n, who, at in sales)))
    result = show_metric("revenue_equation", from_date=date(2020, 1, 1), to_date=date(2020, 2, 29))
    assert {(r.period, r.value) for r in result.rows if r.series == "traffic"} == {("2020-01", 2), ("2020-02", 1)}
    assert {(r.period, r.value) for r in result.rows if r.series == "conversion"} == {("2020-01", 0.5), ("2020-02", 2)}
    assert not result.caveat
    by_store = show_metric(
        "revenue_equation", from_date=date(2020, 1, 1), to_date=date(2020, 2, 29), by=("month", "store")
    )
    assert by_store.caveat
    assert "traffic" not in {r.series for r in by_store.rows}


def test_unknown_attribute_is_refused(home: Home, brand: Brand) -> None:
    fill(home, brand, random_history(1, orders=5))
    with override("en"), pytest.raises(QuestionError, match=r"attribute\.city"):
        rows_of("revenue", "attribute.town")


def run(*words: str) -> str:
    result = CliRunner().invoke(build(), ["metrics", *words], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.output


def test_the_command_prints_the_promised_object(home: Home, brand: Brand) -> None:
    brand.currency = "GBP"
    brand.save()
    orders = [Order(f"o{n}", n % 2 + 1, shop_time(f"2020-01-0{n} 10:00"), {"care": 9}) for n in range(1, 4)]
    fill(home, brand, History(ZONE, tuple(orders)))
    dates = ["--from", "2020-01-01", "--to", "2020-02-29"]
    shown = json.loads(run("show", "repurchase_rate", *dates, "--by", "month", "--json"))
    assert shown["metric"] == "repurchase_rate"
    assert shown["definition"]
    assert shown["exclusions"]
    assert shown["currency"] == "GBP"
    first, second = shown["rows"]
    assert {k: first[k] for k in ("period", "value", "numerator", "denominator", "complete")} == {
        "period": "2020-01",
        "value": 0.5,
        "numerator": 1,
        "denominator": 2,
        "complete": True,
    }
    assert (second["period"], second["value"], second["denominator"]) == ("2020-02", None, 0)
    by_channel = json.loads(run("show", "orders", *dates, "--by", "channel", "--as-of", "2020-01-03", "--json"))
    assert [(r["period"], r["channel"], r["value"]) for r in by_channel["rows"]] == [(None, "unknown", 2)]
    assert run("show", "orders", *dates, "--format", "csv").splitlines()[1].startswith("2020-01,3,3,,true,")
    out = home.root / "orders.csv"
    run("show", "orders", *dates, "--out", str(out))
    assert out.read_text(encoding="utf-8-sig").startswith("period,value")
    assert "2020-01" in run("show", "orders", *dates)


def test_the_list_names_every_metric(brand: Brand) -> None:
    listed = json.loads(run("list", "--json"))["metrics"]
    assert {m["metric"] for m in listed} == {*ORACLES, "revenue_equation"}
    assert all(m["definition"] and m["term_zh"] for m in listed)
    assert "repurchase_rate_90d" in run("list")


def test_bad_dates_are_refused(brand: Brand) -> None:
    with override("en"), pytest.raises(QuestionError, match="--from 2020-13-01 is not a day"):
        run("show", "orders", "--from", "2020-13-01", "--to", "2020-01-01")
