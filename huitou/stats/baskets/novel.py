"""Which items a customer takes to who never bought them: the views of `signals`, weighed by what came of them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from huitou.stats.baskets.history import History
from huitou.stats.baskets.itemsets import Codes
from huitou.stats.baskets.listwise import Choice, Reals, fit_choice
from huitou.stats.baskets.ranking import Scored
from huitou.stats.baskets.signals import NAMES, Signals

FEATURES = ("weights", "log_weights", "log_neighbors", "next", "item_this_month", "item_this_week", "item_buyers")
# Of each customer the items that the weights put highest, and those most bought of late, are ranked.
_LIKELY, _POPULAR = 200, 100
PENALTY = 10.0
LEAST_CHOSEN = 200
_DEFAULT_WEIGHTS = {"log_weights": 0.5, "log_neighbors": 0.3, "item_this_week": 0.2}
# Of a score in standard deviations: keeps the logarithm finite where the score is none.
_OFFSET = 0.1
_MEASURED = 400


@dataclass(frozen=True)
class Novelties:
    """A fitted model. `is_learned` is whether its weights come from this history; without, it uses fixed ones."""

    history: History
    signals: Signals
    spreads: dict[str, float]
    choice: Choice
    is_learned: bool

    def score(self, customers: Codes) -> Scored:
        """Items that these customers never bought, scored; each customer's place in `customers` stands for it."""
        found, features = _candidates(self.history, self.signals, self.spreads, customers)
        return Scored(found.customer, found.item, self.choice.score(features))


def fit_novelties(history: History, horizon_days: int = 28) -> Novelties:
    """Learn from what customers bought for the first time on their first shopping day of the last `horizon_days` days.

    Everything that these weights are learned on is as it stood before those days; the same views of the whole history
    are then weighed by them.

    Parameters
    ----------
    history
        What was bought before the instant.
    horizon_days
        Days before the instant in which first purchases are looked for, at least 1.
    """
    earlier = history.earlier(horizon_days)
    choice = _learn(earlier, history.next_baskets(horizon_days), horizon_days)
    weights = np.array([_DEFAULT_WEIGHTS.get(name, 0.0) for name in FEATURES])
    fixed = Choice(np.zeros(len(FEATURES)), np.ones(len(FEATURES)), weights)
    signals = Signals.of(history, horizon_days)
    return Novelties(history, signals, _spreads(history, signals), choice or fixed, is_learned=choice is not None)


def _learn(earlier: History, bought: tuple[Codes, Codes], days: int) -> Choice | None:
    """Weights by what was bought next, None where too little was."""
    signals = Signals.of(earlier, days)
    customers = np.intersect1d(signals.teachers, bought[0])
    if not len(customers):
        return None
    found, features = _candidates(earlier, signals, _spreads(earlier, signals), customers)
    size = earlier.item_count
    chosen = np.isin(customers[found.customer] * size + found.item, bought[0] * size + bought[1])
    if chosen.sum() < LEAST_CHOSEN:
        return None
    return fit_choice(features, chosen, found.customer, PENALTY)


def _spreads(history: History, signals: Signals) -> dict[str, float]:
    """Standard deviation of each view over some of the teachers: what makes those of two instants alike."""
    some = signals.teachers[:: max(1, len(signals.teachers) // _MEASURED)]
    if not len(some):
        return dict.fromkeys(NAMES, 1.0)
    return {name: float(values.std()) or 1.0 for name, values in signals.see(history, some).items()}


def _candidates(
    history: History, signals: Signals, spreads: dict[str, float], customers: Codes
) -> tuple[Scored, Reals]:
    """Pairs of a place in `customers` and an item never bought (without a score yet), and their features."""
    items, size = signals.items, len(signals.items)
    views = signals.see(history, customers)
    new = history.counts[customers][:, items].toarray() == 0
    has_any = np.diff(history.counts[customers].indptr) > 0
    new &= has_any[:, None]
    likely = np.where(new, views["weights"], -np.inf)
    month = signals.trends.month[items].astype(float)
    popular = np.where(new, month, -np.inf)
    chosen = np.zeros(new.shape, bool)
    for values, count in ((likely, _LIKELY), (popular, _POPULAR)):
        # Ties at the edge all go in: which items are looked at must not hang on the order of a partition.
        edge = np.partition(values, -count, axis=1)[:, -count, None] if size > count else -np.inf
        chosen |= values >= edge
    customer, place = np.nonzero(chosen & new)
    scaled = {name: views[name][customer, place] / spreads[name] for name in NAMES}
    columns = {
        "weights": scaled["weights"],
        "log_weights": np.log(np.maximum(scaled["weights"], 0) + _OFFSET),
        "log_neighbors": np.log(np.maximum(scaled["neighbors"], 0) + _OFFSET),
        "next": scaled["next"],
        "item_this_month": np.log1p(month)[place],
        "item_this_week": np.log1p(signals.trends.week[items])[place],
        "item_buyers": np.log(signals.trends.buyers[items])[place],
    }
    features = np.column_stack([columns[name] for name in FEATURES])
    return Scored(customer, items[place], np.zeros(len(place))), features
