"""Time in the brand's terms. Nothing else in the product reads the wall clock."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Protocol
from zoneinfo import ZoneInfo


class Clock(Protocol):
    """What time it is, as an aware UTC instant."""

    def now(self) -> datetime: ...


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        return datetime.now(tz=UTC)


@dataclass(frozen=True)
class FixedClock:
    """A clock that stands still: tests, and the example brand, which lives in its own past."""

    instant: datetime

    def now(self) -> datetime:
        return self.instant


def day_start(day: date, zone: ZoneInfo) -> datetime:
    """First instant of `day` in `zone`, as UTC. Where midnight does not exist, the first instant after the gap."""
    local = datetime.combine(day, time(0), tzinfo=zone)
    instant = local.astimezone(UTC)
    # In a gap the round trip lands on another wall time; that later wall time is the day's first instant.
    if instant.astimezone(zone).date() != day:
        instant += timedelta(hours=1)
    return instant


def local_day(instant: datetime, zone: ZoneInfo) -> date:
    """The calendar day of `instant` in `zone`."""
    return instant.astimezone(zone).date()
