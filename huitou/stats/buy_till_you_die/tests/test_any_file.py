"""On any brand's file the models converge to finite numbers or say why not."""

from __future__ import annotations

import numpy as np
import pytest

from huitou.stats.buy_till_you_die.geometric import fit_geometric
from huitou.stats.buy_till_you_die.histories import CannotFitError, Histories
from huitou.stats.buy_till_you_die.model import Model
from huitou.stats.buy_till_you_die.pareto import fit_pareto
from huitou.stats.buy_till_you_die.spend import fit_spend


def _brand(kind: str, seed: int = 3, size: int = 300) -> Histories:
    draw = np.random.default_rng(seed)
    age = draw.integers(1, 700, size).astype(float)
    rate = draw.gamma(0.8, 1 / 60, size)
    if kind == "nobody stops":
        x = draw.poisson(rate * age)
    elif kind == "everybody stops at once":
        x = (draw.random(size) < 0.05).astype(int)
        age = np.maximum(age, 30)
    elif kind == "one rhythm for all":
        x, age = np.full(size, 12), np.full(size, 365.0)
    elif kind == "bought every day":
        x = age.astype(int)
    elif kind == "one day of purchases long ago":
        x, age = (draw.random(size) < 0.3).astype(int), np.full(size, 5000.0)
    else:
        x = draw.poisson(rate * np.minimum(age, draw.exponential(200, size)))
        x = np.minimum(x, age.astype(int))
    last = np.where(x > 0, np.minimum(np.maximum(x, np.floor(age * draw.random(size) ** (1 / (x + 1)))), age), 0)
    if kind == "everybody stops at once":
        last = np.where(x > 0, 1.0, 0.0)
    return Histories.of(
        np.where(last > 0, x, 0), last, age, log_gaps=np.where(last > 0, x * np.log(last / np.maximum(x, 1) + 1e-9), 0)
    )


KINDS = [
    "usual",
    "nobody stops",
    "everybody stops at once",
    "one rhythm for all",
    "bought every day",
    "one day of purchases long ago",
]


@pytest.mark.parametrize("kind", KINDS)
def test_every_number_is_finite_and_in_its_range(kind: str) -> None:
    told = _brand(kind)
    models: list[Model] = [
        fit_pareto(told),
        *(fit_geometric(told, k=k, modified=m) for k, m in ((1, True), (1, False), (3, True))),
    ]
    for model in models:
        assert np.isfinite(list(model.parameters.values())).all(), model
        for horizon in (1.0, 30.0, 400.0):
            expected, any_ = model.expected(told, horizon), model.p_any(told, horizon)
            alive = model.p_alive(told)
            assert np.isfinite(expected).all(), model
            assert (expected >= 0).all()
            assert ((alive >= 0) & (alive <= 1)).all()
            assert ((any_ >= 0) & (any_ <= alive + 1e-9)).all()
            # At least one purchase is never likelier than the number expected.
            assert (any_ <= expected + 1e-7).all()


@pytest.mark.parametrize("kind", KINDS)
def test_weights_and_units_of_time_make_no_difference(kind: str) -> None:
    told = _brand(kind)
    first = fit_geometric(told)
    thrice = Histories(told.frequency, told.recency, told.age, told.weight * 3, told.log_gaps)
    assert fit_geometric(told.scaled(7)).expected(told.scaled(7), 4.0) == pytest.approx(
        first.expected(told, 28.0), rel=1e-4
    )
    assert fit_geometric(told.grouped()).parameters == pytest.approx(first.parameters, rel=1e-4)
    # The prior weighs a third as much, and no more.
    assert fit_geometric(thrice).expected(told, 28.0).sum() == pytest.approx(first.expected(told, 28.0).sum(), rel=0.02)


def test_too_little_is_refused_in_a_sentence() -> None:
    with pytest.raises(CannotFitError, match="only 10 customers"):
        fit_pareto(Histories.of(np.ones(10), np.ones(10), np.full(10, 9.0)))
    with pytest.raises(CannotFitError, match="only 2 customers bought again"):
        fit_geometric(Histories.of([1, 1] + [0] * 98, [1, 1] + [0] * 98, [9] * 100))
    with pytest.raises(CannotFitError, match="only 3 customers with an amount"):
        fit_spend([1, 2, 3, 0], [5, 5, 5, 5])


@pytest.mark.parametrize(
    ("column", "says"),
    [
        (([0.5], [0], [1]), "whole numbers"),
        (([1], [2], [1]), "between 0 and age"),
        (([0], [1], [2]), "between 0 and age"),
        (([1], [1], [float("nan")]), "missing or infinite"),
        (([1, 2], [1], [2]), "differ in length"),
    ],
)
def test_histories_that_cannot_be(column: tuple[list[float], list[float], list[float]], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        Histories.of(*column)


def test_spend_of_one_price_is_that_price() -> None:
    found = fit_spend(np.arange(1, 101), np.full(100, 25.0))
    assert found.expected([0, 5], [0, 25.0]).tolist() == [25.0, 25.0]


def test_spend_is_drawn_to_the_mean_of_all_and_never_infinite() -> None:
    draw = np.random.default_rng(2)
    x = draw.integers(1, 20, 3000)
    scale = 1 / draw.gamma(1.2, 1 / 80, 3000)
    mean = draw.gamma(3 * x, scale) / x
    found = fit_spend(x, mean)
    worth = found.expected([0, 1, 100], [0, 500.0, 500.0])
    assert np.isfinite(worth).all()
    assert worth[2] == pytest.approx(500, rel=0.05)
    assert min(worth[0], 500) < worth[1] < max(worth[0], 500)
