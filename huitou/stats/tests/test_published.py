"""Numbers that others published, or that R prints, to the digits that they give."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from huitou.stats.allocation import Arm
from huitou.stats.balance import check_balance
from huitou.stats.moments import compare_means, moments_of
from huitou.stats.power import power_of_rates, smallest_detectable
from huitou.stats.proportions import Successes, compare_proportions, wilson
from huitou.stats.sequential import boundaries, spent


@pytest.mark.parametrize(
    ("one", "two", "low", "high"),
    [
        # Newcombe 1998, table II, method 10.
        ((56, 70), (48, 80), 0.0524, 0.3339),
        ((9, 10), (3, 10), 0.1705, 0.8090),
        ((6, 7), (2, 7), 0.0582, 0.8062),
        ((5, 56), (0, 29), -0.0381, 0.1926),
        ((0, 10), (0, 20), -0.1611, 0.2775),
        ((0, 10), (0, 10), -0.2775, 0.2775),
        ((10, 10), (0, 20), 0.6791, 1.0),
        ((10, 10), (0, 10), 0.6075, 1.0),
    ],
)
def test_newcombes_table(one: tuple[int, int], two: tuple[int, int], low: float, high: float) -> None:
    found = compare_proportions(Successes(*one), Successes(*two))
    assert (round(found.low, 4), round(found.high, 4)) == (low, high)


def test_wilsons_interval() -> None:
    """Newcombe, Statistics in Medicine 17 (1998) 857, table I: 81 of 263, 15 of 148, 0 of 20, 1 of 29."""
    edges = [wilson(Successes(*given)) for given in ((81, 263), (15, 148), (0, 20), (1, 29))]
    assert [(round(a, 4), round(b, 4)) for a, b in edges] == [
        (0.2553, 0.3662),
        (0.0624, 0.1605),
        (0.0, 0.1611),
        (0.0061, 0.1718),
    ]


def test_obrien_fleming_boundaries() -> None:
    """Five equal looks, two-sided 5 %, as ldbounds and Jennison & Turnbull's tables have them."""
    found = boundaries([0.2, 0.4, 0.6, 0.8, 1.0])
    assert found == pytest.approx([4.877, 3.357, 2.680, 2.290, 2.031], abs=0.002)
    assert boundaries([1 / 3, 2 / 3, 1.0]) == pytest.approx([3.710, 2.511, 1.993], abs=0.002)
    assert boundaries([1.0]) == pytest.approx([1.960], abs=0.001)
    assert spent(1.0) == pytest.approx(0.05)
    assert spent(0.5) == pytest.approx(4 * stats.norm.sf(stats.norm.isf(0.0125) * math.sqrt(2)), abs=1e-9)


def test_power_as_r_has_it() -> None:
    """power.prop.test(n = 50, p1 = .50, p2 = .75) gives 0.740; (p1 = .50, p2 = .75, power = .90) gives n = 76.7."""
    assert power_of_rates(0.50, 0.25, 50, 50) == pytest.approx(0.740, abs=0.0005)
    assert power_of_rates(0.50, 0.25, 77, 77) > 0.9 > power_of_rates(0.50, 0.25, 76, 76)
    detectable = smallest_detectable(0.20, 1094, 1094)
    assert detectable == pytest.approx(0.05, abs=0.0005)


def test_sample_ratio_of_kohavi_tang_xu() -> None:
    """Trustworthy Online Controlled Experiments (2020), chapter 21: 821,588 to 815,482 has p = 1.8e-6."""
    halves = [Arm("control", 5000), Arm("treatment", 5000)]
    found = check_balance(halves, {"control": 821_588, "treatment": 815_482})
    assert found.p_value == pytest.approx(1.8e-6, rel=0.05)
    assert found.is_broken


def test_welch_as_r_has_it() -> None:
    """t.test(extra ~ group, data = sleep): 95 % interval -3.3654832 to 0.2054832, degrees of freedom 17.776."""
    one = [0.7, -1.6, -0.2, -1.2, -0.1, 3.4, 3.7, 0.8, 0.0, 2.0]
    two = [1.9, 0.8, 1.1, 0.1, -0.1, 4.4, 5.5, 1.6, 4.6, 3.4]
    found = compare_means(moments_of(one), moments_of(two))
    assert found is not None
    assert (found.low, found.high) == pytest.approx((-3.3654832, 0.2054832), abs=1e-6)
    assert found.estimate == pytest.approx(np.mean(one) - np.mean(two))
