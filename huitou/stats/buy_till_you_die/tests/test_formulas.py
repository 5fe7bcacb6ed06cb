"""Closed forms and quadratures against what they stand for: plain integrals, differences and drawn customers."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable

import numpy as np
import pytest
from scipy.stats import beta as beta_law
from scipy.stats import gamma as gamma_law

from huitou.stats.buy_till_you_die import geometric, pareto
from huitou.stats.buy_till_you_die.geometric import Geometric
from huitou.stats.buy_till_you_die.histories import Floats, Histories
from huitou.stats.buy_till_you_die.pareto import Pareto

HISTORIES = [(0, 0.0, 9.0), (0, 0.0, 0.0), (1, 4.0, 9.0), (3, 8.5, 9.0), (5, 2.0, 9.0), (2, 9.0, 9.0)]
GEOMETRIC = [Geometric(0.7, 5.0, 0.9, 2.0, k, modified) for k in (1, 2, 3) for modified in (True, False)]


_MIDDLES = (np.arange(1500) + 0.5) / 1500


def _plain_geometric(model: Geometric, x: int, last: float, age: float) -> float:
    """The likelihood of one history as the mean over customers of every rate and probability to stop; equal gaps are
    assumed, so that the density of each gap stands for the product of all."""
    rate = gamma_law.ppf(_MIDDLES, model.r, scale=1 / model.alpha)[:, None]
    p = beta_law.ppf(_MIDDLES, model.a, model.b)[None, :]
    first = 1 if model.modified else 0
    timing = gamma_law.pdf(last / x, model.k, scale=1 / rate) ** x if x else 1.0
    goes_on = (1 - p) ** (x + first)
    stops = p * (1 - p) ** (x - 1 + first) if x or model.modified else 0.0
    silent = gamma_law.sf(age - last, model.k, scale=1 / rate)
    return float((timing * (goes_on * silent + stops)).mean())


@pytest.mark.parametrize("model", GEOMETRIC, ids=lambda model: model.name)
@pytest.mark.parametrize("history", [HISTORIES[0], HISTORIES[3]], ids=str)
def test_likelihood_is_the_mean_over_customers(model: Geometric, history: tuple[int, float, float]) -> None:
    x, last, age = history
    gaps = x * math.log(last / x) if x else 0.0
    told = Histories.of([x], [last], [age], log_gaps=[gaps])
    likelihood = geometric._Likelihood(told, model.k, model.modified)
    found, _slope = likelihood.value(np.log([model.r, model.alpha, model.a, model.b]))
    assert math.exp(found) == pytest.approx(_plain_geometric(model, x, last, age), rel=2e-3)


def test_the_paretos_likelihood_is_the_mean_over_customers() -> None:
    model = Pareto(0.8, 6.0, 0.7, 5.0)
    rate = gamma_law.ppf(_MIDDLES, 0.8, scale=1 / 6.0)[:, None]
    stop = gamma_law.ppf(_MIDDLES, 0.7, scale=1 / 5.0)[None, :]
    both = rate + stop
    for x, last, age in HISTORIES[:5]:
        plain = (rate**x * (stop * np.exp(-both * last) + rate * np.exp(-both * age)) / both).mean()
        found, _slope = pareto._value(Histories.of([x], [last], [age]), np.log(list(model.parameters.values())))
        assert math.exp(found) == pytest.approx(float(plain), rel=5e-3)


def test_the_integral_over_the_moment_of_stopping_is_exact_at_extremes() -> None:
    """Against adaptive integration in many pieces."""
    from scipy.integrate import quad

    draw = np.random.default_rng(4)
    for _ in range(60):
        r, alpha, s, beta = np.exp(draw.uniform(-2.5, 2.5, 4)).tolist()
        x, age = int(draw.integers(0, 60)), float(draw.uniform(0.1, 3))
        last = float(draw.uniform(0, age)) if x else 0.0
        parts = pareto._parts(Histories.of([x], [last], [age]), r, alpha, s, beta, pareto._SCORE_NODES)
        height = -(r + x) * math.log(alpha + last) - (s + 1) * math.log(beta + last)

        def rest(
            u: float, r: float = r, a: float = alpha, s: float = s, b: float = beta, x: int = x, h: float = height
        ) -> float:
            return math.exp(-(r + x) * math.log(a + u) - (s + 1) * math.log(b + u) - h)

        edges = last + (age - last) * np.linspace(0, 1, 9) ** 4
        plain = sum(quad(rest, low, high, epsrel=1e-10)[0] for low, high in itertools.pairwise(edges))
        found = float(np.exp(parts.stopped - math.log(s) - height).sum())
        assert found == pytest.approx(plain, rel=1e-4)


def _slope(value: Callable[[Floats], tuple[float, Floats]], place: Floats) -> None:
    _now, exact = value(place)
    for axis in range(4):
        shift = np.zeros(4)
        shift[axis] = 1e-6
        moved = (value(place + shift)[0] - value(place - shift)[0]) / 2e-6
        assert exact[axis] == pytest.approx(moved, rel=1e-5, abs=1e-6)


@pytest.mark.parametrize("model", GEOMETRIC, ids=lambda model: model.name)
def test_gradients_of_the_geometric(model: Geometric) -> None:
    x, last, age = zip(*HISTORIES, strict=True)
    told = Histories.of(x, last, age, log_gaps=[0, 0, 1.3, 2.0, -1.0, 2.4])
    _slope(geometric._Likelihood(told, model.k, model.modified).value, np.array([-0.3, 1.2, 0.2, 0.7]))


def test_gradients_of_the_pareto() -> None:
    told = Histories.of(*zip(*HISTORIES, strict=True))
    _slope(lambda place: pareto._value(told, place), np.array([-0.3, 1.2, 0.2, 0.7]))


def _drawn_geometric(
    model: Geometric, x: int, last: float, age: float, horizon: float, size: int
) -> tuple[float, float]:
    """Purchases after the end of one history, by drawing customers and keeping those still active, each with the weight
    of being silent since the last purchase."""
    draw = np.random.default_rng(8)
    rate = draw.gamma(model.r + model.k * x, 1 / (model.alpha + last), size)
    p = draw.beta(model.a, model.b + x + (1 if model.modified else 0), size)
    at = last + draw.gamma(model.k, 1 / rate)
    active = at > age
    count = np.zeros(size)
    alive = active.copy()
    while (alive & (at <= age + horizon)).any():
        bought = alive & (at <= age + horizon)
        count += bought
        alive = bought & (draw.random(size) > p)
        at = at + draw.gamma(model.k, 1 / rate)
    return float(count[active].mean()), float((count[active] > 0).mean())


@pytest.mark.parametrize("model", GEOMETRIC, ids=lambda model: model.name)
@pytest.mark.parametrize("history", [HISTORIES[0], HISTORIES[3]], ids=str)
def test_expectations_against_drawn_customers(model: Geometric, history: tuple[int, float, float]) -> None:
    told = Histories.of(*([column] for column in history))
    alive = model.p_alive(told)[0]
    mean, any_ = _drawn_geometric(model, *history, horizon=12.0, size=200_000)
    assert model.expected(told, 12.0)[0] / alive == pytest.approx(mean, rel=0.025)
    assert model.p_any(told, 12.0)[0] / alive == pytest.approx(any_, rel=0.025)


@pytest.mark.parametrize("s", [0.6, 1.0, 2.5])
def test_the_paretos_expectations_against_drawn_customers(s: float) -> None:
    draw, model = np.random.default_rng(5), Pareto(0.8, 6.0, s, 5.0)
    for x, last, age in HISTORIES[:4]:
        rate, stop = draw.gamma(0.8 + x, 1 / (6.0 + age), 200_000), draw.gamma(s, 1 / (5.0 + age), 200_000)
        count = draw.poisson(rate * np.minimum(draw.exponential(1 / stop), 12.0))
        told = Histories.of([x], [last], [age])
        assert model.expected(told, 12.0)[0] / model.p_alive(told)[0] == pytest.approx(count.mean(), rel=0.02)
        assert model.p_any(told, 12.0)[0] / model.p_alive(told)[0] == pytest.approx((count > 0).mean(), rel=0.02)


def test_regular_timing_of_shape_one_is_chance() -> None:
    """The sum over purchases and the quadrature over the probability to stop are two ways to one number."""
    told = Histories.of(*zip(*HISTORIES, strict=True))
    model = Geometric(0.7, 5.0, 0.9, 2.0)
    alive = model.p_alive(told)
    assert model._expected_regular(told, 20.0) * alive == pytest.approx(model.expected(told, 20.0), rel=1e-5)


def test_a_new_customers_curve_rises_and_starts_at_nothing() -> None:
    for model in (Geometric(0.7, 5.0, 0.9, 2.0), Pareto(0.8, 6.0, 0.7, 5.0)):
        curve = model.expected_of_new(np.array([0.0, 1.0, 10.0, 100.0]))
        assert curve[0] == 0
        assert (np.diff(curve) > 0).all()
