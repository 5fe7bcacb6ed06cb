"""Looking before the end without fooling oneself: planned looks, or an interval that holds at every moment."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from math import log, pi, sqrt

import numpy as np
import numpy.typing as npt

from huitou.stats.estimate import Difference
from huitou.stats.normal import quantile, tail

_GRID = 801
Points = npt.NDArray[np.float64]


def spent(fraction: float, alpha: float = 0.05) -> float:
    """How much of the two-sided `alpha` may be used up by the time `fraction` (0 to 1) of the information is in.

    O'Brien-Fleming's shape: next to nothing early, so that the last look loses little.

    References
    ----------
    K. K. G. Lan, D. L. DeMets, *Discrete sequential boundaries for clinical trials*, Biometrika 70 (1983), α₁*.
    """
    if not 0 < fraction <= 1:
        raise ValueError(f"{fraction} is no share of the information")
    return 4 * tail(quantile(1 - alpha / 4) / sqrt(fraction))


def boundaries(fractions: Sequence[float], alpha: float = 0.05, *, used: Sequence[float] | None = None) -> list[float]:
    """For each planned look the |z| that must be reached, for looks when these shares of the information are in.

    By recursive integration over the paths that were not stopped before. With `used` the alpha that may be used up by
    each look is given, as by calendar time; `fractions` are then any rising amounts of information, in any unit, and
    looks that are still to come are left out.

    References
    ----------
    P. Armitage, C. K. McPherson, B. C. Rowe, *Repeated significance tests on accumulating data*, JRSS A 132 (1969).

    Raises
    ------
    ValueError
        The shares do not rise, or leave 0 to 1.

    >>> [round(z, 3) for z in boundaries([0.5, 1.0])]
    [2.963, 1.969]
    """
    if any(after <= before for before, after in pairwise([0.0, *fractions])):
        raise ValueError("looks must follow each other")
    spending = [spent(fraction, alpha) for fraction in fractions] if used is None else list(used)
    if len(spending) != len(fractions) or any(after < before for before, after in pairwise([0.0, *spending])):
        raise ValueError("what is used up by each look must not fall")
    from scipy.integrate import simpson  # loaded by who asks: see huitou.stats.normal

    # Each side of zero is given half, by symmetry the same boundary.
    found: list[float] = []
    before, density, points = 0.0, np.empty(0), np.empty(0)
    gone = 0.0
    for fraction, by_then in zip(_scaled(fractions), spending, strict=True):
        step = sqrt(fraction - before)
        aim = (by_then - gone) / 2
        z = _solve(aim, points, density, step, fraction) if found else -quantile(aim)
        found.append(z)
        edge = z * sqrt(fraction)
        grid = np.linspace(-edge, edge, _GRID)
        if before == 0.0:
            density = _density(grid / sqrt(fraction)) / sqrt(fraction)
        else:
            kernel = _density((grid[:, None] - points[None, :]) / step) / step
            density = simpson(kernel * density[None, :], x=points, axis=1)
        points, before, gone = grid, fraction, by_then
    return found


def _scaled(fractions: Sequence[float]) -> list[float]:
    """Information by the most of it: only its proportions matter."""
    return [fraction / fractions[-1] for fraction in fractions]


def _density(z: Points) -> Points:
    """The standard normal density at each point."""
    return np.asarray(np.exp(-z * z / 2) / sqrt(2 * pi))


def _solve(aim: float, points: Points, density: Points, step: float, fraction: float) -> float:
    """The boundary behind which the paths still on their way end with probability `aim` on one side."""
    from scipy.integrate import simpson
    from scipy.optimize import brentq
    from scipy.special import ndtr

    def beyond(z: float) -> float:
        behind = ndtr((points - z * sqrt(fraction)) / step)
        return float(simpson(behind * density, x=points)) - aim

    return float(brentq(beyond, 0.0, 12.0, xtol=1e-6))


def always_valid(estimate: float, variance: float, *, expected: float, alpha: float = 0.05) -> Difference:
    """An interval that covers the truth at all moments together with 1 - `alpha`, however often one looks.

    A mixture of likelihood ratios over normally distributed effects; the price is an interval wider than one that is
    read once. Holds where estimates are near normal, from some hundred customers on.

    Parameters
    ----------
    estimate, variance : difference so far and the variance of it
    expected : the variance of the estimate at which the interval should be tightest, such as that planned for the end

    References
    ----------
    H. Robbins, *Statistical methods related to the law of the iterated logarithm*, Ann. Math. Stat. 41 (1970);
    R. Johari, P. Koomen, L. Pekelis, D. Walsh, *Always valid inference: continuous monitoring of A/B tests*, Operations
    Research 70 (2022), equation 15.
    """
    if variance <= 0 or expected <= 0:
        raise ValueError("variances must be positive")
    # The prior variance for which the interval is tightest where `variance` = `expected`: Howard, Ramdas, McAuliffe,
    # Sekhon, Annals of Statistics 49 (2021), section 3.5.
    prior = expected * (-2 * log(alpha) + log(1 - 2 * log(alpha)))
    ratio = (variance + prior) / variance
    reach = sqrt(variance * ratio / (ratio - 1) * (log(ratio) - 2 * log(alpha)))
    return Difference(estimate, estimate - reach, estimate + reach)
