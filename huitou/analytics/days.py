"""Local calendar days as an expression that every engine can run: no engine's own time zone data is used."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import ibis

_STEP = timedelta(days=1)


def micros(instant: ibis.Value) -> ibis.Value:
    """Whole microseconds since 1970 of a timestamp column, int64.

    Engines have their own ideas of fractions of a second: DuckDB's are floats, and Spark has none.
    """
    plain = instant.cast("timestamp")
    return plain.epoch_seconds().floor().cast("int64") * 1_000_000 + plain.microsecond().cast("int64")


def days_between(since: ibis.Value, until: ibis.Value) -> ibis.Value:
    """Days of 24 hours from one timestamp column to another, float64."""
    return (micros(until) - micros(since)) / 86_400_000_000


def zone_offsets(zone: str, since: datetime, until: datetime) -> list[tuple[datetime, int]]:
    """Offsets of `zone` from UTC over a range, from the zone data of Python.

    Parameters
    ----------
    zone
        IANA name.
    since, until
        Aware instants.

    Returns
    -------
    list of (instant, seconds)
        From each instant on, local time is UTC plus that many seconds; ascending, the first at `since`.
    """
    tz = ZoneInfo(zone)

    def offset(instant: datetime) -> int:
        shift = instant.astimezone(tz).utcoffset()
        assert shift is not None, "an aware instant has an offset"
        return int(shift.total_seconds())

    low = since.astimezone(UTC)
    found = [(low, offset(low))]
    while low < until:
        high = low + _STEP
        if offset(high) != found[-1][1]:
            found.append((_first_instant(low, high, offset(high), offset), offset(high)))
        low = high
    return found


def _first_instant(low: datetime, high: datetime, value: int, offset: Callable[[datetime], int]) -> datetime:
    """The second within (low, high] from which `offset` gives `value`; transitions happen on whole seconds."""
    first, last = 0, int((high - low).total_seconds())
    while last - first > 1:
        middle = (first + last) // 2
        if offset(low + timedelta(seconds=middle)) == value:
            last = middle
        else:
            first = middle
    # A step starts at the range's own second fraction; transitions do not.
    return (low + timedelta(seconds=last)).replace(microsecond=0)


def local_day(instant: ibis.Value, zone: str, since: datetime, until: datetime) -> ibis.Value:
    """The calendar day of a timestamp column in `zone`.

    Parameters
    ----------
    instant
        Timestamp column in UTC; the engine's session must be in UTC.
    zone
        IANA name.
    since, until
        Aware instants that enclose the column's values.

    Returns
    -------
    date column
    """
    offsets = zone_offsets(zone, since, until)
    shifts = [(start, ibis.interval(seconds=seconds)) for start, seconds in offsets]
    if len(shifts) == 1:
        return (instant + shifts[0][1]).cast("date")
    # Newest first: most rows are recent and leave the case early.
    branches = [(instant >= ibis.literal(start), shift) for start, shift in reversed(shifts[1:])]
    return (instant + ibis.cases(*branches, else_=shifts[0][1])).cast("date")
