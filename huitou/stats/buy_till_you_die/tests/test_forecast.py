"""What is forecast for a drawn brand against what its customers then did."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from huitou.stats.buy_till_you_die.backtest import best_of, judge, origins_of
from huitou.stats.buy_till_you_die.calendar import Calendar, learn_calendar
from huitou.stats.buy_till_you_die.days import PurchaseDays, Spans
from huitou.stats.buy_till_you_die.forecast import Forecast, learn
from huitou.stats.buy_till_you_die.geometric import Geometric
from huitou.stats.buy_till_you_die.pareto import fit_pareto
from huitou.stats.buy_till_you_die.tests.brands import YEAR, pace, seasonal_brand
from huitou.stats.ranks import rank_area

# A week after the peak's height; what was before the last year is not in the file.
END = 3 * YEAR + 8
HORIZONS = (28, 91, 182, 340)


def _one_year(seed: int) -> tuple[PurchaseDays, PurchaseDays]:
    whole = seasonal_brand(seed)
    seen = whole.day >= END - YEAR
    kept = PurchaseDays(whole.customer[seen], whole.day[seen])
    return kept, kept.before(END)


@pytest.mark.parametrize("seed", [1, 2])
def test_what_comes_after_a_peak_is_not_the_peak_carried_on(seed: int) -> None:
    """Beside a model without a calendar, which promises half as much again."""
    whole, known = _one_year(seed)
    spans = known.spans()
    even = Calendar.even(int(known.day.min()), END)
    errors: dict[bool, list[float]] = {}
    for calendar in (even, learn_calendar(known, END, fit_pareto)):
        told = calendar.histories(spans)
        model = fit_pareto(told.grouped())
        ahead = np.arange(HORIZONS[-1] + 1.0) if calendar is even else calendar.ahead(HORIZONS[-1])
        errors[calendar is even] = [
            float(model.expected(told, float(ahead[days])).sum() / whole.counts(spans.customer, END, END + days).sum())
            for days in HORIZONS
        ]
    assert min(errors[True][1:3]) > 1.3, errors
    assert max(abs(error - 1) for error in errors[False]) < 0.25, errors


def test_the_calendar_is_the_pace_that_was_drawn() -> None:
    """Four-week means of the last year of three, against the drawn ones; the mean pace is 1 by definition."""
    known = seasonal_brand(3).before(3 * YEAR)
    found = learn_calendar(known, 3 * YEAR, fit_pareto).pace[-364:].reshape(-1, 28).mean(axis=1)
    drawn = pace(3 * YEAR, 2.5)[-364:].reshape(-1, 28).mean(axis=1)
    assert np.corrcoef(found, drawn)[0, 1] > 0.95
    assert found / found.mean() == pytest.approx(drawn / drawn.mean(), abs=0.3)


def test_weeks_ahead_are_last_years_and_else_of_mean_pace() -> None:
    half = Calendar(0, 182, np.full(182, 0.5))
    assert half.ahead(10).tolist() == list(range(11))
    calendar = Calendar(0, 364, np.r_[np.full(182, 2.0), np.full(182, 0.5)])
    ahead = calendar.ahead(364)
    assert ahead[100] == pytest.approx(200)
    assert ahead[364] - ahead[260] == pytest.approx(52)


def test_time_within_the_calendar_is_its_pace() -> None:
    calendar = Calendar(100, 104, np.array([1.0, 3.0, 0.0, 2.0]))
    told = calendar.histories(Spans(np.arange(2), np.array([1, 0]), np.array([101, 100]), np.array([103, 100])))
    assert told.recency.tolist() == [3.0, 0.0]
    assert told.age.tolist() == [5.0, 6.0]


def test_nothing_from_the_end_on_is_looked_at() -> None:
    known = seasonal_brand(5, size=800).before(500)
    later = PurchaseDays.of(np.r_[known.customer, known.customer], np.r_[known.day, known.day + 500])
    forecasts = [learn(known, 500, 60), learn(later.before(500), 500, 60)]
    assert forecasts[0].model == forecasts[1].model
    with pytest.raises(ValueError, match="give away"):
        learn(later, 500, 60)
    for one in forecasts[0].tested:
        assert one.origin + one.horizon <= 500


def test_a_back_test_counts_what_came_after_each_origin() -> None:
    known = seasonal_brand(6, size=800).before(700)
    forecast = learn(known, 700, 91)
    assert {(one.origin, one.horizon) for one in forecast.tested} == {(609, 91), (518, 91)}
    for one in forecast.tested:
        before = known.before(one.origin).spans().customer
        assert one.customers == len(before)
        assert one.happened == known.counts(before, one.origin, one.origin + 91).sum()
        assert sum(group.customers for group in one.groups) == one.customers
        assert [group.expected for group in one.groups] == sorted(group.expected for group in one.groups)
    assert forecast.name == best_of(forecast.tested)
    assert "one_season" in forecast.cautions


def test_the_least_deviance_wins_and_only_where_every_origin_was_tried() -> None:
    happened = np.array([0.0, 1.0, 2.0])
    good = judge("good", 10, 7, np.array([0.1, 1.0, 2.0]), happened)
    bad = judge("bad", 10, 7, np.array([2.0, 1.0, 0.1]), happened)
    once = judge("once", 10, 7, np.array([0.0001, 1.0, 2.0]), happened)
    assert best_of([bad, good]) == "good"
    # Only origins at which all were tried are compared, of those that were tried at the latest one.
    earlier = judge("good", 3, 7, np.array([9.0, 9.0, 0.0]), happened)
    assert best_of([bad, good, earlier]) == "good"
    assert best_of([bad, good, earlier, replace(once, origin=3)]) == "good"
    assert best_of([]) is None
    assert (good.auc, bad.auc) == (1.0, 0.0)


def test_auc_counts_ties_half() -> None:
    assert rank_area(np.array([1.0, 1.0, 0.0, 2.0]), np.array([True, False, False, True])) == 0.875
    assert np.isnan(rank_area(np.array([1.0, 2.0]), np.array([True, True])))


@pytest.mark.parametrize(
    ("end", "horizon", "found"),
    [
        (1000, 90, [(910, 90), (820, 90), (730, 90), (640, 90), (550, 90)]),
        (400, 364, [(267, 133), (134, 133)]),
        (100, 30, []),
        (150, 30, [(120, 30), (90, 30)]),
    ],
)
def test_origins_fit_into_what_is_known(end: int, horizon: int, found: list[tuple[int, int]]) -> None:
    assert origins_of(0, end, horizon) == found


def test_too_little_history_is_said_and_everybody_is_near_the_mean() -> None:
    forecast = learn(PurchaseDays.of([1, 1, 2, 3], [10, 20, 15, 18]), 30, 30)
    assert forecast.cautions == ("too_little", "untested", "no_season")
    scores = forecast.score(PurchaseDays.of([1, 1, 2, 3], [10, 20, 15, 18]).spans(), 30)
    assert (scores.p_any > 0).all()
    assert scores.expected[0] > scores.expected[1]
    with pytest.raises(ValueError, match="no purchases"):
        learn(PurchaseDays.of([], []), 30, 30)


def test_the_next_day_is_when_a_purchase_is_as_likely_as_not() -> None:
    """Of an active customer who surely goes on, the chance by then is one half."""
    model = Geometric(2.0, 30.0, 1e-3, 10.0)
    forecast = Forecast(Calendar.even(0, 100), model, None, (), ())
    spans = Spans(np.arange(3), np.array([5, 1, 0]), np.array([0, 0, 0]), np.array([95, 40, 0]))
    days = forecast.score(spans, 30).days_to_next
    told = forecast.calendar.histories(spans)
    for n, day in enumerate(days):
        at = model.p_any(told, float(day))[n]
        assert at == pytest.approx(0.5, abs=0.03)
    assert (np.diff(days) > 0).all()


def test_worth_is_drawn_from_amounts() -> None:
    draw = np.random.default_rng(1)
    days = seasonal_brand(7, size=300).before(900)
    forecast = learn(days, 900, 30, draw.gamma(3, 1000, len(days)))
    assert forecast.worth([0, 5], [0, 6000.0]).tolist() == sorted(forecast.worth([0, 5], [0, 6000.0]).tolist())
    assert forecast.worth([0], [0])[0] == pytest.approx(3000, rel=0.1)
