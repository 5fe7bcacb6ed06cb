"""Made-up events, close to every border that days and windows have."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

Row = dict[str, Any]
NAMES = (
    "Page Viewed",
    "Message Replied",
    "Check-in Done",
    "Order Completed",
    "Order Refunded",
    "Campaign Received",
    "Email Delivered",
    "Message Sent",
    "Message Sent",
    "Message Link Clicked",
    "Message Unsubscribed",
)
KINDS = (None, "track", "track", "track", "page", "screen", "identify", "alias", "group")
_MICRO = timedelta(microseconds=1)


def borders(as_of: datetime, zone: str) -> list[datetime]:
    """Instants on which something ends: windows, midnights, months, leap days, clock changes, the instant itself."""
    days = [
        as_of.astimezone(ZoneInfo(zone)).date() - timedelta(days=n)
        for n in (0, 1, 29, 30, 31, 60, 89, 90, 91, 179, 180, 181, 370)
    ]
    turning = [date(2024, 2, 29), date(2024, 3, 1), date(2023, 12, 31), date(2024, 1, 1), date(2024, 3, 31)]
    midnights = [datetime(d.year, d.month, d.day, tzinfo=ZoneInfo(zone)).astimezone(UTC) for d in (*days, *turning)]
    return [as_of, *(as_of - timedelta(days=n) for n in (30, 90, 180)), *midnights]


def event(event_id: str, person: int | None, name: str, kind: str | None, at: datetime, batch: int = 0) -> Row:
    """One row of fct_events."""
    return {
        "batch_id": batch,
        "event_id": event_id,
        "name": name,
        "kind": kind,
        "person_id": person,
        "occurred_at": at,
        "received_at": None,
        "source": "shop",
        "channel": None,
        "object_type": None,
        "object_id": None,
        "properties": None,
        "month": at.astimezone(UTC).strftime("%Y-%m"),
    }


def random_events(random: Random, count: int, people: Sequence[int], as_of: datetime, zone: str) -> list[Row]:
    """Events around the borders, some a microsecond before or after, of known and unknown persons."""
    around = borders(as_of, zone)
    nudges = (-_MICRO, timedelta(0), _MICRO, timedelta(hours=1), timedelta(hours=-1), timedelta(minutes=-31))
    return [
        event(
            f"e{n}",
            random.choice([*people, None]) if n % 9 == 0 else random.choice(people),
            random.choice(NAMES),
            random.choice(KINDS),
            random.choice(around) + random.choice(nudges),
        )
        for n in range(count)
    ]
