"""The revenue equation adds up exactly, and its split is the log-mean one of the papers."""

from __future__ import annotations

import math
from datetime import date
from fractions import Fraction

import ibis
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from huitou.analytics.engines import open_scratch
from huitou.analytics.metric import Cell
from huitou.analytics.metric_rows import compute_rows
from huitou.analytics.metrics import METRICS
from huitou.analytics.metrics._log_mean import contributions
from huitou.analytics.metrics.tests.history import TURNING_POINTS, History, facts_of, histories
from huitou.analytics.metrics.tests.oracle import Question, equation_parts, periods, views
from huitou.analytics.periods import Periods

METRIC = METRICS["revenue_equation"]
MONTHS = Periods("month", date(2020, 1, 1), date(2020, 1, 31))


@pytest.fixture(scope="module")
def backend(tmp_path_factory: pytest.TempPathFactory) -> ibis.BaseBackend:
    return ibis.duckdb.from_connection(open_scratch(tmp_path_factory.mktemp("equation")))


@settings(max_examples=40, deadline=None, phases=(Phase.explicit, Phase.reuse, Phase.generate))
@given(
    history=histories(),
    first=st.sampled_from(TURNING_POINTS),
    grain=st.sampled_from(["week", "month", "quarter", "year"]),
    occasion=st.sampled_from(["order", "day"]),
    dims=st.sampled_from([(), ("attribute.city",), ("category",)]),
    with_visits=st.booleans(),
)
def test_parts_equal_the_oracle_and_add_up(
    backend: ibis.BaseBackend,
    history: History,
    first: date,
    grain: str,
    occasion: str,
    dims: tuple[str, ...],
    with_visits: bool,
) -> None:
    span = (first, date(2020, 12, 31) if first < date(2020, 12, 31) else first)
    facts = facts_of(history, occasion, with_visits=with_visits)
    rows = compute_rows(METRIC, facts, Periods(grain, *span), dims, today=span[1], execute=backend.to_pyarrow)
    found = {(r.period.name, r.values, r.figure.series or ""): r.figure.value for r in rows}
    seen = {values for _, values, _ in found}
    for values, view in views(history, dims, occasion).items():
        if values not in seen:
            continue
        for name, begin, end, _ in periods(grain, *span):
            question = Question(view, begin, end, grain, occasion, history.day, span[1])
            now = equation_parts(question, begin, end)
            before = equation_parts(question, *question.following(-1))
            got = {series: value for (n, v, series), value in found.items() if (n, v) == (name, values)}
            assert got["revenue"] == now["known"] + now["anonymous"]
            assert got["buyers"] == now["buyers"]
            assert got["orders_per_buyer"] == (now["orders"] / now["buyers"] if now["buyers"] else None)
            assert got["repurchase_rate"] == (now["repeat"] / now["buyers"] if now["buyers"] else None)
            if with_visits and dims != ("category",):
                assert got.get("traffic", 0) == now["traffic"]
            change = now["known"] + now["anonymous"] - before["known"] - before["anonymous"]
            parts = {s: v for s, v in got.items() if s.startswith("contribution.")}
            assert got["change"] == change
            assert sum(v or 0 for v in parts.values()) == change
            assert parts["contribution.anonymous_revenue"] == now["anonymous"] - before["anonymous"]


factors = st.fractions(min_value=Fraction(1, 40), max_value=50, max_denominator=40)


@settings(max_examples=100, deadline=None)
@given(before=st.lists(factors, min_size=3, max_size=3), after=st.lists(factors, min_size=3, max_size=3))
def test_split_is_the_log_mean_formula(before: list[Fraction], after: list[Fraction]) -> None:
    # Whole products: the last factor takes whatever makes them so.
    before[2], after[2] = 100_000 / (before[0] * before[1]), 130_007 / (after[0] * after[1])
    old, new = math.prod(map(float, before)), math.prod(map(float, after))
    weight = (new - old) / (math.log(new) - math.log(old))
    expected = [weight * math.log(b / a) for a, b in zip(before, after, strict=True)]
    split = contributions(before, after)
    assert sum(split) == 30_007
    # Each is rounded to a whole unit; the largest one also takes what rounding left over.
    assert split == pytest.approx(expected, abs=2)


def test_split_of_the_textbook_example() -> None:
    # Twice the buyers at half the value: equal products, so the two contributions cancel: 600 × ln 2 = 415.9.
    assert contributions([Fraction(10), Fraction(60)], [Fraction(20), Fraction(30)]) == [416, -416]


def test_a_factor_of_zero_still_adds_up() -> None:
    assert contributions([Fraction(2), Fraction(0)], [Fraction(4), Fraction(25)]) == [25, 75]
    assert contributions([Fraction(2), Fraction(-10)], [Fraction(2), Fraction(10)]) == [0, 40]


def _cell(now: dict[str, int], before: dict[str, int]) -> Cell:
    return Cell(MONTHS.items[0], date(2020, 2, 1), now, before)


def test_first_buyers_ever_explain_the_whole_change() -> None:
    figures = METRIC.figures(_cell({"buyers": 2, "orders": 3, "known_revenue": 900, "repeat_buyers": 1}, {}))
    values = {figure.series: figure.value for figure in figures}
    assert values["change"] == values["contribution.buyers"] == 900
    assert values["contribution.aov"] == values["contribution.orders_per_buyer"] == 0
    assert METRIC.needs_caveat(figures)


def test_with_visits_traffic_and_conversion_take_the_place_of_buyers() -> None:
    before = {"buyers": 10, "orders": 10, "known_revenue": 1000, "traffic": 100}
    now = {"buyers": 20, "orders": 20, "known_revenue": 2000, "traffic": 400}
    figures = METRIC.figures(_cell(now, before))
    values = {figure.series: figure.value for figure in figures}
    # Four times the visitors at half the conversion: 2000 - 1000 = log-mean × (ln 4 - ln 2).
    assert values["contribution.traffic"] == 2000
    assert values["contribution.conversion"] == -1000
    assert values["conversion"] == 0.05
    assert not METRIC.needs_caveat(figures)
