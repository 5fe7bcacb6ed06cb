"""How well each model would have done: fitted to what was known at earlier days and held against what came after.

References
----------
Rolling origins: L. Tashman, "Out-of-sample tests of forecasting accuracy", International Journal of Forecasting 16
(2000).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from huitou.stats.buy_till_you_die.calendar import learn_calendar
from huitou.stats.buy_till_you_die.days import PurchaseDays
from huitou.stats.buy_till_you_die.geometric import fit_geometric
from huitou.stats.buy_till_you_die.histories import CannotFitError, Floats, Histories
from huitou.stats.buy_till_you_die.learned import Example, example_at, learn_from
from huitou.stats.buy_till_you_die.model import Model
from huitou.stats.buy_till_you_die.pareto import fit_pareto
from huitou.stats.buy_till_you_die.steady import fit_steady
from huitou.stats.ranks import rank_area

Fit = Callable[[Histories], Model]

CANDIDATES: Mapping[str, Fit] = {
    "Pareto/NBD": fit_pareto,
    "MBG/NBD": fit_geometric,
    "BG/NBD": lambda told: fit_geometric(told, modified=False),
    "NBD": fit_steady,
}
ORIGINS = 2
# Origins before the one in question that trees learn from.
LESSONS = 3
TREES = "LightGBM"
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

    Where the horizon is longer than half of what is known, a shorter one stands for it. The first ORIGINS are for
    testing, all of them for learning.
    """
    known = end - start
    span = min(horizon, (known - LEAST_KNOWN) // 2, known // 3)
    if span < LEAST_HORIZON:
        return []
    origins = [end - span * number for number in range(1, ORIGINS + LESSONS + 1)]
    return [(origin, span) for origin in origins if origin - start >= LEAST_KNOWN]


@dataclass(frozen=True)
class Past:
    """What a brand's past says: every model at every origin tested, and the examples to learn from, the latest first.

    Attributes
    ----------
    tested : candidates that could not be fitted at an origin are left out there
    examples : of the origins whose horizon is the one asked for
    """

    tested: tuple[Tested, ...]
    examples: tuple[Example, ...]


def backtest(days: PurchaseDays, end: int, horizon: int) -> Past:
    """Every candidate at every origin that the file allows, and trees that learned from the origins before it."""
    if not len(days):
        return Past((), ())
    origins = origins_of(int(days.day.min()), end, horizon)
    tested: list[Tested] = []
    examples: list[Example] = []
    for number, (origin, span) in enumerate(origins):
        found = _look_back(days, origin, span, test=number < ORIGINS)
        if found is None:
            break
        tested += found[0]
        examples.append(found[1])
    for number in range(min(ORIGINS, len(examples))):
        origin, span = origins[number]
        trees = learn_from(examples[number + 1 : number + 1 + LESSONS], span)
        if trees is not None:
            expected, _any = trees.apply(examples[number].columns, examples[number].log_pace)
            tested.append(judge(TREES, origin, span, expected, examples[number].happened))
    asked = bool(origins) and origins[0][1] == horizon
    return Past(tuple(tested), tuple(examples) if asked else ())


def _look_back(days: PurchaseDays, origin: int, span: int, *, test: bool) -> tuple[list[Tested], Example] | None:
    """The candidates at one origin (none unless `test`), and its example; None where nothing can be fitted."""
    known = days.before(origin)
    spans = known.spans()
    try:
        calendar = learn_calendar(known, origin, fit_pareto)
        grouped = calendar.histories(spans.some(_FITTED)).grouped()
        base, steady = fit_pareto(grouped), fit_steady(grouped)
    except CannotFitError:
        return None
    tested = []
    if test:
        told = calendar.histories(spans)
        ahead = float(calendar.ahead(span)[span])
        happened = days.counts(spans.customer, origin, origin + span)
        fitted: dict[str, Model] = {"Pareto/NBD": base, "NBD": steady}
        for name, fit in CANDIDATES.items():
            try:
                model = fitted.get(name) or fit(grouped)
            except CannotFitError:
                continue
            tested.append(judge(name, origin, span, model.expected(told, ahead), happened))
    return tested, example_at(days, origin, span, calendar, base, steady)


def best_of(tested: Sequence[Tested]) -> str | None:
    """The model with the least deviance over the origins at which all were tested that were at the latest one; of like
    ones the first."""
    if not tested:
        return None
    by_origin: dict[int, dict[str, float]] = {}
    for one in tested:
        by_origin.setdefault(one.origin, {})[one.model] = one.deviance
    latest = by_origin[max(by_origin)]
    whole = [values for values in by_origin.values() if values.keys() >= latest.keys()]
    means = {name: float(np.mean([values[name] for values in whole])) for name in latest}
    return min(means, key=lambda name: round(means[name], 6))


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
        auc=rank_area(expected, happened > 0),
        groups=groups,
    )
