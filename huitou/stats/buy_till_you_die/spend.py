"""What a purchase of a customer is worth on average: the gamma-gamma model.

References
----------
P. Fader, B. Hardie, "The gamma-gamma model of monetary value" (2013).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import digamma, gammaln

from huitou.stats.buy_till_you_die.fitting import climb
from huitou.stats.buy_till_you_die.histories import LEAST_CUSTOMERS, CannotFitError, Floats

_STARTS = ((1.0, 1.0, 1.0), (0.0, 0.0, 0.0), (3.0, 0.0, 2.0))
# Amounts that differ less than this (standard deviation of the logarithms) are one price.
_ONE_PRICE = 1e-3


@dataclass(frozen=True)
class Spend:
    """A customer's purchases scatter by a gamma distribution of shape p, the customers' scales by another, (q, gamma).

    Where every purchase costs the same there is nothing to fit: `q` is infinite and everybody is worth `mean`.
    """

    p: float
    q: float
    gamma: float
    mean: float
    log_likelihood: float = float("nan")

    @property
    def parameters(self) -> dict[str, float]:
        return {"p": self.p, "q": self.q, "gamma": self.gamma}

    def expected(self, count: ArrayLike, mean: ArrayLike) -> Floats:
        """Expected amount of the next purchase.

        Parameters
        ----------
        count : purchases with an amount above 0 that `mean` averages; 0 where none
        mean : their mean amount, in the unit of those fitted; anything where `count` is 0
        """
        x, m = np.asarray(count, dtype=np.float64), np.asarray(mean, dtype=np.float64)
        if not np.isfinite(self.q):
            return np.full(x.shape, self.mean)
        total = np.where(x > 0, x * m, 0.0)
        worth: Floats = self.p * (self.gamma + total) / (self.p * x + self.q - 1)
        return worth


def fit_spend(count: ArrayLike, mean: ArrayLike, weight: ArrayLike | None = None) -> Spend:
    """The likeliest p, q, gamma for customers' mean amounts; q is above 1, so that means are finite.

    Parameters
    ----------
    count : purchases per customer, those with none are left out
    mean : mean amount of them, above 0 or left out

    Raises
    ------
    CannotFitError : fewer than 30 customers with an amount
    """
    x, m = np.asarray(count, dtype=np.float64), np.asarray(mean, dtype=np.float64)
    w = np.ones_like(x) if weight is None else np.asarray(weight, dtype=np.float64)
    use = (x > 0) & np.isfinite(m) & (m > 0)
    x, m, w = x[use], m[use], w[use]
    customers = float(w.sum())
    if customers < LEAST_CUSTOMERS:
        raise CannotFitError(f"only {customers:,.0f} customers with an amount; at least {LEAST_CUSTOMERS} are needed")
    overall = float((w * x) @ m / (w @ x))
    logs = np.log(m / overall)
    if float(np.sqrt(w @ (logs - w @ logs / customers) ** 2 / customers)) < _ONE_PRICE:
        return Spend(p=float("inf"), q=float("inf"), gamma=float("inf"), mean=overall)
    m = m / overall
    constant = float(w @ (x * 0 - np.log(m)))

    def value(place: Floats) -> tuple[float, Floats]:
        p, over, g = (float(number) for number in np.exp(place))
        q = 1 + over
        shape, total = p * x, g + x * m
        log_total = np.log(total)
        terms = gammaln(shape + q) - gammaln(shape) - gammaln(q) + q * np.log(g) + shape * np.log(x * m)
        terms -= (shape + q) * log_total
        shared = digamma(shape + q) - log_total
        by_p = x * (shared - digamma(shape) + np.log(x * m))
        by_q = shared - digamma(q) + np.log(g)
        by_g = q / g - (shape + q) / total
        slope = np.array([p * (w @ by_p), over * (w @ by_q), g * (w @ by_g)])
        return float(w @ terms) + constant, slope

    best = climb(value, _STARTS, customers)
    p, over, g = np.exp(best.place)
    likelihood = best.log_likelihood - customers * float(np.log(overall))
    return Spend(p=float(p), q=float(1 + over), gamma=float(g * overall), mean=overall, log_likelihood=likelihood)
