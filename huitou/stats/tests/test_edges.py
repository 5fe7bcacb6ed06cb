"""Formulas at their edges: an arm is tiny, nobody succeeded, arms differ in size, an interval ends at nought."""

from __future__ import annotations

from math import comb, sqrt

import numpy as np
import pytest

from huitou.stats import power
from huitou.stats.estimate import Difference
from huitou.stats.moments import compare_adjusted, compare_means, moments_of
from huitou.stats.power import DEFAULT_CONTROL_BP, power_of_rates, smallest_detectable, suggest_control
from huitou.stats.proportions import Successes, wilson
from huitou.stats.sequential import always_valid


@pytest.mark.parametrize(
    ("low", "high", "excludes"),
    [(0.0, 1.0, False), (-1.0, 0.0, False), (1e-12, 1.0, True), (-1.0, -1e-12, True), (-1.0, 1.0, False)],
)
def test_an_interval_that_ends_at_nought_holds_it(low: float, high: float, excludes: bool) -> None:
    assert Difference(0.5, low, high).excludes_zero is excludes


def test_what_is_known_for_certain_moves_all_of_an_interval() -> None:
    moved = Difference(5.0, 2.0, 9.0).plus(-4.0)
    assert (moved.estimate, moved.low, moved.high) == (1.0, -2.0, 5.0)


def test_moments_are_those_of_numpy() -> None:
    y, x = [1.0, 2.0, 3.0, 5.0], [2.0, 4.5, 6.0, 9.0]
    found, told = moments_of(y, x), np.cov(y, x, ddof=1)
    assert [found.variance, found.covariance, found.covariate_variance] == pytest.approx(
        [told[0, 0], told[0, 1], told[1, 1]]
    )


def test_two_customers_an_arm_can_be_compared_and_one_cannot() -> None:
    """Student's quantile of one degree of freedom is 12.7062 (any table)."""
    found = compare_means(moments_of([1.0, 3.0]), moments_of([2.0, 2.0]))
    assert found is not None
    assert [found.estimate, found.high] == pytest.approx([0.0, 12.7062], abs=1e-4)
    assert compare_means(moments_of([1.0]), moments_of([2.0, 2.0])) is None
    assert compare_means(moments_of([1.0, 3.0]), moments_of([2.0])) is None


def test_adjusting_takes_three_customers_an_arm() -> None:
    three, two = moments_of([1.0, 2.0, 4.0], [0.0, 1.0, 2.5]), moments_of([1.0, 2.0], [0.0, 1.0])
    assert compare_adjusted(three, three) is not None
    assert compare_adjusted(two, three) is None
    assert compare_adjusted(three, two) is None


def test_the_adjusted_difference_is_that_of_least_squares() -> None:
    """Regression of the outcome on arm and covariate, arms of different size: same slope, same difference."""
    random = np.random.default_rng(7)
    sizes = (9, 4)
    x = [random.normal(size, 2.0, size) for size in sizes]
    y = [1.5 * part + random.normal(0.0, 3.0, len(part)) for part in x]
    design = np.column_stack([np.repeat([1.0, 0.0], sizes), np.ones(sum(sizes)), np.concatenate(x)])
    told = np.linalg.lstsq(design, np.concatenate(y), rcond=None)[0]
    found = compare_adjusted(moments_of(y[0], x[0]), moments_of(y[1], x[1]))
    assert found is not None
    assert [found.difference.estimate, found.theta] == pytest.approx([told[0], told[2]])


def test_power_of_unequal_arms_is_near_the_exact_one() -> None:
    """Every outcome of 90 against 30 customers, judged by the pooled test, weighed by how likely it is."""
    treated, controls, base, effect = 90, 30, 0.2, 0.25

    def chances(n: int, p: float) -> list[float]:
        return [comb(n, k) * p**k * (1 - p) ** (n - k) for k in range(n + 1)]

    exact = 0.0
    for a, a_chance in enumerate(chances(treated, base + effect)):
        for b, b_chance in enumerate(chances(controls, base)):
            pooled = (a + b) / (treated + controls)
            spread = sqrt(pooled * (1 - pooled) * (1 / treated + 1 / controls))
            if spread and abs(a / treated - b / controls) > 1.959964 * spread:
                exact += a_chance * b_chance
    assert power_of_rates(base, effect, treated, controls) == pytest.approx(exact, abs=0.02)


def test_a_brand_whose_customers_never_come_back_sees_effects_too() -> None:
    found = smallest_detectable(0.0, 500, 500)
    assert found is not None
    assert power_of_rates(0.0, found, 500, 500) == pytest.approx(0.8, abs=1e-4)
    assert smallest_detectable(1.0, 500, 500) is None


def test_a_tenth_is_enough_where_it_shows_just_what_is_worth_seeing(monkeypatch: pytest.MonkeyPatch) -> None:
    at_default = suggest_control(3_000, 0.2).at_default
    assert at_default is not None
    monkeypatch.setattr(power, "WORTH_SEEING", at_default)
    assert suggest_control(3_000, 0.2).share_bp == DEFAULT_CONTROL_BP
    monkeypatch.setattr(power, "WORTH_SEEING", at_default - 1e-9)
    assert suggest_control(3_000, 0.2).share_bp == 5000


def test_none_and_all_have_exact_edges() -> None:
    for trials in range(1, 400):
        assert wilson(Successes(0, trials))[0] == 0.0
        assert wilson(Successes(trials, trials))[1] == 1.0


@pytest.mark.parametrize("factor", [0.5, 0.75, 1.5, 2.0])
def test_an_always_valid_interval_is_tightest_where_it_was_asked_to_be(factor: float) -> None:
    asked, other = (always_valid(0.0, 0.04, expected=0.04 * f) for f in (1.0, factor))
    assert asked.high < other.high


def test_an_interval_of_nothing_is_refused() -> None:
    for variance, expected in ((0.0, 1.0), (1.0, 0.0)):
        with pytest.raises(ValueError, match="positive"):
            always_valid(0.0, variance, expected=expected)
