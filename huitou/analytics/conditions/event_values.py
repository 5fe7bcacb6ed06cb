"""What a property adds up to over events: sum, smallest, largest, first, last, number of different ones."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import ibis

from huitou.analytics.conditions.comparing import Comparison
from huitou.analytics.conditions.event_rows import EventRows
from huitou.analytics.conditions.facts import History
from huitou.analytics.conditions.leaf import Leaf, Measure, Summed, told
from huitou.analytics.conditions.moment import Moment
from huitou.analytics.conditions.properties import Subject
from huitou.analytics.conditions.window import Window
from huitou.analytics.days import micros

TAKES = ("sum", "min", "max", "first", "last", "distinct")
# Of nothing, these are 0; the others are empty.
COUNTING = ("sum", "distinct")
_WORDS = {
    "sum": ("the sum of {0}", "{0}之和"),
    "min": ("the smallest {0}", "{0}的最小值"),
    "max": ("the largest {0}", "{0}的最大值"),
    "first": ("the first {0}", "首次的{0}"),
    "last": ("the last {0}", "最近一次的{0}"),
    "distinct": ("the number of different {0}", "不同{0}的个数"),
}
# Added to microseconds, so that all of them have the same number of digits and sort as text.
_LONG = 10**17


def place_in_time(instant: ibis.Value, *ties: ibis.Value) -> ibis.Value:
    """A text that sorts rows by an instant, then by texts."""
    place = (micros(instant) + _LONG).cast("string")
    for tie in ties:
        place = place + ibis.literal(" ") + tie
    return place


@dataclass(frozen=True)
class Value(Leaf):
    """One number or value taken from the events in the window that have it, compared."""

    events: EventRows
    window: Window
    take: str
    subject: Subject
    comparison: Comparison

    @property
    def _family(self) -> str:
        return "text" if self.take == "distinct" else self.comparison.family

    def asks(self, moment: Moment) -> Summed:
        family = self._family
        matched = self.events.match(moment, self.window.span(moment))
        ordered = self.take in ("first", "last")

        def match(rows: ibis.Table) -> ibis.Value:
            met = matched(rows)
            # Sums leave out what is empty by themselves.
            return met.ifelse(self.subject.column(rows, family).notnull(), False) if ordered else met

        def measure(rows: ibis.Table, flag: ibis.Value | None) -> ibis.Value:
            column = self.subject.column(rows, family)
            if ordered:
                place = place_in_time(rows.occurred_at, rows.event_id)
                return column.argmin(place, where=flag) if self.take == "first" else column.argmax(place, where=flag)
            if flag is not None:
                column = flag.ifelse(column, ibis.null(column.type()))
            summed: ibis.Value = getattr(column, "nunique" if self.take == "distinct" else self.take)()
            return summed

        span = self.window.span(moment)
        measures: dict[str, Measure] = {"value": measure}
        needed = self._needed(moment)
        return Summed("events", match, measures, needed, names=self.events.names, since=span[0])

    def _needed(self, moment: Moment) -> bool:
        return not self.comparison.holds(0 if self.take in COUNTING else None, moment)

    def met(self, values: Mapping[str, ibis.Value], moment: Moment) -> ibis.Value:
        value = values["value"]
        if self.take in COUNTING:
            value = value.fill_null(0)
        return self.comparison.over(value, moment)

    def holds(self, history: History, moment: Moment) -> bool:
        rows = self.events.of(history, moment, self.window.span(moment))
        every = [self.subject.value(row, self._family) for row in rows]
        found: list[Any] = [value for value in every if value is not None]
        take: dict[str, Any] = {
            "sum": lambda: sum(found),
            "distinct": lambda: len(set(found)),
            "min": lambda: min(found, default=None),
            "max": lambda: max(found, default=None),
            "first": lambda: found[0] if found else None,
            "last": lambda: found[-1] if found else None,
        }
        return self.comparison.holds(take[self.take](), moment)

    def words(self, language: str) -> str:
        value = told(language, *_WORDS[self.take]).format(self.subject.words(language))
        what, when = self.events.words(language), self.window.words(language)
        when = told(language, f" {when}" if when else "", when)
        compared = self.comparison.words(language)
        return told(language, f"{value} of {what}{when} {compared}", f"{when}{what}的{value}{compared}")
