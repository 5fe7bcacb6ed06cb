"""Trees over the models' answers: chosen where they do better on days that they have not seen, and only there."""

from __future__ import annotations

import numpy as np
import pytest

from huitou.stats.buy_till_you_die.backtest import TREES, judge
from huitou.stats.buy_till_you_die.days import PurchaseDays
from huitou.stats.buy_till_you_die.forecast import learn
from huitou.stats.buy_till_you_die.histories import Floats
from huitou.stats.buy_till_you_die.learned import Example, Signals, columns_of, learn_from, recent_counts
from huitou.stats.buy_till_you_die.tests.brands import seasonal_brand
from huitou.stats.ranks import rank_area

END, HORIZON = 400, 28


def _changing_brand(seed: int, size: int = 700) -> PurchaseDays:
    """Customers who buy weekly for some weeks and hardly for others, on and off, which no model of one rate knows."""
    draw = np.random.default_rng(seed)
    who, when = [], []
    for customer in range(size):
        day, busy, until = int(draw.integers(0, 60)), True, 0
        while day < END + HORIZON:
            if day >= until:
                busy, until = draw.random() < 0.5, day + int(draw.integers(40, 120))
            who.append(customer)
            when.append(day)
            day += max(int(draw.exponential(6 if busy else 45)), 1)
    return PurchaseDays.of(who, when)


def test_trees_win_where_rates_change_and_are_better_on_what_then_comes() -> None:
    whole = _changing_brand(1)
    known = whole.before(END)
    forecast = learn(known, END, HORIZON)
    assert forecast.name == TREES
    spans = known.spans()
    scores = forecast.score(spans, HORIZON)
    assert scores.signals is not None
    expected, any_ = forecast.corrected(spans, recent_counts(known, spans.customer, END), scores.signals)
    happened = whole.counts(spans.customer, END, END + HORIZON)
    before = judge("model", END, HORIZON, scores.expected, happened)
    after = judge("trees", END, HORIZON, expected, happened)
    assert after.deviance < 0.95 * before.deviance
    assert after.auc > before.auc
    assert rank_area(any_, happened > 0) > before.auc
    assert after.expected == pytest.approx(after.happened, rel=0.1)
    assert ((any_ > 0) & (any_ < 1) & (expected >= any_)).all()


def test_the_same_trees_every_time() -> None:
    draw = np.random.default_rng(2)
    columns = draw.normal(size=(2000, 16))
    example = Example(columns, draw.poisson(np.exp(columns[:, 0])).astype(float), 0.1)
    told: list[Floats] = []
    for _ in range(2):
        trees = learn_from([example], 28)
        assert trees is not None
        told.append(trees.apply(columns, 0.0)[0])
    assert told[0].tolist() == told[1].tolist()


def test_a_brand_that_is_as_the_models_say_keeps_its_model() -> None:
    forecast = learn(seasonal_brand(4, size=1200, peak=1.0).before(900), 900, 60)
    trees = [one.deviance for one in forecast.tested if one.model == TREES]
    others = [one.deviance for one in forecast.tested if one.model == forecast.name]
    assert forecast.name != TREES or np.mean(trees) < np.mean(others)


def test_too_few_examples_make_no_trees() -> None:
    assert learn_from([], 28) is None
    few = Example(np.zeros((50, 16)), np.ones(50), 0.0)
    assert learn_from([few], 28) is None


def test_a_busier_horizon_is_expected_to_bring_more() -> None:
    """In proportion: the pace is given to the trees, and no example needs to have shown it."""
    draw = np.random.default_rng(3)
    columns = draw.normal(size=(3000, 16))
    happened = draw.poisson(np.exp(columns[:, 0])).astype(float)
    trees = learn_from([Example(columns, happened, 0.0)], 28)
    assert trees is not None
    even, _any = trees.apply(columns, 0.0)
    busy, _any = trees.apply(columns, float(np.log(2)))
    assert busy.sum() == pytest.approx(2 * even.sum(), rel=0.02)


def test_what_trees_look_at_is_known_by_then() -> None:
    known = _changing_brand(5, 50).before(END)
    spans = known.spans()
    recent = recent_counts(known, spans.customer, END)
    assert (np.diff(recent, axis=1) >= 0).all()
    assert recent[0, 2] == ((known.customer == spans.customer[0]) & (known.day >= END - 28)).sum()
    ones = np.ones(len(spans))

    columns = columns_of(spans, END, recent, Signals(ones, ones, ones, ones))
    assert columns.shape == (len(spans), 16)
    assert np.isnan(columns[spans.repeats == 0, 4]).all()


def test_where_no_trees_can_grow_the_model_stays_and_it_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ("forecast", "learned"):
        monkeypatch.setattr(f"huitou.stats.buy_till_you_die.{module}.can_grow", lambda: False)
    forecast = learn(_changing_brand(6, 300).before(END), END, HORIZON)
    assert "no_trees" in forecast.cautions
    assert TREES not in {forecast.name, *(one.model for one in forecast.tested)}
