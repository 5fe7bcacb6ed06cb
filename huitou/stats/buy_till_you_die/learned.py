"""What a model of repeat buying leaves out, learned from the brand's past: trees over its answers and the last weeks.

Customers' rates change, and whoever buys regularly is late sooner than one who buys by chance. Gradient-boosted trees
see both in counts of the last weeks and in the silence by the customer's own gap. They learn from earlier days, each
with the horizon that came after, and know of the brand's pace only the factor between the horizon and an even one, so
that a season that was not among their examples is carried by the calendar and not by them.

References
----------
G. Ke et al., "LightGBM: a highly efficient gradient boosting decision tree", NeurIPS 2017.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from huitou.stats.buy_till_you_die.calendar import Calendar
from huitou.stats.buy_till_you_die.days import PurchaseDays, Spans
from huitou.stats.buy_till_you_die.histories import Floats, Histories
from huitou.stats.buy_till_you_die.model import Model
from huitou.stats.trees import REPEATABLE, can_grow, lightgbm

# Last days in which purchases are counted.
WINDOWS = (7, 14, 28, 56, 91, 182)
# Examples, and examples that came back, below which trees learn noise.
LEAST_EXAMPLES, LEAST_RETURNS = 1_000, 200
_ROUNDS = 150
_SETTINGS: dict[str, Any] = {
    "num_leaves": 7,
    "learning_rate": 0.05,
    "min_data_in_leaf": 60,
    "feature_fraction": 0.7,
    "bagging_fraction": 0.8,
    "bagging_freq": 1,
    **REPEATABLE,
}


@dataclass(frozen=True)
class Signals:
    """What the models say of each history over the horizon at mean pace: `expected` and `any_` by the first one with
    `alive`, and `steady` expected by the one that nobody leaves."""

    expected: Floats
    any_: Floats
    alive: Floats
    steady: Floats

    @classmethod
    def of(cls, told: Histories, horizon: int, model: Model, steady: Model) -> Signals:
        alive = model.p_alive(told)
        return cls(
            model.expected(told, float(horizon)),
            alive * model.reach(told, float(horizon)),
            alive,
            steady.expected(told, float(horizon)),
        )


@dataclass(frozen=True)
class Example:
    """Customers at an earlier day, and what came after: purchase days by customer, and the logarithm of the horizon's
    pace."""

    columns: Floats
    happened: Floats
    log_pace: float


@dataclass(frozen=True)
class Learned:
    """Trees for one horizon in days; `counts` and `returns` are LightGBM's own."""

    horizon: int
    base: float
    base_return: float
    counts: Any = field(repr=False, compare=False)
    returns: Any = field(repr=False, compare=False)

    def apply(self, columns: Floats, log_pace: float) -> tuple[Floats, Floats]:
        """Expected purchase days and the probability of any, by row of `columns_of`."""
        if not len(columns):
            return np.zeros(0), np.zeros(0)
        log_rate = self.counts.predict(columns, raw_score=True) + self.base + log_pace
        logit = self.returns.predict(columns, raw_score=True) + self.base_return + log_pace
        any_: Floats = 1 / (1 + np.exp(-logit))
        expected: Floats = np.maximum(np.exp(log_rate), any_)
        return expected, any_


def columns_of(spans: Spans, end: int, recent: Floats, signals: Signals) -> Floats:
    """One row per history of what the trees look at.

    Parameters
    ----------
    end : the first day that is not known
    recent : purchase days in each of WINDOWS before `end`, one column each
    """
    repeats, silence = spans.repeats.astype(np.float64), (end - spans.last).astype(np.float64)
    gap = np.where(repeats > 0, (spans.last - spans.first) / np.maximum(repeats, 1), np.nan)
    own = [repeats, (end - spans.first).astype(np.float64), (spans.last - spans.first).astype(np.float64), silence]
    said = [signals.expected, signals.any_, signals.alive, signals.steady]
    return np.column_stack([*own, gap, silence / gap, *said, recent])


def recent_counts(days: PurchaseDays, customers: np.ndarray, end: int) -> Floats:
    """Purchase days in each of WINDOWS before `end`, by customer."""
    return np.column_stack([days.counts(customers, end - window, end) for window in WINDOWS])


def example_at(
    days: PurchaseDays, origin: int, horizon: int, calendar: Calendar, model: Model, steady: Model
) -> Example:
    """What was known of everybody at `origin`, by models fitted then, and what came within the horizon."""
    known = days.before(origin)
    spans = known.spans()
    signals = Signals.of(calendar.histories(spans), horizon, model, steady)
    columns = columns_of(spans, origin, recent_counts(known, spans.customer, origin), signals)
    happened = days.counts(spans.customer, origin, origin + horizon)
    return Example(columns, happened, log_pace_of(calendar, horizon))


def log_pace_of(calendar: Calendar, horizon: int) -> float:
    """Logarithm of how much busier than an even one the horizon after the calendar's end is."""
    return float(np.log(max(calendar.ahead(horizon)[horizon], 1e-9) / horizon))


def learn_from(examples: Sequence[Example], horizon: int) -> Learned | None:
    """Trees from examples of earlier days; None where they are too few."""
    if not examples:
        return None
    columns = np.vstack([example.columns for example in examples])
    happened = np.concatenate([example.happened for example in examples])
    pace = np.concatenate([np.full(len(example.happened), example.log_pace) for example in examples])
    returned = happened > 0
    rarer = min(int(returned.sum()), int((~returned).sum()))
    if not can_grow() or len(happened) < LEAST_EXAMPLES or rarer < LEAST_RETURNS:
        return None
    mean, share = float(happened.mean()), float(returned.mean())
    base, base_return = float(np.log(mean)), float(np.log(share / (1 - share)))
    trees = [
        lightgbm().train(
            {**_SETTINGS, "objective": objective}, lightgbm().Dataset(columns, target, init_score=start), _ROUNDS
        )
        for objective, target, start in (
            ("poisson", happened, base + pace),
            ("binary", returned.astype(np.float64), base_return + pace),
        )
    ]
    return Learned(horizon, base, base_return, *trees)
