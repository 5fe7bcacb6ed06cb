"""What customers buy for the first time within some days of first buying something else, against comparable others."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from huitou.stats.baskets.itemsets import Codes
from huitou.stats.baskets.rules import Reals
from huitou.stats.normal import quantile

CONFIDENCE = 0.95
# Customers are compared with others who bought on about as many days of late.
ACTIVITY_DAYS = 91
ACTIVITY_EDGES = (2, 3, 5, 9, 17)
_GROUPS = len(ACTIVITY_EDGES) + 1
_NEVER = np.iinfo(np.int32).max
_AT_ONCE = 8_000_000


@dataclass(frozen=True)
class FirstPurchases:
    """When each customer first bought each item, as far as is known at an instant.

    Parameters
    ----------
    customer, item
        Arrays of shape (entries,), codes from 0; each pair stands once.
    day
        Array of shape (entries,), day number of the first purchase.
    active_days
        Array of shape (entries,): on how many different days the customer bought anything in the `ACTIVITY_DAYS` days
        that end with `day`, which is itself one of them.
    end_day
        The first day of which nothing is known.
    customer_count, item_count
        How many customers and items there are.
    """

    customer: Codes
    item: Codes
    day: Codes
    active_days: Codes
    end_day: int
    customer_count: int
    item_count: int


@dataclass(frozen=True)
class Sequences:
    """Chains "after `left` comes `right`", by falling lift; arrays of shape (chains,).

    `customer_count` customers first bought `left` early enough to be watched for the whole window and had not bought
    `right` by then; `followed_count` of them first bought `right` on a later day inside the window, half of these
    after at most `median_days`, the middle half from `early_days` to `late_days` after. `expected_count` would have,
    had they bought `right` as often as customers who had just first bought something else and were as active.
    """

    left: Codes
    right: Codes
    customer_count: Codes
    followed_count: Codes
    expected_count: Reals
    early_days: Reals
    median_days: Reals
    late_days: Reals

    def __len__(self) -> int:
        return len(self.left)

    @property
    def rate(self) -> Reals:
        """Share of the customers who went on to buy `right` in the window."""
        return self.followed_count / self.customer_count

    @property
    def base_rate(self) -> Reals:
        """The share that was to be expected of them."""
        return self.expected_count / self.customer_count

    @property
    def lift(self) -> Reals:
        """Rate ÷ base rate: 1.65 is 65 % more likely."""
        return self.followed_count / self.expected_count

    def lift_interval(self, confidence: float = CONFIDENCE) -> tuple[Reals, Reals]:
        """Wilson's interval of the rate, as multiples of the base rate, which is known far better than the rate."""
        z = quantile((1 + confidence) / 2)
        n, p = self.customer_count, self.rate
        center = p + z * z / (2 * n)
        reach = z * np.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
        below, scale = np.maximum(center - reach, 0), 1 + z * z / n
        return below / scale / self.base_rate, (center + reach) / scale / self.base_rate


def find_sequences(
    firsts: FirstPurchases, window_days: int, *, min_customers: int = 30, min_followed: int = 5, min_lift: float = 0.0
) -> Sequences:
    """Chains of two items within a window, with the rate that comparable customers have.

    Somebody who buys much buys everything soon, so a plain ratio calls every pair of a heavy buyer a chain. The
    expectation is therefore standardized: customers are grouped by the days on which they bought in the last 91, and
    the base rate of an item in a group is what followed the first purchase of any other item there.

    Parameters
    ----------
    firsts
        First purchases of each customer and item.
    window_days
        How many days after the first purchase of the left item are watched, at least 1. Who first bought it too late
        to be watched that long is left out.
    min_customers, min_followed
        The customers that a chain needs on its left side, and that went on.
    min_lift
        The lift that a chain needs.

    References
    ----------
    Indirect standardization: J. M. Bland, *An Introduction to Medical Statistics* (2000), 16.3. Interval: E. B.
    Wilson, JASA 22 (1927).
    """
    if window_days < 1:
        raise ValueError("a window has at least one day")
    at_risk, followed = _count(firsts, window_days)
    # What follows the item itself is no base rate of it; such cells are empty by construction.
    all_at_risk, all_followed = at_risk.sum(1), followed.sum(1)
    others_at_risk = all_at_risk[:, None] - at_risk
    others_followed = all_followed[:, None] - followed
    rate = np.divide(others_followed, others_at_risk, out=np.zeros(at_risk.shape), where=others_at_risk > 0)
    expected = (at_risk * rate).sum(0)
    customers, went_on = at_risk.sum(0), followed.sum(0)
    lift = np.divide(went_on, expected, out=np.zeros(expected.shape), where=expected > 0)
    enough = (customers >= min_customers) & (went_on >= max(min_followed, 1)) & (expected > 0) & (lift >= min_lift)
    left, right = np.nonzero(enough)
    order = np.lexsort((right, left, -went_on[left, right], -lift[left, right]))
    left, right = left[order], right[order]
    quarters = _days_between(firsts, window_days, left, right)
    return Sequences(
        left,
        right,
        customers[left, right].astype(np.int64),
        went_on[left, right].astype(np.int64),
        expected[left, right],
        *quarters,
    )


def _count(firsts: FirstPurchases, window_days: int) -> tuple[Reals, Reals]:
    """At risk and followed, both of shape (groups, items, items): left item, then right item."""
    size = firsts.item_count
    at_risk, followed = np.zeros((_GROUPS, size, size)), np.zeros((_GROUPS, size, size))
    for customers, dense in _chunks(firsts):
        item, day, group = firsts.item[customers], firsts.day[customers], _groups(firsts.active_days[customers])
        row = firsts.customer[customers] - firsts.customer[customers][0]
        for chosen in _runs(item * _GROUPS + group, np.flatnonzero(day + window_days < firsts.end_day)):
            left, which = item[chosen[0]], group[chosen[0]]
            days_after = dense[row[chosen]] - day[chosen, None]
            at_risk[which, left] += (days_after > 0).sum(0)
            followed[which, left] += ((days_after > 0) & (days_after <= window_days)).sum(0)
    return at_risk, followed


def _runs(values: Codes, among: Codes) -> Iterator[Codes]:
    """The places `among` all that have the same value, one value after another."""
    order = among[np.argsort(values[among], kind="stable")]
    edges = np.flatnonzero(np.diff(values[order], prepend=-1, append=-1))
    for start, end in pairwise(edges):
        yield order[start:end]


def _groups(active_days: Codes) -> Codes:
    return np.searchsorted(ACTIVITY_EDGES, active_days, side="right")


def _chunks(firsts: FirstPurchases) -> Iterator[tuple[slice, npt.NDArray[np.int64]]]:
    """Some customers at a time: where their entries stand, and their first days, of shape (customers, items)."""
    if len(firsts.customer) and np.any(np.diff(firsts.customer) < 0):
        raise ValueError("entries stand in the order of customers")
    step = max(1, _AT_ONCE // max(firsts.item_count, 1))
    for start in range(0, firsts.customer_count, step):
        low, high = np.searchsorted(firsts.customer, (start, start + step))
        if low == high:
            continue
        here = slice(int(low), int(high))
        first = firsts.customer[low]
        dense = np.full((int(firsts.customer[high - 1] - first) + 1, firsts.item_count), _NEVER, np.int64)
        dense[firsts.customer[here] - first, firsts.item[here]] = firsts.day[here]
        yield here, dense


def _days_between(firsts: FirstPurchases, window_days: int, left: Codes, right: Codes) -> tuple[Reals, Reals, Reals]:
    """Quartiles of the days from left to right among those who went on, each of shape (chains,)."""
    numbers = np.full((firsts.item_count, firsts.item_count), -1, np.int64)
    numbers[left, right] = np.arange(len(left))
    histogram = np.zeros((len(left), window_days + 1))
    for here, dense in _chunks(firsts):
        item, day = firsts.item[here], firsts.day[here]
        row = firsts.customer[here] - firsts.customer[here][0]
        for chosen in _runs(item, np.flatnonzero(day + window_days < firsts.end_day)):
            one = item[chosen[0]]
            rights = np.flatnonzero(numbers[one] >= 0)
            after = dense[np.ix_(row[chosen], rights)] - day[chosen, None]
            who, which = np.nonzero((after > 0) & (after <= window_days))
            np.add.at(histogram, (numbers[one, rights[which]], after[who, which]), 1)
    so_far = np.cumsum(histogram, axis=1)
    total = so_far[:, -1:]
    early, median, late = ((so_far < total * share).sum(1).astype(float) for share in (0.25, 0.5, 0.75))
    return early, median, late
