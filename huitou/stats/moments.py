"""Sums that an engine adds up, and the differences of means, ratios and adjusted means that follow from them.

A `Moments` holds what one pass over the customers of an arm gives: their number, and the sums of an outcome, of a
covariate known before the assignment, of their squares and of their product.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from math import sqrt

from huitou.stats.estimate import CONFIDENCE, Difference
from huitou.stats.normal import quantile


@dataclass(frozen=True)
class Moments:
    """Sums over `n` customers of y, of x, of their squares and product; all in the outcome's own units."""

    n: int
    y: float
    yy: float
    x: float = 0.0
    xx: float = 0.0
    xy: float = 0.0

    def __add__(self, other: Moments) -> Moments:
        return Moments(
            self.n + other.n,
            self.y + other.y,
            self.yy + other.yy,
            self.x + other.x,
            self.xx + other.xx,
            self.xy + other.xy,
        )

    @property
    def mean(self) -> float:
        return self.y / self.n

    @property
    def variance(self) -> float:
        """Sample variance of y; rounding never makes it negative."""
        return _spread(self.n, self.y, self.y, self.yy)

    @property
    def covariate_mean(self) -> float:
        return self.x / self.n

    @property
    def covariate_variance(self) -> float:
        return _spread(self.n, self.x, self.x, self.xx)

    @property
    def covariance(self) -> float:
        return (self.xy - self.x * self.y / self.n) / (self.n - 1)


def moments_of(y: Iterable[float], x: Iterable[float] | None = None) -> Moments:
    """The sums of values at hand, shape (customers,) each."""
    outcomes = list(y)
    pairs = list(zip(outcomes, x if x is not None else [0.0] * len(outcomes), strict=True))
    return Moments(
        len(pairs),
        sum(a for a, _ in pairs),
        sum(a * a for a, _ in pairs),
        sum(b for _, b in pairs),
        sum(b * b for _, b in pairs),
        sum(a * b for a, b in pairs),
    )


def _spread(n: int, first: float, second: float, product: float) -> float:
    return max(0.0, (product - first * second / n) / (n - 1))


def compare_means(treatment: Moments, control: Moments, confidence: float = CONFIDENCE) -> Difference | None:
    """Treatment mean minus control mean without assuming equal spread; None where an arm has fewer than two.

    References
    ----------
    B. L. Welch, *The generalization of Student's problem when several different population variances are involved*,
    Biometrika 34 (1947), with Satterthwaite's degrees of freedom.
    """
    if treatment.n < 2 or control.n < 2:
        return None
    return _welch(
        treatment.mean - control.mean,
        (treatment.variance / treatment.n, treatment.n),
        (control.variance / control.n, control.n),
        confidence,
    )


def _welch(estimate: float, treatment: tuple[float, int], control: tuple[float, int], confidence: float) -> Difference:
    """The interval of a difference from each arm's variance of its mean and number."""
    from scipy.special import stdtrit  # Student's quantile; see huitou.stats.normal

    (t_part, t_n), (c_part, c_n) = treatment, control
    total = t_part + c_part
    if total == 0:
        return Difference(estimate, estimate, estimate)
    # Shares, not squares of the variances themselves: those of tiny amounts vanish before their ratio does.
    t_share, c_share = t_part / total, c_part / total
    freedom = 1 / (t_share**2 / (t_n - 1) + c_share**2 / (c_n - 1))
    reach = float(stdtrit(freedom, (1 + confidence) / 2)) * sqrt(total)
    return Difference(estimate, estimate - reach, estimate + reach)


def compare_ratios(treatment: Moments, control: Moments, confidence: float = CONFIDENCE) -> Difference | None:
    """Difference of sum(y) ÷ sum(x), such as amount per order, where customers are drawn and not orders.

    The delta method takes numerator and denominator of one customer as going together. None where an arm has fewer
    than two customers or nothing to divide by.

    References
    ----------
    A. Deng, U. Knoblich, J. Lu, *Applying the delta method in metric analytics*, KDD 2018, section 3.
    """
    if min(treatment.n, control.n) < 2 or not treatment.x or not control.x:
        return None
    t_part, c_part = _ratio_variance(treatment), _ratio_variance(control)
    reach = quantile((1 + confidence) / 2) * sqrt(t_part + c_part)
    estimate = treatment.y / treatment.x - control.y / control.x
    return Difference(estimate, estimate - reach, estimate + reach)


def _ratio_variance(arm: Moments) -> float:
    ratio, below = arm.y / arm.x, arm.covariate_mean
    spread = arm.variance - 2 * ratio * arm.covariance + ratio**2 * arm.covariate_variance
    return max(0.0, spread) / (arm.n * below**2)


@dataclass(frozen=True)
class Adjusted:
    """A difference of means with less noise: `theta` is what the outcome moved by per unit of the covariate,
    `variance_kept` the share of the variance that is left (1: the covariate says nothing)."""

    difference: Difference
    theta: float
    variance_kept: float


def compare_adjusted(treatment: Moments, control: Moments, confidence: float = CONFIDENCE) -> Adjusted | None:
    """`compare_means` after taking off what the covariate x, known before the assignment, tells of y (CUPED).

    One θ for both arms, from the variation inside them, so that it owes nothing to the treatment. A rate is the mean of
    noughts and ones and is adjusted alike. None where an arm has fewer than three customers, or x does not vary.

    References
    ----------
    A. Deng, Y. Xu, R. Kohavi, T. Walker, *Improving the sensitivity of online controlled experiments by utilizing
    pre-experiment data*, WSDM 2013, equations 2 to 5.
    """
    if min(treatment.n, control.n) < 3:
        return None
    within_xx = sum((a.n - 1) * a.covariate_variance for a in (treatment, control))
    within_xy = sum((a.n - 1) * a.covariance for a in (treatment, control))
    if within_xx <= 0:
        return None
    theta = within_xy / within_xx
    estimate = treatment.mean - control.mean - theta * (treatment.covariate_mean - control.covariate_mean)
    parts = [(_left(arm, theta) / arm.n, arm.n) for arm in (treatment, control)]
    plain = treatment.variance / treatment.n + control.variance / control.n
    kept = (parts[0][0] + parts[1][0]) / plain if plain else 1.0
    return Adjusted(_welch(estimate, parts[0], parts[1], confidence), theta, kept)


def _left(arm: Moments, theta: float) -> float:
    return max(0.0, arm.variance - 2 * theta * arm.covariance + theta**2 * arm.covariate_variance)


def total(parts: Iterable[Moments]) -> Moments:
    """The sums of disjoint groups together."""
    found = Moments(0, 0, 0)
    for part in parts:
        found += part
    return found
