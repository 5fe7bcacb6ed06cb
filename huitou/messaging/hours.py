"""Hours in which nobody is contacted, by the wall clock of a zone; right on days with 23 or 25 hours too."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from huitou.core.clock import day_start

# A chain of quiet hours that follow each other; more than there can be in a day.
_MOST_STEPS = 12


@dataclass(frozen=True)
class Quiet:
    """From `start` to `end` by the wall clock of `zone`, over midnight where the end is the earlier one.

    Equal ends are the whole day: then there is never a moment.
    """

    start: time
    end: time
    zone: ZoneInfo

    def holds(self, at: datetime) -> bool:
        """Whether `at` (an aware instant) lies in the quiet hours."""
        wall = at.astimezone(self.zone).time()
        if self.start < self.end:
            return self.start <= wall < self.end
        return wall >= self.start or wall < self.end

    def over(self, at: datetime) -> datetime:
        """When the quiet hours that hold at `at` end, in UTC."""
        local = at.astimezone(self.zone)
        day = local.date() if local.time() < self.end else local.date() + timedelta(days=1)
        instant = datetime.combine(day, self.end, tzinfo=self.zone).astimezone(UTC)
        if instant <= at:
            # The hour is told twice on that night and lies in its second telling.
            instant = datetime.combine(day, self.end, tzinfo=self.zone).replace(fold=1).astimezone(UTC)
        return max(instant, at + timedelta(minutes=1))


def next_allowed(at: datetime, quiet: Sequence[Quiet]) -> datetime | None:
    """The first moment from `at` on in which none of these hours hold; None where there is none within two days."""
    moment = at
    for _step in range(_MOST_STEPS):
        holding = next((hours for hours in quiet if hours.holds(moment)), None)
        if holding is None:
            return moment
        moment = holding.over(moment)
    return None


def week_start(day: date) -> date:
    """The Monday of the day's week."""
    return day - timedelta(days=day.weekday())


def next_day(day: date, zone: ZoneInfo) -> datetime:
    """The first instant of the day after."""
    return day_start(day + timedelta(days=1), zone)


def next_week(day: date, zone: ZoneInfo) -> datetime:
    """The first instant of the next Monday."""
    return day_start(week_start(day) + timedelta(days=7), zone)


def next_hour_of(at: datetime, hours: Sequence[int], zone: ZoneInfo) -> datetime:
    """`at` itself if its hour of the wall clock is among `hours`, else the first such hour that begins later."""
    local = at.astimezone(zone)
    if not hours or local.hour in hours:
        return at
    for ahead in range(1, 26):
        later = (at + timedelta(hours=ahead)).astimezone(zone)
        if later.hour in hours:
            return max(later.replace(minute=0, second=0, microsecond=0).astimezone(UTC), at)
    return at


def parse_hours(told: Sequence[str]) -> tuple[time, time] | None:
    """Two times as they are kept, `["21:00", "09:00"]`; None for an empty list. Raises ValueError."""
    if not told:
        return None
    start, end = told
    return time.fromisoformat(start), time.fromisoformat(end)
