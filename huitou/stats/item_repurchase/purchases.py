"""What was bought on which day, as far as these models look: one entry for each customer, item and day."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike, NDArray

Codes = NDArray[np.int64]
Reals = NDArray[np.float64]
Flags = NDArray[np.bool_]

# Days fit below it, so that a customer and a day, or a pair and a day, are one number.
SPAN = 1_000_000


@dataclass(frozen=True)
class ItemPurchases:
    """Entries by ascending customer, item and day; each such triple once.

    Attributes
    ----------
    customer, item : codes from 0, of shape (entries,)
    day : days since some day, 0 to 999,999, of shape (entries,)
    quantity : units bought on that day, above 0, of shape (entries,)
    """

    customer: Codes
    item: Codes
    day: Codes
    quantity: Reals

    @classmethod
    def of(
        cls, customer: ArrayLike, item: ArrayLike, day: ArrayLike, quantity: ArrayLike | None = None
    ) -> ItemPurchases:
        """Entries in any order; those of one customer, item and day become one, with the sum of their quantities.

        Raises
        ------
        ValueError : columns of unlike length, a negative code or day, a quantity that is not above 0
        """
        who, what, when = (np.asarray(column, np.int64).ravel() for column in (customer, item, day))
        units = np.ones(len(who)) if quantity is None else np.asarray(quantity, np.float64).ravel()
        if not len(who) == len(what) == len(when) == len(units):
            raise ValueError("the columns of purchases differ in length")
        if len(who) and (min(who.min(), what.min(), when.min()) < 0 or when.max() >= SPAN):
            raise ValueError("codes and days are whole numbers from 0, days below a million")
        if not (np.isfinite(units).all() and (units > 0).all()):
            raise ValueError("quantities are above 0")
        order = np.lexsort((when, what, who))
        who, what, when, units = who[order], what[order], when[order], units[order]
        new = _starts(who, what, when)
        return cls(who[new], what[new], when[new], np.add.reduceat(units, new) if len(new) else units)

    def __len__(self) -> int:
        return len(self.customer)

    def before(self, day: int) -> ItemPurchases:
        """What was bought before a day."""
        return self._only(self.day < day)

    def of_customers(self, chosen: Flags) -> ItemPurchases:
        """What those customers bought of whom the flag at their code is set."""
        return self._only(chosen[self.customer])

    def _only(self, kept: Flags) -> ItemPurchases:
        if kept.all():
            return self
        return ItemPurchases(self.customer[kept], self.item[kept], self.day[kept], self.quantity[kept])

    @cached_property
    def pair_starts(self) -> Codes:
        """Where the entries of each pair of a customer and an item begin, of shape (pairs,)."""
        return _starts(self.customer, self.item)

    @cached_property
    def visits(self) -> Codes:
        """Every day with a purchase of every customer, as customer × SPAN + day, ascending."""
        # One pass of a stable sort by day inside customers is dearer than unique over one number each.
        return np.unique(self.customer * SPAN + self.day)


def _starts(*columns: Codes) -> Codes:
    """Where entries begin that differ from the one before in any column."""
    if not len(columns[0]):
        return np.empty(0, np.int64)
    new = np.zeros(len(columns[0]), bool)
    new[0] = True
    for column in columns:
        new[1:] |= column[1:] != column[:-1]
    return np.flatnonzero(new)
