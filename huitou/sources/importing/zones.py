"""Wall times of a zone as UTC, in SQL: the offset changes of the years at hand, written out."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo


def offset_changes(zone: ZoneInfo, first: datetime, last: datetime) -> list[tuple[datetime, timedelta]]:
    """Changes of the zone's UTC offset between two UTC instants: (instant of change, offset from then on)."""
    years = range(first.year, last.year + 1)
    return [change for year in years for change in _changes_of_year(zone, year) if first < change[0] <= last]


@lru_cache(maxsize=2048)
def _changes_of_year(zone: ZoneInfo, year: int) -> tuple[tuple[datetime, timedelta], ...]:
    """Those from the year's first instant, which the year before does not have, to its end.

    Looked for day by day, which takes longer than to read a small file by them.
    """
    at, end = datetime(year, 1, 1, tzinfo=UTC) - timedelta(seconds=1), datetime(year + 1, 1, 1, tzinfo=UTC)
    changes: list[tuple[datetime, timedelta]] = []
    offset = _offset(zone, at)
    while (after := min(at + timedelta(days=1), end - timedelta(seconds=1))) > at:
        if _offset(zone, after) != offset:
            low, high = at, after
            while high - low > timedelta(seconds=1):
                middle = (low + (high - low) / 2).replace(microsecond=0)
                low, high = (middle, high) if _offset(zone, middle) == offset else (low, middle)
            offset = _offset(zone, high)
            changes.append((high, offset))
        at = after
    return tuple(changes)


def _offset(zone: ZoneInfo, instant: datetime) -> timedelta:
    found = instant.astimezone(zone).utcoffset()
    assert found is not None, "a zone has an offset at any instant"
    return found


def wall_to_utc(wall: str, zone: ZoneInfo, first: datetime, last: datetime) -> str:
    """SQL of the UTC TIMESTAMP for the naive TIMESTAMP expression `wall`, for wall times between two naive times.

    As Python's zoneinfo with fold=0: a time that comes twice is the first one, a time that does not exist is counted
    on from before the gap. Times outside the two become NULL: they are never read by another season's offset.
    """
    start, end = first.replace(tzinfo=UTC) - timedelta(days=2), last.replace(tzinfo=UTC) + timedelta(days=2)
    offset = _offset(zone, start)
    within = f"{wall} BETWEEN TIMESTAMP '{first:%Y-%m-%d %H:%M:%S}' AND TIMESTAMP '{last:%Y-%m-%d %H:%M:%S}'"
    branches = [f"WHEN NOT {within} THEN NULL"]
    for instant, after in offset_changes(zone, start, end):
        # Up to this wall time the offset from before the change holds, in a gap as in an overlap.
        until = instant.replace(tzinfo=None) + max(offset, after)
        branches.append(f"WHEN {wall} < TIMESTAMP '{until:%Y-%m-%d %H:%M:%S}' THEN {_minus(wall, offset)}")
        offset = after
    return f"CASE {' '.join(branches)} ELSE {_minus(wall, offset)} END"


def _minus(wall: str, offset: timedelta) -> str:
    return f"{wall} - to_seconds({int(offset.total_seconds())})"
