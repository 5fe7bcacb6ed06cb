"""When a condition is judged, and by whose calendar."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

DAY = timedelta(days=1)


@dataclass(frozen=True)
class Moment:
    """The instant that a condition is judged at, and the zone that decides days.

    Parameters
    ----------
    as_of
        Aware instant; facts from it on do not exist yet.
    zone
        IANA name of the brand's zone.
    """

    as_of: datetime
    zone: str

    def __post_init__(self) -> None:
        assert self.as_of.tzinfo is not None, "an instant is aware"
        object.__setattr__(self, "as_of", self.as_of.astimezone(UTC))

    @property
    def today(self) -> date:
        """The calendar day in the brand's zone."""
        return self.as_of.astimezone(ZoneInfo(self.zone)).date()

    def ago(self, days: int) -> datetime:
        """The instant `days` times 24 hours before; negative days lie ahead."""
        return self.as_of - days * DAY

    def start_of(self, day: date) -> datetime:
        """The first instant of a calendar day in the brand's zone."""
        return datetime(day.year, day.month, day.day, tzinfo=ZoneInfo(self.zone)).astimezone(UTC)


# Filled in when a condition is judged: what a leaf says in terms of the instant.
Timed = Callable[[Moment], datetime]
