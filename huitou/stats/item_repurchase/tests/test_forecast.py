"""A forecast is calibrated, never worse than the closed form, the same each time, and whole on tiny brands."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from huitou.stats.item_repurchase import forecast as forecasts
from huitou.stats.item_repurchase.forecast import ADJUSTED, CLOSED_FORM, TREES, ItemForecast, learn_items
from huitou.stats.item_repurchase.pairs import days_to_next, pairs_at
from huitou.stats.item_repurchase.purchases import ItemPurchases
from huitou.stats.item_repurchase.tests.market import market
from huitou.stats.ranks import rank_area

END, HORIZON, ITEMS = 460, 28, 12


@cache
def _learned() -> tuple[ItemPurchases, ItemForecast]:
    purchases = market()
    return purchases, learn_items(purchases, END, HORIZON, ITEMS)


def test_probabilities_come_true_and_learning_pays() -> None:
    purchases, forecast = _learned()
    pairs = pairs_at(purchases, END)
    scores = forecast.score(pairs)
    hit = days_to_next(pairs, purchases, HORIZON) < HORIZON
    closed = replace(forecast, form=CLOSED_FORM).score(pairs)
    assert forecast.form == TREES
    assert [one.form for one in forecast.tested] == [CLOSED_FORM, ADJUSTED, TREES]
    assert rank_area(scores.p_buy, hit) > rank_area(closed.p_buy, hit) + 0.005
    groups = forecasts.groups_of(scores.p_buy, hit)
    assert sum(one.pairs * abs(one.expected - one.happened) for one in groups) / len(hit) < 0.04
    # One unit a purchase: the quantities of all are the purchases of all.
    ahead = purchases.before(END + HORIZON)
    assert scores.quantity.sum() == pytest.approx((ahead.day >= END).sum(), rel=0.2)


def test_dates_are_for_those_who_earn_them_and_better_than_one_day_for_all() -> None:
    purchases, forecast = _learned()
    pairs = pairs_at(purchases, END)
    windows = forecast.score(pairs).windows
    wait = days_to_next(pairs, purchases, HORIZON)
    dated = ~np.isnan(windows.wait)
    bought = dated & (wait < HORIZON)
    assert forecast.timing is not None
    assert 100 < bought.sum() < 0.8 * len(pairs)
    assert pairs.count[dated].min() >= forecast.timing.least_count >= 3
    inside = (wait >= windows.early) & (wait <= windows.late)
    assert inside[bought].mean() == pytest.approx(0.8, abs=0.04)
    one_day = np.abs(np.median(wait[bought]) - wait[bought]).mean()
    assert np.abs(windows.wait - wait)[bought].mean() < 0.9 * one_day
    assert forecast.timing.mean_error < forecast.timing.constant_error


def test_what_comes_later_changes_nothing_and_neither_does_the_day() -> None:
    purchases, forecast = _learned()
    again = learn_items(purchases.before(END), END, HORIZON, ITEMS)
    pairs = pairs_at(purchases, END)
    one, other = forecast.score(pairs), again.score(pairs_at(purchases.before(END), END))
    np.testing.assert_array_equal(one.p_buy, other.p_buy)
    np.testing.assert_array_equal(one.windows.wait, other.windows.wait)


def test_customers_may_be_scored_in_parts() -> None:
    purchases, forecast = _learned()
    whole = forecast.score(pairs_at(purchases, END))
    some = np.arange(400) < 30
    part = forecast.score(pairs_at(purchases.of_customers(some), END))
    np.testing.assert_allclose(part.p_buy, whole.p_buy[: len(part.p_buy)], rtol=1e-12)


def test_a_form_that_is_no_better_is_not_used() -> None:
    _purchases, forecast = _learned()
    closed, adjusted, trees = forecast.tested
    no_better = replace(adjusted, gain=adjusted.error)
    assert forecasts._best((closed, no_better, trees)) == CLOSED_FORM
    assert forecasts._best((closed, adjusted, replace(trees, gain=-0.01))) == ADJUSTED


@pytest.mark.parametrize(
    ("customers", "end", "caution"),
    [(1, 20, "untested"), (1, 260, "too_little"), (400, 60, "untested")],
)
def test_tiny_brands_get_the_closed_form(customers: int, end: int, caution: str) -> None:
    purchases = market(customers=customers)
    forecast = learn_items(purchases, end, HORIZON, ITEMS)
    scores = forecast.score(pairs_at(purchases, end))
    assert (forecast.form, forecast.cautions, forecast.timing) == (CLOSED_FORM, (caution,), None)
    assert ((scores.p_buy > 0) & (scores.p_buy < 1)).all()
    assert np.isfinite(scores.quantity).all()
    assert np.isnan(scores.windows.wait).all()


def test_without_purchases_there_is_nothing_to_learn() -> None:
    with pytest.raises(ValueError, match="nothing was bought"):
        learn_items(market(customers=2), 0, HORIZON, ITEMS)


def test_where_no_trees_can_grow_the_curve_stays_and_it_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ("forecast", "timing"):
        monkeypatch.setattr(f"huitou.stats.item_repurchase.{module}.can_grow", lambda: False)
    purchases = market()
    forecast = learn_items(purchases, END, HORIZON, ITEMS)
    assert (forecast.form, forecast.cautions, forecast.timing) == (ADJUSTED, ("no_trees",), None)
    assert np.isfinite(forecast.score(pairs_at(purchases, END)).p_buy).all()
