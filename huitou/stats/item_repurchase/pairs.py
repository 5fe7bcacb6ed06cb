"""Every pair of a customer and an item bought before, with what is known of it at an instant."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from huitou.stats.item_repurchase.purchases import SPAN, Codes, ItemPurchases, Reals


@dataclass(frozen=True)
class Pairs:
    """Pairs by ascending customer and item, as of the first instant of day `end`; arrays of shape (pairs,).

    Attributes
    ----------
    known : the purchases before `end`
    customer, item : codes
    count : days on which the pair was bought, from 1
    first, last : first and last of them
    age, elapsed : days from the first, and from the last of them to `end`, from 1
    customer_first : the customer's first day with any purchase
    """

    known: ItemPurchases
    end: int
    customer: Codes
    item: Codes
    count: Codes
    first: Codes
    last: Codes

    @property
    def age(self) -> Codes:
        return self.end - self.first

    @property
    def elapsed(self) -> Codes:
        return self.end - self.last

    def __len__(self) -> int:
        return len(self.customer)

    @property
    def starts(self) -> Codes:
        return self.known.pair_starts

    def total(self, values: Reals) -> Reals:
        """Sums over the entries of each pair, of shape (pairs,)."""
        return np.add.reduceat(values, self.starts) if len(self) else np.zeros(0)

    def visits_between(self, since: Codes | int, until: Codes | int) -> Codes:
        """Days with any purchase of each pair's customer, from `since` to before `until`."""
        visits, base = self.known.visits, self.customer * SPAN
        found: Codes = np.searchsorted(visits, base + until) - np.searchsorted(visits, base + since)
        return found


def pairs_at(purchases: ItemPurchases, end: int) -> Pairs:
    """The pairs of all purchases before day `end`, and nothing of what came later."""
    known = purchases.before(end)
    starts = known.pair_starts
    stops = np.append(starts[1:], len(known))
    return Pairs(
        known=known,
        end=end,
        customer=known.customer[starts],
        item=known.item[starts],
        count=stops - starts,
        first=known.day[starts],
        last=known.day[stops - 1] if len(starts) else starts,
    )


def days_to_next(pairs: Pairs, purchases: ItemPurchases, horizon: int) -> Codes:
    """Days from the end to the pair's next purchase, of shape (pairs,): 0 is the end's own day; `horizon` if none
    came within it."""
    later = (purchases.day >= pairs.end) & (purchases.day < pairs.end + horizon)
    width = int(purchases.item.max(initial=0)) + 1
    keys = purchases.customer[later] * width + purchases.item[later]
    new = np.flatnonzero(np.diff(keys, prepend=-1))
    keys, days = keys[new], purchases.day[later][new] - pairs.end
    wanted = pairs.customer * width + pairs.item
    place = np.minimum(np.searchsorted(keys, wanted), max(len(keys) - 1, 0))
    if not len(keys):
        return np.full(len(pairs), horizon)
    return np.where(keys[place] == wanted, days[place], horizon)
