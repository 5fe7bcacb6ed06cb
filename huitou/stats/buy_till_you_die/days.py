"""Days with a purchase of some customers: what calendars, models and back-tests are made from."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from huitou.stats.buy_till_you_die.histories import Floats

Whole = NDArray[np.int64]


@dataclass(frozen=True)
class PurchaseDays:
    """Each day on which a customer bought, once, by customer and then by day.

    Attributes
    ----------
    customer : any whole numbers, one per row, ascending
    day : day numbers (of one calendar, such as days since 1970), ascending within a customer
    """

    customer: Whole
    day: Whole

    @classmethod
    def of(cls, customer: ArrayLike, day: ArrayLike) -> PurchaseDays:
        """Sorted, with several purchases on one day counted once."""
        who, when = np.asarray(customer, dtype=np.int64).ravel(), np.asarray(day, dtype=np.int64).ravel()
        if len(who) != len(when):
            raise ValueError("customers and days differ in length")
        order = np.lexsort((when, who))
        who, when = who[order], when[order]
        new = np.ones(len(who), dtype=bool)
        new[1:] = (who[1:] != who[:-1]) | (when[1:] != when[:-1])
        return cls(who[new], when[new])

    def __len__(self) -> int:
        return len(self.day)

    def before(self, day: int) -> PurchaseDays:
        """Only what was known at the beginning of `day`."""
        known = self.day < day
        return PurchaseDays(self.customer[known], self.day[known])

    def counts(self, customers: Whole, start: int, end: int) -> Floats:
        """Days with a purchase from `start` on and before `end`, by customer, for ascending `customers`."""
        inside = (self.day >= start) & (self.day < end)
        who = self.customer[inside]
        return (np.searchsorted(who, customers, side="right") - np.searchsorted(who, customers, side="left")).astype(
            np.float64
        )

    def spans(self) -> Spans:
        """One row per customer."""
        first = np.flatnonzero(np.r_[True, self.customer[1:] != self.customer[:-1]]) if len(self) else np.zeros(0, int)
        size = np.diff(np.r_[first, len(self)])
        return Spans(self.customer[first], size - 1, self.day[first], self.day[first + size - 1])


@dataclass(frozen=True)
class Spans:
    """Of each customer the days with a repeat purchase, the first and the last day; one row per customer, or per
    distinct such history."""

    customer: Whole
    repeats: Whole
    first: Whole
    last: Whole

    def __len__(self) -> int:
        return len(self.first)

    def some(self, most: int) -> Spans:
        """At most so many of them, evenly taken."""
        every = max(-(-len(self) // most), 1)
        return Spans(self.customer[::every], self.repeats[::every], self.first[::every], self.last[::every])
