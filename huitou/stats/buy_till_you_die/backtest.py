"""How well each model would have done: fitted to what was known at earlier days and held against what came after.

References
----------
Rolling origins: L. Tashman, "Out-of-sample tests of forecasting accuracy", International Journal of Forecasting 16
(2000).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from huitou.stats.buy_till_you_die.calendar import learn_calendar
from huitou.stats.buy_till_you_die.days import PurchaseDays
from huitou.stats.buy_till_you_die.geometric import fit_geometric
from huitou.stats.buy_till_you_die.histories import CannotFitError, Floats, Histories
from huitou.stats.buy_till_you_die.model import Model
from huitou.stats.buy_till_you_die.pareto import fit_pareto
from huitou.stats.buy_till_you_die.steady import fit_steady

Fit = Callable[[Histories], Model]

CANDIDATES: Mapping[str, Fit] = {
    "Pareto/NBD": fit_pareto,
    "MBG/NBD": fit_geometric,
    "BG/NBD": lambda told: fit_geometric(told, modified=False),
    "NBD": fit_steady,
}
ORIGINS = 2
# Days that must be known before an origin, and the shortest horizon that says anything.
LEAST_KNOWN, LEAST_HORIZON = 90, 7
_GROUPS = 10
# Customers that a candidate is fitted to; it is judged on all.
_FITTED = 20_000


@dataclass(frozen=True)
class Group:
    """A tenth of the customers by what was expected of them: means per customer."""

    customers: int
    expected: float
    happened: float


@dataclass(frozen=True)
class Tested:
    """One model at one origin.

    Attributes
    ----------
    model : its name
    origin, horizon : the first day that was not known, and how many from there on were forecast
    customers, expected, happened : of those known by then, purchase days in all
    deviance : mean Poisson deviance per customer; less is better
    mae : mean absolute error per customer, in purchase days
    auc : how often one who came back was rated above one who did not; 0.5 is chance, nan where all or none did
    groups : ten groups by expectation, the lowest first
    """

    model: str
    origin: int
    horizon: int
    customers: int
    expected: float
    happened: float
    deviance: float
    mae: float
    auc: float
    groups: tuple[Group, ...]


def origins_of(start: int, end: int, horizon: int) -> list[tuple[int, int]]:
    """Days to look back to with the horizon that fits behind each, the latest first; none where the file is too short.

    Where the horizon is longer than half of what is known, a shorter one stands for it.
    """
    known = end - start
    span = min(horizon, (known - LEAST_KNOWN) // 2, known // 3)
    if span < LEAST_HORIZON:
        return []
    origins = [end - span * number for number in range(1, ORIGINS + 1)]
    return [(origin, span) for origin in origins if origin - start >= LEAST_KNOWN]


def backtest(days: PurchaseDays, end: int, horizon: int) -> list[Tested]:
    """Every candidate at every origin that the file allows; those that cannot be fitted are left out."""
    if not len(days):
        return []
    found = []
    for origin, span in origins_of(int(days.day.min()), end, horizon):
        known = days.before(origin)
        spans = known.spans()
        try:
            calendar = learn_calendar(known, origin, fit_pareto)
        except CannotFitError:
            continue
        told = calendar.histories(spans)
        grouped = calendar.histories(spans.some(_FITTED)).grouped()
        ahead = float(calendar.ahead(span)[span])
        happened = days.counts(spans.customer, origin, origin + span)
        for name, fit in CANDIDATES.items():
            try:
                expected = fit(grouped).expected(told, ahead)
            except CannotFitError:
                continue
            found.append(judge(name, origin, span, expected, happened))
    return found


def best_of(tested: list[Tested]) -> str | None:
    """The model with the least deviance over all origins; of like ones the first candidate."""
    sums: dict[str, list[float]] = {}
    for one in tested:
        sums.setdefault(one.model, []).append(one.deviance)
    most = max((len(values) for values in sums.values()), default=0)
    means = {name: float(np.mean(values)) for name, values in sums.items() if len(values) == most}
    return min(means, key=lambda name: round(means[name], 6), default=None)


def judge(model: str, origin: int, horizon: int, expected: Floats, happened: Floats) -> Tested:
    """What was expected of each customer against what happened."""
    rate = np.maximum(expected, 1e-9)
    logs = np.where(happened > 0, happened * np.log(np.maximum(happened, 1e-9) / rate), 0.0)
    order = np.argsort(expected, kind="stable")
    groups = tuple(
        Group(len(rows), float(expected[rows].mean()), float(happened[rows].mean()))
        for rows in np.array_split(order, _GROUPS)
        if len(rows)
    )
    return Tested(
        model=model,
        origin=origin,
        horizon=horizon,
        customers=len(expected),
        expected=float(expected.sum()),
        happened=float(happened.sum()),
        deviance=float(2 * (logs - (happened - rate)).mean()),
        mae=float(np.abs(expected - happened).mean()),
        auc=auc(expected, happened > 0),
        groups=groups,
    )


def auc(score: Floats, hit: np.ndarray) -> float:
    """Area under the receiver's curve, ties counted half (Mann and Whitney); nan where all are hits or none is."""
    hits, misses = int(hit.sum()), int((~hit).sum())
    if not hits or not misses:
        return float("nan")
    _values, inverse, counts = np.unique(score, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(counts) - (counts - 1) / 2)[inverse]
    return float((ranks[hit].sum() - hits * (hits + 1) / 2) / (hits * misses))
