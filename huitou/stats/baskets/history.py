"""What customers bought on which day before an instant, and the same history as it stood some days earlier."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import scipy.sparse as sp

from huitou.stats.baskets.itemsets import Codes

# Ages are below it, so that customer and age are one number.
_AGES = 1_000_000


@dataclass(frozen=True)
class History:
    """One entry for each customer, day and different item bought.

    Parameters
    ----------
    customer, item
        Arrays of shape (entries,), codes from 0.
    age_days
        Array of shape (entries,): days from the purchase to the instant, at least 1 (the day before).
    customer_count, item_count
        How many customers and items there are; some may be without an entry.
    """

    customer: Codes
    item: Codes
    age_days: Codes
    customer_count: int
    item_count: int

    def __post_init__(self) -> None:
        if len(self.age_days) and (self.age_days.min() < 1 or self.age_days.max() >= _AGES):
            raise ValueError("ages are days before the instant, from 1 on")

    def earlier(self, days: int) -> History:
        """The history as it stood so many days before."""
        kept = self.age_days > days
        return History(
            self.customer[kept], self.item[kept], self.age_days[kept] - days, self.customer_count, self.item_count
        )

    def of_items(self, kept: Codes) -> History:
        """Only the items of these codes, numbered anew in the order given."""
        place = np.full(self.item_count, -1)
        place[kept] = np.arange(len(kept))
        rows = place[self.item] >= 0
        return History(self.customer[rows], place[self.item[rows]], self.age_days[rows], self.customer_count, len(kept))

    def of_customers(self, kept: Codes) -> History:
        """Only the customers of these codes, numbered anew in the order given."""
        place = np.full(self.customer_count, -1)
        place[kept] = np.arange(len(kept))
        rows = place[self.customer] >= 0
        return History(place[self.customer[rows]], self.item[rows], self.age_days[rows], len(kept), self.item_count)

    def next_baskets(self, days: int) -> tuple[Codes, Codes]:
        """Customers and items, distinct: what was bought on a customer's first shopping day of the last `days` days."""
        late = np.flatnonzero(self.age_days <= days)
        first = np.zeros(self.customer_count, np.int64)
        np.maximum.at(first, self.customer[late], self.age_days[late])
        chosen = late[self.age_days[late] == first[self.customer[late]]]
        pairs = np.unique(self.customer[chosen] * self.item_count + self.item[chosen])
        return pairs // self.item_count, pairs % self.item_count

    @cached_property
    def visits(self) -> tuple[Codes, Codes]:
        """Every shopping day of every customer, latest first: customers (ascending) and ages."""
        keys = np.unique(self.customer * _AGES + self.age_days)
        return keys // _AGES, keys % _AGES

    @cached_property
    def visit_counts(self) -> Codes:
        """Shopping days of each customer, of shape (customers,)."""
        return np.bincount(self.visits[0], minlength=self.customer_count)

    @cached_property
    def visits_ago(self) -> Codes:
        """How many shopping days of the customer followed each entry's, of shape (entries,): 0 is the latest day."""
        customers, ages = self.visits
        starts = np.searchsorted(customers, np.arange(self.customer_count))
        places = np.searchsorted(customers * _AGES + ages, self.customer * _AGES + self.age_days)
        found: Codes = places - starts[self.customer]
        return found

    @cached_property
    def counts(self) -> sp.csr_matrix:
        """Days on which each customer bought each item, of shape (customers, items)."""
        shape = (self.customer_count, self.item_count)
        ones = np.ones(len(self.customer), np.float32)
        found = sp.csr_matrix((ones, (self.customer, self.item)), shape=shape)
        found.sum_duplicates()
        return found
