"""Customers who may stop after any purchase: BG/NBD, MBG/NBD and their forms with regular timing.

While active a customer buys with gaps of a gamma distribution of whole shape `k` (k = 1 is chance, larger is more
regular), at a rate that differs between customers by a gamma distribution (r, alpha), and stops after each purchase
with a probability that differs by a beta distribution (a, b). In the modified form the first purchase may be the last
as well; in the plain one a customer without a repeat purchase is held to be active for ever.

References
----------
P. Fader, B. Hardie, K. L. Lee, "Counting your customers the easy way: an alternative to the Pareto/NBD model",
Marketing Science 24 (2005). E. Batislam, M. Denizel, A. Filiztekin, "Empirical validation and comparison of models for
customer base analysis", International Journal of Research in Marketing 24 (2007). T. Reutterer, M. Platzer,
N. Schröder, "Leveraging purchase regularity for predicting customer behavior the easy way", International Journal of
Research in Marketing 38 (2021).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache

import numpy as np
from scipy.linalg import eigh_tridiagonal
from scipy.special import betainc, betaln, digamma, gammaln, logsumexp

from huitou.stats.buy_till_you_die.fitting import climb
from huitou.stats.buy_till_you_die.histories import Floats, Histories

_STARTS = ((0.0, 0.0, 0.0, 0.0), (-1.0, -1.0, -1.0, 1.0), (0.5, 0.5, -2.0, 1.0))
_NODES = 32
_LEAST_TERM = 1e-9
_MOST_TERMS = 2000


@dataclass(frozen=True)
class Geometric:
    """A fitted model of this kind; times are in the unit of the histories it was fitted to."""

    r: float
    alpha: float
    a: float
    b: float
    k: int = 1
    modified: bool = True
    log_likelihood: float = float("nan")
    covariance: Floats | None = field(default=None, repr=False, compare=False)

    @property
    def name(self) -> str:
        """The field's name of the model."""
        first = "MBG" if self.modified else "BG"
        return f"{first}/NBD" if self.k == 1 else f"{first}/CNBD-{self.k}"

    @property
    def parameters(self) -> dict[str, float]:
        return {"r": self.r, "alpha": self.alpha, "a": self.a, "b": self.b}

    def p_alive(self, told: Histories) -> Floats:
        """Probability of each history that its customer has not stopped."""
        logs = _Likelihood(told, self.k, self.modified).parts(self.r, self.alpha, self.a, self.b)
        alive: Floats = np.exp(logs.alive - np.logaddexp(logs.alive, logs.stopped))
        return alive

    def reach(self, told: Histories, horizon: float) -> Floats:
        """Probability of at least one purchase within `horizon` of those who have not stopped."""
        if self.k == 1:
            chance: Floats = -np.expm1(-(self.r + told.frequency) * np.log1p(horizon / (self.alpha + told.age)))
            return chance
        reached = np.zeros(len(told))
        for phase, share in enumerate(self._phases(told)):
            reached += share * self._reach(told, phase, self.k - phase, horizon)
        return reached

    def p_any(self, told: Histories, horizon: float) -> Floats:
        """Probability of at least one purchase within `horizon` after the end of each history."""
        result: Floats = self.reach(told, horizon) * self.p_alive(told)
        return result

    def expected(self, told: Histories, horizon: float) -> Floats:
        """Expected days with a purchase within `horizon` after the end of each history."""
        if_alive = self._expected_by_chance(told, horizon) if self.k == 1 else self._expected_regular(told, horizon)
        result: Floats = if_alive * self.p_alive(told)
        return result

    def expected_of_new(self, times: Floats) -> Floats:
        """Expected repeat purchases of a new customer from the first purchase until each of `times`."""
        new = Histories.of(np.zeros(len(times)), np.zeros(len(times)), np.zeros(len(times)))
        if self.k == 1:
            result: Floats = self._expected_by_chance(new, times) * self.p_alive(new)
            return result
        return np.concatenate([self.expected(new.part(n, n + 1), float(time)) for n, time in enumerate(times)])

    def _survivals(self, frequency: Floats) -> Floats:
        """Second parameter of the beta distribution of an active customer's probability to stop."""
        result: Floats = self.b + frequency + (1 if self.modified else 0)
        return result

    def _expected_by_chance(self, told: Histories, horizon: float | Floats) -> Floats:
        """Of the active: the mean over the stopping probability p of (1 - (A / (A + p horizon)) ** (r + x)) / p."""
        expected = np.empty(len(told))
        shares = np.broadcast_to(horizon, len(told)) / (self.alpha + told.age)
        for x in np.unique(told.frequency):
            rows = told.frequency == x
            nodes, weights = _beta_nodes(self.a, float(self._survivals(np.array([x]))[0]))
            ratio = nodes[None, :] * shares[rows][:, None]
            expected[rows] = (-np.expm1(-(self.r + x) * np.log1p(ratio)) / nodes[None, :]) @ weights
        return expected

    def _phases(self, told: Histories) -> list[Floats]:
        """How likely an active customer has 0, 1, ... of the k phases of a gap behind them."""
        logs = _Likelihood(told, self.k, self.modified).phases(self.r, self.alpha)
        total = logsumexp(np.array(logs), axis=0)
        return [np.exp(log - total) for log in logs]

    def _reach(self, told: Histories, phase: int, steps: int, horizon: float) -> Floats:
        """Probability that at least `steps` phases are gone through within the horizon, given `phase` behind."""
        shape = self.r + self.k * told.frequency + phase
        share = horizon / (self.alpha + told.age + horizon)
        reach: Floats = betainc(float(steps), shape, share)
        return reach

    def _expected_regular(self, told: Histories, horizon: float) -> Floats:
        """The n-th purchase is made if its phases are gone through and none of the n - 1 before it was the last."""
        phases = self._phases(told)
        survivals = self._survivals(told.frequency)
        expected, goes_on = np.zeros(len(told)), np.ones(len(told))
        for n in range(1, _MOST_TERMS):
            term = np.zeros(len(told))
            for phase, share in enumerate(phases):
                term += share * self._reach(told, phase, n * self.k - phase, horizon)
            term *= goes_on
            expected += term
            if not len(term) or float(term.max()) < _LEAST_TERM:
                break
            goes_on *= (survivals + n - 1) / (self.a + survivals + n - 1)
        return expected


def fit_geometric(told: Histories, *, k: int = 1, modified: bool = True) -> Geometric:
    """The likeliest parameters for these histories; grouped or not makes no difference.

    The log-likelihood counts the timing of purchases only where `k` is above 1 or gaps are given, so that models of
    different `k` compare when `log_gaps` are there.

    Raises
    ------
    CannotFitError : too few customers or repeat purchases, or no finite likelihood
    """
    told.check_enough()
    unit = float(told.weight @ told.age) / told.customers
    likelihood = _Likelihood(told.scaled(unit), k, modified)
    best = climb(likelihood.value, _STARTS, told.customers)
    r, alpha, a, b = np.exp(best.place)
    return Geometric(
        r=float(r),
        alpha=float(alpha * unit),
        a=float(a),
        b=float(b),
        k=k,
        modified=modified,
        log_likelihood=best.log_likelihood - told.repeats * float(np.log(unit)),
        covariance=best.covariance,
    )


@dataclass(frozen=True)
class _Parts:
    """Logarithms, by history, of the likelihood's factor before the sum and of the two summands."""

    before: Floats
    alive: Floats
    stopped: Floats


class _Likelihood:
    """The log-likelihood of histories and its gradient by the logarithms of r, alpha, a, b.

    Gamma functions depend on the frequency alone: they are worked out once for each (`each`) and looked up by history.
    """

    def __init__(self, told: Histories, k: int, modified: bool) -> None:
        self.told, self.k = told, k
        self.each, self.at = np.unique(told.frequency, return_inverse=True)
        self.counts = self.each + (1 if modified else 0)
        self.may_stop = np.ones(len(self.each), dtype=bool) if modified else self.each > 0
        self.timing = (k - 1) * told.log_gaps - told.frequency * gammaln(k)
        silence = told.age - told.recency
        logs = np.log(np.where(silence > 0, silence, 1.0))
        # No time since the last purchase: no phase can have passed.
        never = np.where(silence > 0, 0.0, -np.inf)
        self.elapsed = [j * logs + (never if j else 0.0) for j in range(k)]

    def phases(self, r: float, alpha: float) -> list[Floats]:
        """Log-weight of 0, 1, ... k-1 phases since the last purchase."""
        whole = np.log(alpha + self.told.age)
        shape = r + self.k * self.each
        start = gammaln(shape)
        return [
            (gammaln(shape + j) - start - gammaln(j + 1))[self.at] + self.elapsed[j] - (shape + j)[self.at] * whole
            for j in range(self.k)
        ]

    def parts(self, r: float, alpha: float, a: float, b: float) -> _Parts:
        shape = r + self.k * self.each
        before = gammaln(shape) - gammaln(r) + r * np.log(alpha) - betaln(a, b)
        phases = self.phases(r, alpha)
        silent = phases[0] if self.k == 1 else logsumexp(np.array(phases), axis=0)
        alive = betaln(a, b + self.counts)[self.at] + silent
        ending = np.full(len(self.each), -np.inf)
        ending[self.may_stop] = betaln(a + 1, b + self.counts[self.may_stop] - 1)
        stopped = ending[self.at] - shape[self.at] * np.log(alpha + self.told.recency)
        return _Parts(before[self.at] + self.timing, alive, stopped)

    def value(self, place: Floats) -> tuple[float, Floats]:
        r, alpha, a, b = (float(number) for number in np.exp(place))
        weight = self.told.weight
        parts = self.parts(r, alpha, a, b)
        total = np.logaddexp(parts.alive, parts.stopped)
        p_alive = np.exp(parts.alive - total)
        p_stopped = np.exp(parts.stopped - total)
        each = r + self.k * self.each
        shape, whole, last = each[self.at], alpha + self.told.age, alpha + self.told.recency
        mean_phase, mean_digamma = self._phase_means(r, alpha)
        by_r = (digamma(each) - digamma(r) + np.log(alpha))[self.at]
        by_r += p_alive * (mean_digamma - np.log(whole)) - p_stopped * np.log(last)
        by_alpha = r / alpha - p_alive * (shape + mean_phase) / whole - p_stopped * shape / last
        # Of the dropout parameters only the share that stopped, by frequency, matters.
        stopped = np.bincount(self.at, weight * p_stopped, len(self.each))
        alive = np.bincount(self.at, weight * p_alive, len(self.each))
        counted = alive + stopped
        all_ = digamma(a + b + self.counts) - digamma(a + b)
        by_a = stopped @ np.full(len(self.each), 1 / a) - counted @ all_
        ended = digamma(np.where(self.may_stop, b + self.counts - 1, 1.0))
        by_b = alive @ digamma(b + self.counts) + stopped @ ended - counted @ (all_ + digamma(b))
        slope = np.array([r * (weight @ by_r), alpha * (weight @ by_alpha), a * by_a, b * by_b])
        return float(weight @ (parts.before + total)), slope

    def _phase_means(self, r: float, alpha: float) -> tuple[Floats | float, Floats | float]:
        """Means over the phases that may have passed: of their number, and of digamma(shape + j) - digamma(shape)."""
        if self.k == 1:
            return 0.0, 0.0
        logs = np.array(self.phases(r, alpha))
        share = np.exp(logs - logsumexp(logs, axis=0))
        shape = r + self.k * self.each
        rises = np.array([(digamma(shape + j) - digamma(shape))[self.at] for j in range(self.k)])
        mean_phase: Floats = np.arange(self.k, dtype=np.float64) @ share
        mean_digamma: Floats = (share * rises).sum(axis=0)
        return mean_phase, mean_digamma


@cache
def _beta_nodes(a: float, b: float) -> tuple[Floats, Floats]:
    """Gauss-Jacobi nodes in (0, 1) and weights, summing to 1, of the beta distribution (a, b): the eigenvalues of the
    recurrence of its polynomials (Golub and Welsch 1969), which large a and b do not overflow."""
    up, down = b - 1, a - 1
    n = np.arange(1, _NODES, dtype=np.float64)
    twice = 2 * n + up + down
    middle = np.concatenate([[(down - up) / (up + down + 2)], (down**2 - up**2) / (twice * (twice + 2))])
    # The first of these divides by up + down + 1, which may be 0; its own form does not.
    beside = np.empty(_NODES - 1)
    beside[0] = 4 * (1 + up) * (1 + down) / ((2 + up + down) ** 2 * (3 + up + down))
    n, twice = n[1:], twice[1:]
    beside[1:] = 4 * n * (n + up) * (n + down) * (n + up + down) / (twice**2 * (twice + 1) * (twice - 1))
    places, vectors = eigh_tridiagonal(middle, np.sqrt(beside))
    return np.clip((1 + places) / 2, 1e-300, 1.0), vectors[0] ** 2
