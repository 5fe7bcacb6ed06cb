"""How likely each pair is bought again, in closed form: every pair buys at a steady rate of its own.

The rates of an item's pairs follow a gamma distribution (empirical Bayes by moments, one per item). What happened long
ago counts less, so that a rate that changed is believed to have changed. The rate ahead is the pair's rate, times how
much of the item and how much by the customer is bought of late.

References
----------
Empirical Bayes for Poisson counts: H. Robbins, "An empirical Bayes approach to statistics", Berkeley Symposium 3
(1956); the gamma form: R. Bhagat, S. Muralidharan, A. Lobzhanidze, S. Vishwanath, "Buy it again: modeling repeat
purchase recommendations", KDD (2018). Discounting: M. West, J. Harrison, "Bayesian forecasting and dynamic models"
(1997), section 10.8.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from huitou.stats.item_repurchase.pairs import Pairs
from huitou.stats.item_repurchase.purchases import SPAN, Codes, Reals

# After so many days a purchase counts 1/e of one today.
MEMORY_DAYS = 180.0
LATELY_DAYS, BEFORE_DAYS = 28, 91
# An item with fewer pairs than this leans on the prior of all items.
_PAIRS_OF_ITS_OWN = 50.0
_LEAST_SHAPE, _MOST_SHAPE = 0.05, 50.0


@dataclass(frozen=True)
class Priors:
    """The gamma distributions of the rates of each item's pairs: shapes and means per day, of shape (items,).

    `lately` is how much of each item was bought in the last weeks against the last months, around 1.
    """

    shape: Reals
    mean: Reals
    lately: Reals


@dataclass(frozen=True)
class Rates:
    """The gamma distribution of each pair's rate per day, and what it is multiplied by: arrays of shape (pairs,)."""

    shape: Reals
    exposure: Reals
    factor: Reals

    @property
    def mean(self) -> Reals:
        """Expected purchase days per day."""
        found: Reals = self.shape / self.exposure * self.factor
        return found

    def p_any(self, horizon: int) -> Reals:
        """Probability of at least one purchase within `horizon` days."""
        found: Reals = -np.expm1(-self.shape * np.log1p(self.factor * horizon / self.exposure))
        return found


def discounted(pairs: Pairs, memory: float = MEMORY_DAYS) -> tuple[Reals, Reals]:
    """Purchases after the first and days watched, of shape (pairs,); both count less the longer ago they are."""
    weight = np.exp(-(pairs.end - pairs.known.day) / memory)
    counts = pairs.total(weight) - weight[pairs.starts]
    return np.maximum(counts, 0.0), -memory * np.expm1(-pairs.age / memory)


def learn_priors(pairs: Pairs, item_count: int, memory: float = MEMORY_DAYS) -> Priors:
    """Priors by moments of all pairs; items with few pairs lean on all, and an item without any is like all."""
    counts, watched = discounted(pairs, memory)
    item = pairs.item

    def by_item(values: Reals) -> Reals:
        return np.bincount(item, weights=values, minlength=item_count).astype(np.float64)

    number = by_item(np.ones(len(item)))
    everything = max(float(watched.sum()), 1.0)
    overall = max(float(counts.sum()), 0.5) / everything
    usual = _shape(overall, float(((counts - overall * watched) ** 2).sum()), everything, float(watched @ watched))
    lean = 20.0 * everything / max(len(item), 1)
    mean = (by_item(counts) + lean * overall) / (by_item(watched) + lean)
    spread = by_item((counts - mean[item] * watched) ** 2)
    own = _shape(mean, spread, by_item(watched), by_item(watched**2))
    trust = number / (number + _PAIRS_OF_ITS_OWN)
    return Priors(np.exp(trust * np.log(own) + (1 - trust) * np.log(usual)), mean, _lately_of_items(pairs, item_count))


def _shape(mean: Reals | float, spread: Reals | float, watched: Reals | float, squares: Reals | float) -> Reals:
    """Shape of a gamma distribution whose Poisson counts spread so much around their mean."""
    beyond_chance = spread - mean * watched
    shape = mean * mean * squares / np.where(beyond_chance > 0, beyond_chance, 1.0)
    found: Reals = np.clip(np.where(beyond_chance > 0, shape, _MOST_SHAPE), _LEAST_SHAPE, _MOST_SHAPE)
    return found


def rates_of(pairs: Pairs, priors: Priors, memory: float = MEMORY_DAYS) -> Rates:
    """What is believed of each pair's rate after what it bought."""
    counts, watched = discounted(pairs, memory)
    shape = priors.shape[pairs.item]
    exposure = shape / priors.mean[pairs.item] + watched
    return Rates(shape + counts, exposure, priors.lately[pairs.item] * _lately_of_customers(pairs))


def _lately_of_items(pairs: Pairs, item_count: int) -> Reals:
    age = pairs.end - pairs.known.day

    def bought(days: int) -> Codes:
        return np.bincount(pairs.known.item[age <= days], minlength=item_count)

    return _against(bought(LATELY_DAYS), bought(BEFORE_DAYS), _days(pairs), 5.0)


def _lately_of_customers(pairs: Pairs) -> Reals:
    """Square root of how often the customer comes of late: half a change lasts."""
    lately = pairs.visits_between(pairs.end - LATELY_DAYS, pairs.end)
    before = pairs.visits_between(pairs.end - BEFORE_DAYS, pairs.end)
    # A customer who came within these months was not watched before the first day.
    first = pairs.known.visits[np.searchsorted(pairs.known.visits, pairs.customer * SPAN)] - pairs.customer * SPAN
    days = np.clip(pairs.end - first, LATELY_DAYS, BEFORE_DAYS)
    return np.sqrt(_against(lately, before, days, 2.0))


def _days(pairs: Pairs) -> int:
    """Of the months that are looked back at, the days that are known."""
    known = pairs.end - int(pairs.known.day.min(initial=pairs.end))
    return min(max(known, LATELY_DAYS), BEFORE_DAYS)


def _against(lately: Codes, before: Codes, days: Codes | int, lean: float) -> Reals:
    found: Reals = (lately + lean) / (before * LATELY_DAYS / days + lean)
    return found
