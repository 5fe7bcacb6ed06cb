"""Which items a customer buys on the next shopping day: a choice model of habits, learned from the days before."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from huitou.stats.baskets.history import History
from huitou.stats.baskets.itemsets import Codes
from huitou.stats.baskets.listwise import Choice, Reals, fit_choice
from huitou.stats.baskets.ranking import Scored

FEATURES = (
    "habit",
    "habit_squared",
    "habit_by_visits",
    "habit_by_trend",
    "lately",
    "this_week",
    "this_month_and_last",
    "days_since",
    "visits_since",
    "days_bought",
    "only_once",
    "item_this_month",
    "item_this_week",
    "item_buyers",
    "item_loyalty",
    "never",
)
# Of each further shopping day ago, a purchase counts so much less; and of each so many days ago half as much.
_HABIT_DECAY, _LATELY_DECAY = 0.97, 0.85
_WEEK, _MONTHS = 7.0, 56.0
# Of longer lists only the strongest habits are learned from: what comes after them is never ranked high.
_LEARNED_FROM = 200
# And of more customers than this, so many at equal steps.
_LEARNED_FROM_CUSTOMERS = 20_000
_EVER = 1_000_000
PENALTY = 3.0
# Fewer chosen items than this are too few to learn weights from; then habits are ranked by the weights below.
LEAST_CHOSEN = 200
_DEFAULT_WEIGHTS = {"habit": 0.9, "item_this_month": 0.4, "item_buyers": -0.25, "never": -0.5}


@dataclass(frozen=True)
class Candidates:
    """Pairs of a customer and an item that may be bought, by customer and then item, and their features.

    `customer` and `item` have shape (pairs,), `features` (pairs, `FEATURES`).
    """

    customer: Codes
    item: Codes
    features: Reals


@dataclass(frozen=True)
class Trends:
    """How each item sells to everybody: days of customers on which it was bought in all, in the last 28 and the last 7
    days, and its buyers; arrays of shape (items,)."""

    total: Codes
    month: Codes
    week: Codes
    buyers: Codes

    @classmethod
    def of(cls, history: History) -> Trends:
        """Those of a history."""

        def sold(days: int) -> Codes:
            return np.bincount(history.item[history.age_days <= days], minlength=history.item_count).astype(np.int64)

        buyers = np.bincount(history.counts.indices, minlength=history.item_count).astype(np.int64)
        return cls(sold(_EVER), sold(28), sold(7), buyers)

    def popular(self, count: int) -> Codes:
        """The items most bought in the last 28 days."""
        found = np.lexsort((np.arange(len(self.month)), -self.month))[:count]
        kept: Codes = found[self.month[found] > 0]
        return kept


def candidates_of(history: History, trends: Trends, popular_count: int = 0) -> Candidates:
    """Everything that each customer bought before, and for each of them the `popular_count` items most bought of late.

    Parameters
    ----------
    history
        What was bought before the instant, by all customers or by some.
    trends
        Those of the history of all customers.
    popular_count
        How many popular items are candidates for those as well who never bought them.
    """
    bought = history.counts.tocsr()
    bought.sort_indices()
    size = history.item_count
    keys = np.repeat(np.arange(history.customer_count), np.diff(bought.indptr)) * size + bought.indices
    if popular_count:
        active = np.flatnonzero(np.diff(bought.indptr) > 0)
        keys = np.union1d(keys, (active[:, None] * size + trends.popular(popular_count)).ravel())
    return Candidates(keys // size, keys % size, _features(history, trends, keys))


def _features(history: History, trends: Trends, keys: Codes) -> Reals:
    """Of shape (pairs, features); keys are customer × items + item, ascending, and hold every pair that was bought."""
    count = len(keys)
    place = np.searchsorted(keys, history.customer * history.item_count + history.item)
    ages, visits = history.age_days.astype(float), history.visits_ago.astype(float)

    def total(weights: Reals) -> Reals:
        return np.bincount(place, weights=weights, minlength=count).astype(float)

    def least(values: Reals, nothing: float) -> Reals:
        found = np.full(count, np.inf)
        np.minimum.at(found, place, values)
        return np.where(np.isinf(found), nothing, found)

    customer, item = keys // history.item_count, keys % history.item_count
    times = np.bincount(place, minlength=count).astype(float)
    habit = np.log(total(_HABIT_DECAY**visits) + 1e-3)
    trend = np.log(trends.month[item] + 1e-3)
    columns = {
        "habit": habit,
        "habit_squared": habit**2,
        "habit_by_visits": habit * np.log(np.maximum(history.visit_counts[customer], 1)),
        "habit_by_trend": habit * trend,
        "lately": np.log(total(_LATELY_DECAY**visits) + 1e-3),
        "this_week": np.log(total(0.5 ** (ages / _WEEK)) + 1e-3),
        "this_month_and_last": np.log(total(0.5 ** (ages / _MONTHS)) + 1e-3),
        "days_since": np.log(least(ages, 1.0)),
        "visits_since": np.log1p(least(visits, 0.0)),
        "days_bought": np.log(times + 1e-3),
        "only_once": times == 1,
        "item_this_month": trend,
        "item_this_week": np.log1p(trends.week[item]),
        "item_buyers": np.log(trends.buyers[item] + 1e-3),
        "item_loyalty": np.log(trends.total[item] / np.maximum(trends.buyers[item], 1) + 1e-3),
        "never": times == 0,
    }
    found = np.empty((count, len(FEATURES)))
    for number, name in enumerate(FEATURES):
        found[:, number] = columns[name]
    return found


@dataclass(frozen=True)
class NextBasket:
    """A fitted model of the next shopping day. `is_learned` is whether its weights come from this history."""

    choice: Choice
    popular_count: int
    is_learned: bool

    def score(self, history: History, trends: Trends) -> Scored:
        """Every candidate of `candidates_of` with its score; only differences within a customer mean anything."""
        found = candidates_of(history, trends, self.popular_count)
        return Scored(found.customer, found.item, self.choice.score(found.features))


def fit_next_basket(history: History, horizon_days: int = 28, popular_count: int = 0) -> NextBasket:
    """Learn from what customers bought on their first shopping day of the last `horizon_days` days.

    Features are those of the day before these days began, so nothing that is to be foreseen is among them. A history
    in which too little was chosen (`LEAST_CHOSEN`) gets fixed weights: recent habit first, then what sells of late.

    Parameters
    ----------
    history
        What was bought before the instant.
    horizon_days
        Days before the instant in which next baskets are looked for, at least 1.
    popular_count
        See `candidates_of`.

    References
    ----------
    The decays by shopping days stem from personal item frequency: H. Hu et al., *Modeling personalized item frequency
    information for next-basket recommendation*, SIGIR (2020); weights are fitted by `fit_choice`.
    """
    earlier = history.earlier(horizon_days)
    trends = Trends.of(earlier)
    if history.customer_count > _LEARNED_FROM_CUSTOMERS:
        some = np.arange(0, history.customer_count, -(-history.customer_count // _LEARNED_FROM_CUSTOMERS))
        history, earlier = history.of_customers(some), earlier.of_customers(some)
    customers, items = history.next_baskets(horizon_days)
    found = candidates_of(earlier, trends, popular_count)
    chosen = np.isin(found.customer * history.item_count + found.item, customers * history.item_count + items)
    kept = _strongest(found)
    if chosen[kept].sum() < LEAST_CHOSEN:
        weights = np.array([_DEFAULT_WEIGHTS.get(name, 0.0) for name in FEATURES])
        fixed = Choice(np.zeros(len(FEATURES)), np.ones(len(FEATURES)), weights)
        return NextBasket(fixed, popular_count, is_learned=False)
    choice = fit_choice(found.features[kept], chosen[kept], found.customer[kept], PENALTY)
    return NextBasket(choice, popular_count, is_learned=True)


def _strongest(found: Candidates) -> Codes:
    """Rows of each customer's strongest habits, customers in their order."""
    habit = found.features[:, FEATURES.index("habit")]
    order = np.lexsort((-habit, found.customer))
    customer = found.customer[order]
    rank = np.arange(len(order)) - np.searchsorted(customer, customer)
    return np.sort(order[rank < _LEARNED_FROM])
