"""What such a model needs to know of customers, and no more: sufficient statistics with how many share them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]

LEAST_CUSTOMERS = 30
LEAST_REPEATERS = 10


class CannotFitError(ValueError):
    """These histories cannot bear this model; the message says why in a sentence."""


@dataclass(frozen=True)
class Histories:
    """Histories of customers, each row those who share one.

    Attributes
    ----------
    frequency : days with a purchase after the first one, whole numbers
    recency : time from the first to the last purchase; 0 where frequency is 0
    age : time from the first purchase to the end of what is known, at least recency
    weight : customers with this history, above 0
    log_gaps : sum of the logarithms of the times between successive purchases, of one customer on average; only
        models of regular timing ask for it
    """

    frequency: Floats
    recency: Floats
    age: Floats
    weight: Floats
    log_gaps: Floats

    @classmethod
    def of(
        cls,
        frequency: ArrayLike,
        recency: ArrayLike,
        age: ArrayLike,
        weight: ArrayLike | None = None,
        log_gaps: ArrayLike | None = None,
    ) -> Histories:
        """Checked columns of one length.

        Raises
        ------
        ValueError : a column of another length, a number that is none, or one history that cannot be
        """
        columns = [np.asarray(column, dtype=np.float64).ravel() for column in (frequency, recency, age)]
        size = len(columns[0])
        columns.append(np.ones(size) if weight is None else np.asarray(weight, dtype=np.float64).ravel())
        columns.append(np.zeros(size) if log_gaps is None else np.asarray(log_gaps, dtype=np.float64).ravel())
        if any(len(column) != size for column in columns):
            raise ValueError("the columns of histories differ in length")
        if not all(np.isfinite(column).all() for column in columns):
            raise ValueError("histories hold a number that is missing or infinite")
        x, last, age_, count, _gaps = columns
        if size and (x.min() < 0 or (x != np.floor(x)).any()):
            raise ValueError("frequency counts purchases: whole numbers from 0")
        if size and (last.min() < 0 or (last > age_).any() or (last[x == 0] > 0).any()):
            raise ValueError("recency lies between 0 and age, and is 0 without a repeat purchase")
        if size and count.min() <= 0:
            raise ValueError("weights are above 0")
        return cls(*columns)

    def __len__(self) -> int:
        return len(self.frequency)

    @property
    def customers(self) -> float:
        return float(self.weight.sum())

    @property
    def repeats(self) -> float:
        """Repeat purchases of all."""
        return float(self.weight @ self.frequency)

    def scaled(self, unit: float) -> Histories:
        """The same histories with `unit` as the unit of time."""
        gaps = self.log_gaps - self.frequency * np.log(unit)
        return Histories(self.frequency, self.recency / unit, self.age / unit, self.weight, gaps)

    def where(self, rows: NDArray[np.bool_] | slice) -> Histories:
        """Only some of them."""
        return Histories(
            self.frequency[rows], self.recency[rows], self.age[rows], self.weight[rows], self.log_gaps[rows]
        )

    def part(self, start: int, end: int) -> Histories:
        """Those from one place until before another."""
        return self.where(slice(start, end))

    def grouped(self) -> Histories:
        """Each distinct history once, in order; log_gaps as the mean of those who share it."""
        rows = np.column_stack([self.frequency, self.recency, self.age])
        order = np.lexsort(rows.T[::-1])
        rows = rows[order]
        new = np.concatenate([[True], (rows[1:] != rows[:-1]).any(axis=1)]) if len(rows) else np.zeros(0, dtype=bool)
        first = np.flatnonzero(new)
        if not len(first):
            return self
        weight = np.add.reduceat(self.weight[order], first)
        gaps = np.add.reduceat((self.weight * self.log_gaps)[order], first) / weight
        x, last, age = rows[first].T
        return Histories(x, last, age, weight, gaps)

    def check_enough(self) -> None:
        """Raise CannotFitError where there are too few customers or repeat purchases to learn from."""
        if self.customers < LEAST_CUSTOMERS:
            raise CannotFitError(f"only {self.customers:,.0f} customers; at least {LEAST_CUSTOMERS} are needed")
        repeaters = float(self.weight[self.frequency > 0].sum())
        if repeaters < LEAST_REPEATERS:
            raise CannotFitError(
                f"only {repeaters:,.0f} customers bought again; at least {LEAST_REPEATERS} are needed to learn a rhythm"
            )
        if float(self.age.max()) <= 0:
            raise CannotFitError("every customer came on the last day; there is no time to learn from")
