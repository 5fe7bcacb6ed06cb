"""Customers who may stop at any moment: the Pareto/NBD.

While active a customer buys at random at a rate that differs between customers by a gamma distribution (r, alpha), and
stops after a lifetime whose rate differs by another (s, beta).

The customary likelihood needs Gauss's hypergeometric function, which overflows for old or frequent customers and has
no handy derivative. It stands for an integral over the moment of stopping, which is taken here by Gauss-Legendre nodes
along the integrand's own decline: stable in logarithms, and with an exact gradient at the same nodes.

References
----------
D. Schmittlein, D. Morrison, R. Colombo, "Counting your customers: who are they and what will they do next?",
Management Science 33 (1987). P. Fader, B. Hardie, "A note on deriving the Pareto/NBD model and related expressions"
(2005).
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from scipy.special import digamma, gammaln, logsumexp

from huitou.stats.buy_till_you_die.fitting import climb
from huitou.stats.buy_till_you_die.histories import Floats, Histories

_STARTS = ((0.0, 0.0, 0.0, 0.0), (-1.0, -1.0, -1.0, 0.0), (0.5, 0.5, -0.5, 2.0))
_FIT_NODES = np.polynomial.legendre.leggauss(16)
_SCORE_NODES = np.polynomial.legendre.leggauss(48)


@dataclass(frozen=True)
class Pareto:
    """A fitted Pareto/NBD; times are in the unit of the histories it was fitted to."""

    r: float
    alpha: float
    s: float
    beta: float
    log_likelihood: float = float("nan")
    covariance: Floats | None = field(default=None, repr=False, compare=False)

    @property
    def name(self) -> str:
        """The field's name of the model."""
        return "Pareto/NBD"

    @property
    def parameters(self) -> dict[str, float]:
        return {"r": self.r, "alpha": self.alpha, "s": self.s, "beta": self.beta}

    def p_alive(self, told: Histories) -> Floats:
        """Probability of each history that its customer has not stopped."""
        parts = _parts(told, self.r, self.alpha, self.s, self.beta, _SCORE_NODES)
        alive: Floats = np.exp(parts.alive - np.logaddexp(parts.alive, logsumexp(parts.stopped, axis=1)))
        return alive

    def reach(self, told: Histories, horizon: float) -> Floats:
        """Probability of at least one purchase within `horizon` of those who have not stopped."""
        after = Histories(told.frequency, np.zeros(len(told)), np.full(len(told), horizon), told.weight, told.log_gaps)
        shape, rate, ends = self.r + told.frequency, self.alpha + told.age, self.beta + told.age
        parts = _parts(after, self.r, rate, self.s, ends, _FIT_NODES)
        silent = np.logaddexp(parts.alive, logsumexp(parts.stopped, axis=1))
        silent += shape * np.log(rate) + self.s * np.log(ends)
        chance: Floats = -np.expm1(np.minimum(silent, 0.0))
        return chance

    def p_any(self, told: Histories, horizon: float) -> Floats:
        """Probability of at least one purchase within `horizon` after the end of each history."""
        result: Floats = self.reach(told, horizon) * self.p_alive(told)
        return result

    def expected(self, told: Histories, horizon: float) -> Floats:
        """Expected days with a purchase within `horizon` after the end of each history."""
        rate = (self.r + told.frequency) / (self.alpha + told.age)
        reached: Floats = rate * self._time_left(self.beta + told.age, horizon) * self.p_alive(told)
        return reached

    def expected_of_new(self, times: Floats) -> Floats:
        """Expected repeat purchases of a new customer from the first purchase until each of `times`."""
        left = np.array([self._time_left(np.array([self.beta]), float(time))[0] for time in times])
        reached: Floats = self.r / self.alpha * left
        return reached

    def _time_left(self, ends: Floats, horizon: float) -> Floats:
        """Expected active time within the horizon of the active; s = 1 is its own limit."""
        log_ratio = np.log1p(horizon / ends)
        power = self.s - 1
        if abs(power) < 1e-9:
            left: Floats = ends * log_ratio
        else:
            left = ends * -np.expm1(-power * log_ratio) / power
        return left


def fit_pareto(told: Histories) -> Pareto:
    """The likeliest parameters for these histories; grouped or not makes no difference.

    Raises
    ------
    CannotFitError : too few customers or repeat purchases, or no finite likelihood
    """
    told.check_enough()
    unit = float(told.weight @ told.age) / told.customers
    scaled = told.scaled(unit)
    best = climb(lambda place: _value(scaled, place), _STARTS, told.customers)
    r, alpha, s, beta = np.exp(best.place)
    return Pareto(
        r=float(r),
        alpha=float(alpha * unit),
        s=float(s),
        beta=float(beta * unit),
        log_likelihood=best.log_likelihood - told.repeats * float(np.log(unit)),
        covariance=best.covariance,
    )


@dataclass(frozen=True)
class _Parts:
    """Logarithms of the likelihood's summands: active at the end (by history), or stopped at a moment between the last
    purchase and the end (by history and node), with alpha and beta plus those moments."""

    alive: Floats
    stopped: Floats
    rate_at: Floats
    ends_at: Floats


def _parts(
    told: Histories, r: float, alpha: float | Floats, s: float, beta: float | Floats, nodes: tuple[Floats, Floats]
) -> _Parts:
    """With y = (c + recency) / (c + moment) the integrand falls about like a power of y, the sum of both exponents;
    nodes are even in that power. Whichever of alpha and beta has the larger exponent is c, so that what is left of the
    integrand varies least."""
    places, weights = nodes
    x, last, age = told.frequency, told.recency, told.age
    log_age = -(r + x) * np.log(alpha + age) - s * np.log(beta + age)
    # A quarter of it, so that the flat end has nodes as well.
    power = (r + x + s) / 4
    base = np.where(r + x >= s + 1, alpha, beta)
    log_floor = power * np.log((base + last) / (base + age))
    floor = np.exp(log_floor)
    # Nodes between the floor and 1, and the moments that they stand for.
    width = -np.expm1(log_floor)
    heights = floor[:, None] + width[:, None] * (1 + places) / 2
    falls = np.exp(-np.log(heights) / power[:, None])
    moments = (base + last)[:, None] * falls - base[:, None]
    moments = np.clip(moments, last[:, None], age[:, None])
    rate_at = np.asarray(alpha).reshape(-1, 1) + moments
    ends_at = np.asarray(beta).reshape(-1, 1) + moments
    log_rate, log_ends = np.log(rate_at), np.log(ends_at)
    # d moment = (c + moment) / (power * height) d height
    log_step = np.log((base[:, None] + moments) / (power[:, None] * heights))
    with np.errstate(divide="ignore"):
        log_width = np.log(width / 2)
    stopped = np.log(s) + np.log(weights) + log_width[:, None] + log_step
    stopped -= (r + x)[:, None] * log_rate + (s + 1) * log_ends
    return _Parts(log_age, stopped, rate_at, ends_at)


def _value(told: Histories, place: Floats) -> tuple[float, Floats]:
    """Log-likelihood and its gradient by the logarithms of r, alpha, s, beta."""
    r, alpha, s, beta = (float(number) for number in np.exp(place))
    x, age, weight = told.frequency, told.age, told.weight
    parts = _parts(told, r, alpha, s, beta, _FIT_NODES)
    total = np.logaddexp(parts.alive, logsumexp(parts.stopped, axis=1))
    alive = np.exp(parts.alive - total)
    stopped = np.exp(parts.stopped - total[:, None])
    ever = stopped.sum(axis=1)
    by_r = digamma(r + x) - digamma(r) + np.log(alpha)
    by_r -= alive * np.log(alpha + age) + (stopped * np.log(parts.rate_at)).sum(axis=1)
    by_alpha = r / alpha - (r + x) * (alive / (alpha + age) + (stopped / parts.rate_at).sum(axis=1))
    by_s = np.log(beta) + ever / s - alive * np.log(beta + age) - (stopped * np.log(parts.ends_at)).sum(axis=1)
    by_beta = s / beta - s * alive / (beta + age) - (s + 1) * (stopped / parts.ends_at).sum(axis=1)
    before = gammaln(r + x) - gammaln(r) + r * np.log(alpha) + s * np.log(beta)
    slope = np.array([r * (weight @ by_r), alpha * (weight @ by_alpha), s * (weight @ by_s), beta * (weight @ by_beta)])
    return float(weight @ (before + total)), slope
