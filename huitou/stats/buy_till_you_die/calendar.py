"""Busy and quiet weeks of a brand, told apart from what its customers do by themselves.

Models of repeat buying take purchases in a busy season for a customer's own rate and carry it on: after a Christmas
peak they promise half as much again as comes. Here time runs at the brand's pace: a busy week is longer than a quiet
one, and in that time customers buy evenly. The pace is the ratio of repeat purchases to those that a model expects, by
week, with a factor for each cohort of first purchases. Without the factor, customers who were there before the file
begins, and so seem to be new in its first weeks, would make those weeks look busy; and those are the weeks that a file
of one year knows of the season to come.

References
----------
The change of time of inhomogeneous Poisson processes (D. Cox, P. Lewis, *The Statistical Analysis of Series of Events*,
1966); two-way factors by iterative scaling (W. Deming, F. Stephan 1940).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from huitou.stats.buy_till_you_die.days import PurchaseDays, Spans
from huitou.stats.buy_till_you_die.histories import Floats, Histories
from huitou.stats.buy_till_you_die.model import Model

YEAR = 364
_WEEK, _COHORT = 7, 28
# Purchases that a week or a cohort must outweigh before it counts for more than half as itself.
_SLOW = 30.0
_ROUNDS, _SCALINGS = 4, 20
# Customers that the model between is fitted to; the purchases of all are counted.
_FITTED = 5_000
# Days on each side of the same day of another year that speak for it.
_AROUND = 3
_CURVE_POINTS = 400


@dataclass(frozen=True)
class Calendar:
    """The pace of each day from `start` to the day before `end`, on average 1, and so the brand's own time.

    Attributes
    ----------
    start, end : day numbers; `end` is the first day that is not known
    pace : by day from `start` on
    """

    start: int
    end: int
    pace: Floats

    @classmethod
    def even(cls, start: int, end: int) -> Calendar:
        """Every day like the next."""
        return cls(start, end, np.ones(end - start))

    @property
    def years(self) -> float:
        """How many seasons are known."""
        return (self.end - self.start) / YEAR

    def histories(self, spans: Spans, weight: Floats | None = None) -> Histories:
        """The customers' histories in the brand's time, in days of mean pace; log_gaps are left out."""
        clock = np.concatenate([[0.0], np.cumsum(self.pace)])
        first, last = clock[spans.first - self.start], clock[spans.last - self.start]
        return Histories.of(spans.repeats, last - first, clock[-1] - first, weight)

    def ahead(self, days: int) -> Floats:
        """The brand's time from `end` until after 0, 1, ... `days` days, as in the same weeks of the years known; a day
        without any is of mean pace."""
        pace = np.ones(days)
        for day in range(days):
            known = []
            same = len(self.pace) + day - YEAR
            while same >= 0:
                if same < len(self.pace):
                    known.append(self.pace[max(same - _AROUND, 0) : same + _AROUND + 1].mean())
                same -= YEAR
            if known:
                pace[day] = np.mean(known)
        return np.concatenate([[0.0], np.cumsum(pace)])


def learn_calendar(days: PurchaseDays, end: int, fit: Callable[[Histories], Model]) -> Calendar:
    """The pace of a brand's days from its customers' purchases before `end`.

    Parameters
    ----------
    days : all before `end`, of all customers or of a fair sample of them
    fit : the model that says how many purchases were to be expected of customers that long after their first

    Raises
    ------
    CannotFitError : as `fit` does
    """
    spans = days.spans()
    start = int(spans.first.min())
    calendar = Calendar.even(start, end)
    week_of = (end - 1 - np.arange(start, end)) // _WEEK
    bought = _repeats(days, spans, start, end)
    born = np.bincount(spans.first - start, minlength=end - start)
    days_of = np.bincount(week_of, minlength=bought.shape[1])
    some = spans.some(_FITTED)
    for _round in range(_ROUNDS):
        model = fit(calendar.histories(some).grouped())
        expected = _expected(calendar, model, born, bought.shape)
        # What an even week would bring: the new pace is found anew, and held near 1 where little is known.
        even = expected / (np.bincount(week_of, calendar.pace) / days_of)
        by_week = _two_way(bought, even)
        # On average 1 for a purchase to be expected, so that the level stays the model's.
        total = float(even.sum())
        mean = float(even.sum(axis=0) @ by_week) / total if total > 0 else 1.0
        calendar = Calendar(start, end, (by_week / mean)[week_of])
    return calendar


def _repeats(days: PurchaseDays, spans: Spans, start: int, end: int) -> Floats:
    """Repeat purchases by cohort of four weeks of the first one, and by week counted back from `end`."""
    first = np.repeat(spans.first, spans.repeats + 1)
    again = days.day > first
    counted = np.zeros(((end - 1 - start) // _COHORT + 1, (end - 1 - start) // _WEEK + 1))
    np.add.at(counted, ((first[again] - start) // _COHORT, (end - 1 - days.day[again]) // _WEEK), 1.0)
    return counted


def _expected(calendar: Calendar, model: Model, born: np.ndarray, shape: tuple[int, ...]) -> Floats:
    """The same table as the model expects it, at the calendar's pace."""
    clock = np.concatenate([[0.0], np.cumsum(calendar.pace)])
    points = np.linspace(0.0, clock[-1], _CURVE_POINTS)
    curve = model.expected_of_new(points)
    size = len(calendar.pace)
    week_of = (size - 1 - np.arange(size)) // _WEEK
    expected = np.zeros(shape)
    for day in np.flatnonzero(born):
        risen = np.diff(np.interp(clock[day:] - clock[day], points, curve))
        expected[day // _COHORT] += born[day] * np.bincount(week_of[day:], risen, minlength=shape[1])
    return expected


def _two_way(bought: Floats, expected: Floats) -> Floats:
    """Factor of each week, given one for each cohort; both are held near 1 where little is known."""
    by_week = np.ones(bought.shape[1])
    for _ in range(_SCALINGS):
        by_cohort = (bought.sum(axis=1) + _SLOW) / ((expected * by_week).sum(axis=1) + _SLOW)
        by_week = (bought.sum(axis=0) + _SLOW) / ((expected * by_cohort[:, None]).sum(axis=0) + _SLOW)
    return by_week
