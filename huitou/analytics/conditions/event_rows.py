"""Rows of fct_events as conditions look at them."""

from __future__ import annotations

from collections.abc import Sequence

import ibis

from huitou.analytics.conditions.leaf import Summed
from huitou.analytics.conditions.moment import Moment


def bounded(events: ibis.Table, asks: Sequence[Summed], moment: Moment) -> ibis.Table:
    """Events without those that no leaf looks at, told by what files and their statistics are sorted by."""
    rows = events.filter(events.occurred_at < ibis.literal(moment.as_of), events.person_id.notnull())
    sinces = [ask.since for ask in asks]
    known = [since for since in sinces if since is not None]
    if len(known) == len(sinces):
        first = min(known)
        # Months are folders: those before need not be opened.
        rows = rows.filter(rows.month >= first.strftime("%Y-%m"), rows.occurred_at >= ibis.literal(first))
    if all(ask.names for ask in asks):
        rows = rows.filter(rows.name.isin(sorted({name for ask in asks for name in ask.names})))
    return rows
