"""What must hold whatever the numbers: symmetry, units, less noise, coverage, and looking early without harm."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from huitou.stats.allocation import Arm
from huitou.stats.balance import check_balance
from huitou.stats.moments import (
    Moments,
    compare_adjusted,
    compare_means,
    compare_ratios,
    moments_of,
    total,
)
from huitou.stats.power import DEFAULT_CONTROL_BP, HALF_BP, smallest_detectable, suggest_control
from huitou.stats.proportions import Successes, compare_proportions
from huitou.stats.sequential import always_valid, boundaries

HALVES = [Arm("control", 5000), Arm("treatment", 5000)]
counts = st.integers(1, 5000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))


@given(counts, counts)
def test_rates_turned_round_give_the_interval_turned_round(one: tuple[int, int], two: tuple[int, int]) -> None:
    there = compare_proportions(Successes(*one), Successes(*two))
    back = compare_proportions(Successes(*two), Successes(*one))
    assert (there.low, there.high) == pytest.approx((-back.high, -back.low), abs=1e-9)
    assert -1 <= there.low <= there.estimate <= there.high <= 1
    missed = compare_proportions(Successes(one[1] - one[0], one[1]), Successes(two[1] - two[0], two[1]))
    assert (missed.low, missed.high) == pytest.approx((-there.high, -there.low), abs=1e-9)


@given(
    st.lists(st.floats(-1000, 1000), min_size=3, max_size=30),
    st.lists(st.floats(-1000, 1000), min_size=3, max_size=30),
    st.floats(0.1, 10),
    st.floats(-50, 50),
)
@example([0.0, 0.0, 0.0], [0.0, 0.0, 1e-126], 1.0, 0.0)
def test_means_follow_their_unit(one: list[float], two: list[float], factor: float, shift: float) -> None:
    plain = compare_means(moments_of(one), moments_of(two))
    moved = compare_means(moments_of([factor * v + shift for v in one]), moments_of([factor * v + shift for v in two]))
    assert plain is not None
    assert moved is not None
    # Sums of squares lose digits where the spread is tiny beside the values.
    assert (moved.low, moved.high) == pytest.approx((factor * plain.low, factor * plain.high), rel=1e-4, abs=1e-2)


@given(st.lists(st.tuples(st.floats(-100, 100), st.floats(-100, 100)), min_size=2, max_size=40), st.integers(1, 39))
def test_sums_of_parts_are_the_sums_of_all(pairs: list[tuple[float, float]], cut: int) -> None:
    def sums(some: list[tuple[float, float]]) -> Moments:
        return moments_of([y for y, _ in some], [x for _, x in some])

    whole, parts = sums(pairs), total([sums(pairs[:cut]), sums(pairs[cut:])])
    assert vars(parts) == pytest.approx(vars(whole), abs=1e-6)


def test_adjusting_takes_off_what_was_known() -> None:
    """Where the covariate explains 64 % of the variance, 36 % is left; the truth stays covered."""
    rng = np.random.default_rng(7)
    hits, kept = 0, []
    for _ in range(600):
        x = rng.normal(10, 2, 800)
        y = 0.8 * (x - 10) / 2 + 0.6 * rng.normal(size=800) + np.where(np.arange(800) < 400, 0.1, 0.0)
        found = compare_adjusted(moments_of(y[:400], x[:400]), moments_of(y[400:], x[400:]))
        assert found is not None
        kept.append(found.variance_kept)
        hits += found.difference.low <= 0.1 <= found.difference.high
    assert np.mean(kept) == pytest.approx(0.36, abs=0.02)
    assert 0.93 <= hits / 600 <= 0.97


def test_a_covariate_that_says_nothing_changes_nothing() -> None:
    rng = np.random.default_rng(3)
    y, x = rng.normal(size=2000), rng.normal(size=2000)
    found = compare_adjusted(moments_of(y[:1000], x[:1000]), moments_of(y[1000:], x[1000:]))
    plain = compare_means(moments_of(y[:1000]), moments_of(y[1000:]))
    assert found is not None
    assert plain is not None
    assert found.variance_kept == pytest.approx(1, abs=0.01)
    assert found.difference.low == pytest.approx(plain.low, abs=0.02)
    assert compare_adjusted(moments_of([1, 2, 3], [1, 1, 1]), moments_of([1, 2, 3], [1, 1, 1])) is None


def test_ratios_cover_the_truth_where_customers_are_drawn() -> None:
    """Orders of one customer go together: an interval that took orders as drawn would cover far too seldom."""
    rng = np.random.default_rng(11)
    hits = 0
    for _ in range(500):
        arms = []
        for _arm in range(2):
            orders = rng.poisson(2, 500) + 1
            level = rng.gamma(4, 25, 500)
            arms.append(moments_of(list(orders * level), list(orders)))
        found = compare_ratios(arms[0], arms[1])
        assert found is not None
        hits += found.low <= 0 <= found.high
    assert 0.925 <= hits / 500 <= 0.975
    assert compare_ratios(moments_of([1, 2]), moments_of([1, 2])) is None


def test_the_balance_alarms_rarely_and_surely() -> None:
    rng = np.random.default_rng(5)
    alarms = 0
    for _ in range(4000):
        drawn = int(rng.binomial(10_000, 0.5))
        alarms += check_balance(HALVES, {"control": drawn, "treatment": 10_000 - drawn}).is_broken
    assert alarms <= 12
    assert check_balance(HALVES, {"control": 4700, "treatment": 5300}).is_broken
    assert check_balance(HALVES, {}).p_value == 1
    assert check_balance([Arm("control", 0), Arm("treatment", 10_000)], {"control": 1, "treatment": 5}).is_broken


def test_detectable_effects_shrink_with_the_audience() -> None:
    found = [smallest_detectable(0.2, n, n) for n in (100, 400, 1600, 6400)]
    assert all(a is not None and b is not None and a > 1.8 * b for a, b in pairwise(found))
    assert smallest_detectable(0.99, 5, 5) is None
    assert smallest_detectable(0.2, 100, 0) is None


def test_half_is_advised_where_the_audience_is_small() -> None:
    small, large = suggest_control(800, 0.2), suggest_control(50_000, 0.2)
    assert (small.share_bp, large.share_bp) == (HALF_BP, DEFAULT_CONTROL_BP)
    assert small.at_half is not None
    assert small.at_default is not None
    assert small.at_half < small.at_default
    assert large.at_suggested == large.at_default
    assert suggest_control(0, 0.2) == suggest_control(1, 0.2)


def test_looking_early_does_no_harm() -> None:
    """2,000 comparisons without effect, each looked at 20 times: five planned looks and the always-valid interval
    call at most 5 % of them significant, while looking at the plain interval calls far more."""
    rng = np.random.default_rng(13)
    plan = dict(zip([4, 8, 12, 16, 20], boundaries([0.2, 0.4, 0.6, 0.8, 1.0]), strict=True))
    planned = valid = naive = 0
    for _ in range(2000):
        path = np.cumsum(rng.normal(size=20)) / np.arange(1, 21)
        z = {look: path[look - 1] * math.sqrt(look) for look in range(1, 21)}
        planned += any(abs(z[look]) >= edge for look, edge in plan.items())
        valid += any(always_valid(path[look - 1], 1 / look, expected=1 / 20).excludes_zero for look in range(1, 21))
        naive += any(abs(value) >= 1.96 for value in z.values())
    assert 0.035 <= planned / 2000 <= 0.065
    assert valid / 2000 <= 0.05
    assert naive / 2000 > 0.2


@pytest.mark.parametrize("fractions", [[0.5, 0.5], [0.5, 0.2], [0.0, 1.0], [0.5, 1.2]])
def test_looks_must_follow_each_other(fractions: list[float]) -> None:
    with pytest.raises(ValueError, match=r"."):
        boundaries(fractions)
