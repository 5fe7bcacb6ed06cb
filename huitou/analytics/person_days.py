"""What persons did, by day: kept up to date from new events only, and cut at any instant when it is read.

`int_person_days` holds every event of the lake, whenever it happened. A refresh adds up the files that joined
fct_events since the last finished one and rewrites the months that they touch, starting from the version which that
refresh published. So events that come late or out of order land on their own days, and a refresh that was killed
after writing is of no consequence: its version is nobody's starting point.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Protocol
from zoneinfo import ZoneInfo

import ibis

from huitou.analytics.adoption import partition_values
from huitou.analytics.days import local_day
from huitou.analytics.engines import Engine
from huitou.analytics.interactions import DONE_KINDS

NAME = "int_person_days"
_BY = ["person_id", "day", "name"]
# No clock goes back further: instants closer than this to a day's border may stand on either side of it.
_CLOCK_CHANGE = timedelta(hours=3)
Span = tuple[datetime, datetime]


class Tables(Protocol):
    """Declared lake tables by name: an engine."""

    def table(self, name: str) -> ibis.Table: ...


@dataclass(frozen=True)
class DaysBasis:
    """What a version of int_person_days was made of: a version of fct_events, and the zone that decides days. Both
    tables are told by their identities from dropped ones of the same name."""

    events_identity: str | None
    events_version: int
    identity: str | None
    version: int
    zone: str


@dataclass(frozen=True)
class RefreshedDays:
    """The version of int_person_days that is up to date now, and how many rows were written for it."""

    version: int
    rows: int
    in_full: bool


def refresh_person_days(engine: Engine, basis: DaysBasis | None, zone: str) -> RefreshedDays:
    """Bring int_person_days up to the engine's version of fct_events; the engine reads the new version then.

    Parameters
    ----------
    engine
        Over the facts to be counted.
    basis
        What the last finished refresh left. None, or one that does not fit, makes a full rebuild.
    zone
        IANA name of the brand's zone.
    """
    kept = None if basis is None else _kept_files(engine, basis, zone)
    added = None if basis is None else _added_files(engine, basis)
    if basis is None or kept is None or added is None:
        events = done_events(engine.table("fct_events"))
        version, rows = engine.write(NAME, sum_days(events, zone, events_span(engine, events)))
        return RefreshedDays(version, rows, in_full=True)
    if not added and engine.version(NAME) == basis.version:
        return RefreshedDays(basis.version, 0, in_full=False)
    events = done_events(engine.read("fct_events", added))
    news = engine.keep("new_person_days", sum_days(events, zone, events_span(engine, events)))
    months = set(engine.to_pyarrow(news.select("month").distinct())["month"].to_pylist())
    touched = [file for file in kept if partition_values(Path(file))["month"] in months]
    before = engine.read(NAME, touched).select(*news.columns)
    version, rows = engine.write(NAME, _merged(before.union(news)), keep=sorted(set(kept) - set(touched)))
    return RefreshedDays(version, rows, in_full=False)


def _kept_files(engine: Engine, basis: DaysBasis, zone: str) -> list[str] | None:
    """Files of the days to start from; None where only a full rebuild is right."""
    if basis.zone != zone or basis.identity is None or engine.lake.identity(NAME) != basis.identity:
        return None
    return engine.lake.kept_files(NAME, basis.version)


def _added_files(engine: Engine, basis: DaysBasis) -> list[str] | None:
    """Files of events that the basis has not seen; None where only a full rebuild is right."""
    version = engine.version("fct_events")
    if version is None or basis.events_identity is None:
        return None
    if engine.lake.identity("fct_events") != basis.events_identity:
        return None
    return engine.lake.added_files("fct_events", basis.events_version, version)


def done_events(events: ibis.Table) -> ibis.Table:
    """Events that known persons did: what is told of them, and what nobody is known to have done, left out."""
    return events.filter(events.person_id.notnull(), events.kind.isnull() | events.kind.isin(DONE_KINDS))


def events_span(engine: Engine, events: ibis.Table) -> Span:
    """First and last instant of some events, for `local_day`; any instant where there are none."""
    extent = events.aggregate(first_at=events.occurred_at.min(), last_at=events.occurred_at.max())
    row = engine.to_pyarrow(extent).to_pylist()[0]
    first = row["first_at"] or datetime(2000, 1, 1, tzinfo=UTC)
    return first.astimezone(UTC), (row["last_at"] or first).astimezone(UTC)


def sum_days(events: ibis.Table, zone: str, span: Span) -> ibis.Table:
    """int_person_days of some events.

    Parameters
    ----------
    events
        Rows of fct_events with a person.
    zone, span
        The brand's zone, and instants that enclose the events.
    """
    rows = events.select("person_id", "name", "occurred_at", day=local_day(events.occurred_at, zone, *span))
    days = rows.group_by(_BY).aggregate(
        events=rows.count(), first_at=rows.occurred_at.min(), last_at=rows.occurred_at.max()
    )
    return days.mutate(month=days.day.strftime("%Y-%m"))


def _merged(days: ibis.Table) -> ibis.Table:
    return days.group_by([*_BY, "month"]).aggregate(
        events=days.events.sum(), first_at=days.first_at.min(), last_at=days.last_at.max()
    )


def person_days_until(engine: Tables, as_of: datetime, zone: str, cuts: Sequence[datetime] = ()) -> ibis.Table:
    """What persons had done before an instant, read from int_person_days and, around the cuts, from the events.

    Parameters
    ----------
    engine
        Over int_person_days in `zone` and the facts that it counts.
    as_of
        Aware instant; events from it on are left out.
    zone
        IANA name of the brand's zone.
    cuts
        Aware instants. No row of the answer holds events from both sides of one.

    Returns
    -------
    Table
        person_id, day, name, events, first_at, last_at: a day of one person and event name, in pieces where it is cut.
    """
    tz = ZoneInfo(zone)
    mixed = sorted({day for cut in (as_of, *cuts) for day in _days_around(cut, tz)})
    days = engine.table(NAME)
    whole = days.filter(days.day < ibis.literal(as_of.astimezone(tz).date()), days.day.notin(mixed))
    facts = done_events(engine.table("fct_events"))
    # Folders of other months need not be looked into.
    facts = facts.filter(facts.month.isin(_utc_months(mixed)), facts.occurred_at < ibis.literal(as_of))
    parts = _cut_days(facts, zone, _span_of(mixed), cuts, only=mixed)
    return whole.select(*_BY, "events", "first_at", "last_at").union(parts)


def person_days_from_facts(
    engine: Engine, as_of: datetime, zone: str, cuts: Sequence[datetime] = (), *, span: Span | None = None
) -> ibis.Table:
    """The same answer as `person_days_until`, from the events alone: for any instant and zone, at the cost of all.

    Who asks for many instants finds the `span` of all events once; it encloses those before each of them.
    """
    facts = done_events(engine.table("fct_events"))
    facts = facts.filter(facts.occurred_at < ibis.literal(as_of))
    return _cut_days(facts, zone, span or events_span(engine, facts), cuts)


def _cut_days(
    events: ibis.Table, zone: str, span: Span, cuts: Sequence[datetime], only: Sequence[date] = ()
) -> ibis.Table:
    """Events by person, day, name and the stretch between two cuts; of all days, or of some."""
    day = local_day(events.occurred_at, zone, *span)
    rows = events.select("person_id", "name", "occurred_at", day=day)
    rows = rows.filter(rows.day.isin(list(only))) if only else rows
    piece = ibis.literal(0, "int64")
    for cut in sorted(set(cuts)):
        piece = piece + (rows.occurred_at >= ibis.literal(cut)).cast("int64")
    rows = rows.mutate(piece=piece)
    pieces = rows.group_by([*_BY, "piece"]).aggregate(
        events=rows.count(), first_at=rows.occurred_at.min(), last_at=rows.occurred_at.max()
    )
    return pieces.select(*_BY, "events", "first_at", "last_at")


def _days_around(instant: datetime, tz: ZoneInfo) -> set[date]:
    """The local day of an instant, and a neighbor that a clock change may have mixed with it."""
    near = (instant - _CLOCK_CHANGE, instant, instant + _CLOCK_CHANGE)
    return {moment.astimezone(tz).date() for moment in near}


def _span_of(days: Iterable[date]) -> Span:
    """Instants that enclose local days in every zone."""
    whole = sorted(days)
    start = datetime(whole[0].year, whole[0].month, whole[0].day, tzinfo=UTC)
    end = datetime(whole[-1].year, whole[-1].month, whole[-1].day, tzinfo=UTC)
    return start - timedelta(days=2), end + timedelta(days=3)


def _utc_months(days: Iterable[date]) -> list[str]:
    """UTC months in which events of these local days may lie."""
    near = {day + timedelta(days=shift) for day in days for shift in (-1, 0, 1)}
    return sorted({f"{day.year}-{day.month:02d}" for day in near})
