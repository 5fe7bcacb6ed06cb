"""Days of the brand's calendar: the next moment of a time, weekday, day of the month or anniversary."""

from __future__ import annotations

import calendar
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

_DAY = timedelta(days=1)
# A leap day comes every four years, but for 1900 and 2100.
_LONGEST_YEARS = 9


def at_time(day: date, at: time, zone: ZoneInfo) -> datetime:
    """That time of the day in `zone`, as UTC. A time that a gap leaves out is as much later; of two, the first."""
    return datetime.combine(day, at, tzinfo=zone).astimezone(UTC)


def next_moment(
    start: datetime,
    zone: ZoneInfo,
    *,
    at: time,
    weekday: int | None = None,
    day: int | None = None,
    date: str | None = None,
) -> datetime:
    """The first instant from `start` on that is at this time of a day, and on this weekday (1 Monday), day of the month
    or date. A month that is too short has its last day; a date that is over is `start` itself.
    """
    if date is not None:
        return max(start, at_time(_read(date), at, zone))
    today = start.astimezone(zone).date()
    for ahead in range(370):
        candidate = today + ahead * _DAY
        if weekday is not None and candidate.isoweekday() != weekday:
            continue
        if day is not None and candidate.day != day_in_month(candidate, day):
            continue
        moment = at_time(candidate, at, zone)
        if moment >= start:
            return moment
    raise AssertionError("every weekday and day of a month comes within a year")


def _read(value: str) -> date:
    return date.fromisoformat(value)


def day_in_month(within: date, day: int) -> int:
    """The day of that month, the last one where the month is shorter."""
    return min(day, calendar.monthrange(within.year, within.month)[1])


def anniversary(month: int, day: int, year: int) -> date:
    """The day in that year. Somebody born on 29 February has it on the 28th in years without one."""
    return date(year, month, min(day, calendar.monthrange(year, month)[1]))
