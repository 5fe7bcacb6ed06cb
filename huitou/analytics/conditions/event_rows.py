"""Rows of fct_events as conditions look at them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import ibis

from huitou.analytics.conditions.facts import Facts, History, Row
from huitou.analytics.conditions.leaf import Match, Measure, Summed, told
from huitou.analytics.conditions.moment import Moment
from huitou.analytics.conditions.naming import names
from huitou.analytics.conditions.properties import Filter
from huitou.analytics.interactions import DONE_KINDS

Span = tuple[datetime | None, datetime]


def bounded(events: ibis.Table, asks: Sequence[Summed], moment: Moment) -> ibis.Table:
    """Things done, without those that no leaf looks at as far as files and their statistics can tell."""
    rows = events.filter(
        events.occurred_at < ibis.literal(moment.as_of),
        events.person_id.notnull(),
        events.kind.isnull() | events.kind.isin(DONE_KINDS),
    )
    sinces = [ask.since for ask in asks]
    known = [since for since in sinces if since is not None]
    if len(known) == len(sinces):
        first = min(known)
        # Months are folders: those before need not be opened.
        rows = rows.filter(rows.month >= first.strftime("%Y-%m"), rows.occurred_at >= ibis.literal(first))
    if all(ask.names for ask in asks):
        rows = rows.filter(rows.name.isin(sorted({name for ask in asks for name in ask.names})))
    return rows


@dataclass(frozen=True)
class EventRows:
    """Events of some names that meet some filters: things done, never things only told.

    The lake holds every event once, whatever number of times it was delivered.
    """

    names: tuple[str, ...]
    filters: tuple[Filter, ...] = ()

    def match(self, moment: Moment, span: Span) -> Match:
        """Which of the things done lie in a span and are meant."""
        since, until = span

        def meant(rows: ibis.Table) -> ibis.Value:
            met = [rows.name.isin(list(self.names))]
            met += [rows.occurred_at >= ibis.literal(since)] if since else []
            met += [rows.occurred_at < ibis.literal(until)] if until < moment.as_of else []
            if not self.filters:
                return ibis.and_(*met)
            # Properties are taken apart for events of the name only: engines judge every part of an AND.
            filters = ibis.and_(*(one.over(rows, moment) for one in self.filters))
            return ibis.and_(*met).ifelse(filters, False)

        return meant

    def summed(
        self, moment: Moment, span: Span, measures: dict[str, Measure], *, needed: bool = True, exists: bool = False
    ) -> Summed:
        """Measures over the rows in a span."""
        match = self.match(moment, span)
        return Summed("events", match, measures, needed, exists, names=self.names, since=span[0])

    def rows(self, facts: Facts, moment: Moment, span: Span) -> ibis.Table:
        """The rows in a span themselves."""
        asked = self.summed(moment, span, {})
        rows = bounded(facts.events, [asked], moment)
        return rows.filter(asked.match(rows))

    def of(self, history: History, moment: Moment, span: Span) -> list[Row]:
        """The same rows of one customer, in their order in time; at one instant by their ids."""
        since, until = span
        found = [
            row
            for row in history.events
            if (since is None or row["occurred_at"] >= since)
            and row["occurred_at"] < min(until, moment.as_of)
            and self.meant(row, moment)
        ]
        return sorted(found, key=lambda row: (row["occurred_at"], row["event_id"]))

    def meant(self, row: Row, moment: Moment) -> bool:
        """Whether one event is meant, whenever it happened."""
        done = row["kind"] is None or row["kind"] in DONE_KINDS
        return done and row["name"] in self.names and all(one.holds(row, moment) for one in self.filters)

    def words(self, language: str) -> str:
        """The names, and the filters in brackets."""
        titles = names().events
        told_names = told(language, " or ", "或").join(f"“{titles.get(name) or name}”" for name in self.names)
        if not self.filters:
            return told_names
        met = told(language, " and ", "且").join(one.words(language) for one in self.filters)
        return told(language, f"{told_names} ({met})", f"{told_names}（{met}）")
