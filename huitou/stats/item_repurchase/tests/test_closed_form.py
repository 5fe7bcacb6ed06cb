"""The closed form finds the distribution of rates it was drawn from, and follows what changes."""

from __future__ import annotations

import numpy as np
import pytest

from huitou.stats.item_repurchase.adjusting import fit_logistic
from huitou.stats.item_repurchase.closed_form import learn_priors, rates_of
from huitou.stats.item_repurchase.pairs import days_to_next, pairs_at
from huitou.stats.item_repurchase.purchases import ItemPurchases
from huitou.stats.ranks import rank_area

FOREVER = 1e9


def _drawn(seed: int = 3, pairs: int = 4000) -> ItemPurchases:
    """Poisson purchases of one item, at rates of a gamma distribution of shape 2 and mean 1/25 a day, for 200 days."""
    draw = np.random.default_rng(seed)
    rates = draw.gamma(2.0, 1 / 50, pairs)
    numbers = draw.poisson(rates * 200)
    customer = np.repeat(np.arange(pairs), numbers)
    return ItemPurchases.of(customer, np.zeros(len(customer)), draw.integers(0, 200, len(customer)))


def test_priors_are_those_that_were_drawn_from() -> None:
    pairs = pairs_at(_drawn(), 200)
    priors = learn_priors(pairs, 2, FOREVER)
    assert priors.mean[0] == pytest.approx(1 / 25, rel=0.08)
    assert priors.shape[0] == pytest.approx(2.0, rel=0.3)
    # An item that nobody bought is like all the others.
    assert priors.mean[1] == pytest.approx(priors.mean[0], rel=0.05)


def test_probabilities_are_what_happens() -> None:
    purchases = _drawn()
    pairs = pairs_at(purchases, 150)
    p = rates_of(pairs, learn_priors(pairs, 1)).p_any(28)
    hit = days_to_next(pairs, purchases, 28) < 28
    assert p.mean() == pytest.approx(hit.mean(), abs=0.03)
    assert rank_area(p, hit) > 0.68
    assert 0 < p.min() < p.max() < 1


def test_a_rate_that_rose_is_believed() -> None:
    """Two pairs with five purchases in 200 days: all lately, or all long ago."""
    others = _drawn(pairs=300)
    late, early = [0, 160, 170, 180, 190], [0, 10, 20, 30, 40]
    purchases = ItemPurchases.of(
        np.concatenate([others.customer, [300] * 5, [301] * 5]),
        np.concatenate([others.item, [0] * 10]),
        np.concatenate([others.day, late, early]),
    )
    pairs = pairs_at(purchases, 200)
    p = rates_of(pairs, learn_priors(pairs, 1, 60.0), 60.0).p_any(28)
    assert p[pairs.customer == 300][0] > 1.25 * p[pairs.customer == 301][0]


def test_one_pair_alone_has_a_probability() -> None:
    pairs = pairs_at(ItemPurchases.of([0], [0], [3]), 4)
    p = rates_of(pairs, learn_priors(pairs, 1)).p_any(28)
    assert 0 < p[0] < 1


def test_a_curve_is_found_again() -> None:
    draw = np.random.default_rng(2)
    columns = np.column_stack([draw.normal(size=20_000), draw.normal(5, 3, 20_000), np.ones(20_000)])
    p = 1 / (1 + np.exp(-(0.5 + 1.2 * columns[:, 0] - 0.4 * (columns[:, 1] - 5))))
    curve = fit_logistic(columns, draw.random(20_000) < p)
    assert curve.p_any(columns) == pytest.approx(p, abs=0.04)


def test_where_all_are_hits_there_is_a_curve_too() -> None:
    curve = fit_logistic(np.arange(50.0)[:, None], np.ones(50, bool))
    assert curve.p_any(np.array([[10.0]]))[0] > 0.9
