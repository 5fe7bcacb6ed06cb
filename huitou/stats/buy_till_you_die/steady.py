"""Customers who never stop: purchases at random at a rate that differs by a gamma distribution (the NBD).

References
----------
A. Ehrenberg, "The pattern of consumer purchases", Applied Statistics 8 (1959).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import digamma, gammaln

from huitou.stats.buy_till_you_die.fitting import climb
from huitou.stats.buy_till_you_die.histories import Floats, Histories

_STARTS = ((0.0, 0.0), (-1.0, -1.0), (1.0, 1.0))


@dataclass(frozen=True)
class Steady:
    """A fitted NBD; times are in the unit of the histories it was fitted to."""

    r: float
    alpha: float
    log_likelihood: float = float("nan")

    @property
    def name(self) -> str:
        """The field's name of the model."""
        return "NBD"

    @property
    def parameters(self) -> dict[str, float]:
        return {"r": self.r, "alpha": self.alpha}

    def p_alive(self, told: Histories) -> Floats:
        """Nobody stops."""
        return np.ones(len(told))

    def p_any(self, told: Histories, horizon: float) -> Floats:
        """Probability of at least one purchase within `horizon` after the end of each history."""
        return self.reach(told, horizon)

    def reach(self, told: Histories, horizon: float) -> Floats:
        """The same, as nobody stops."""
        any_: Floats = -np.expm1(-(self.r + told.frequency) * np.log1p(horizon / (self.alpha + told.age)))
        return any_

    def expected(self, told: Histories, horizon: float) -> Floats:
        """Expected days with a purchase within `horizon` after the end of each history."""
        result: Floats = (self.r + told.frequency) / (self.alpha + told.age) * horizon
        return result

    def expected_of_new(self, times: Floats) -> Floats:
        """Expected repeat purchases of a new customer from the first purchase until each of `times`."""
        result: Floats = self.r / self.alpha * times
        return result


def pooled(told: Histories) -> Steady:
    """Of however few histories: everybody near the rate of all, which counts as much as what a customer does over the
    mean age. For files that bear no model."""
    age = max(float(told.weight @ told.age) / max(told.customers, 1.0), 1.0)
    rate = (told.repeats + 0.5) / (max(told.customers, 1.0) * age)
    return Steady(r=rate * age, alpha=age)


def fit_steady(told: Histories) -> Steady:
    """The likeliest parameters for these histories; grouped or not makes no difference.

    Raises
    ------
    CannotFitError : too few customers or repeat purchases, or no finite likelihood
    """
    told.check_enough()
    unit = float(told.weight @ told.age) / told.customers
    scaled = told.scaled(unit)
    x, age, weight = scaled.frequency, scaled.age, scaled.weight

    def value(place: Floats) -> tuple[float, Floats]:
        r, alpha = (float(number) for number in np.exp(place))
        whole = np.log(alpha + age)
        terms = gammaln(r + x) - gammaln(r) + r * np.log(alpha) - (r + x) * whole
        by_r = digamma(r + x) - digamma(r) + np.log(alpha) - whole
        by_alpha = r / alpha - (r + x) / (alpha + age)
        return float(weight @ terms), np.array([r * (weight @ by_r), alpha * (weight @ by_alpha)])

    best = climb(value, _STARTS, told.customers)
    r, alpha = np.exp(best.place)
    likelihood = best.log_likelihood - told.repeats * float(np.log(unit))
    return Steady(r=float(r), alpha=float(alpha * unit), log_likelihood=likelihood)
