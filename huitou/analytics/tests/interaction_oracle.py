"""What persons did, once more in plain Python: event by event, with nothing remembered from one look to the next."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

Row = dict[str, Any]
_DAY = timedelta(days=1)
# Told here once more, so that the product's own list is held against something.
_BOUGHT_OR_RECEIVED = (
    *("Order Completed", "Order Refunded", "Campaign Received", "Email Delivered"),
    *("Message Sent", "Message Unsubscribed"),
)
_ANSWERED = ("Message Link Clicked", "Message Clicked", "Message Replied")


def did(event: Row) -> bool:
    """Whether somebody known did it, rather than told it."""
    return event["person_id"] is not None and event["kind"] in (None, "track", "page", "screen")


def days_of(events: Iterable[Row], zone: str) -> dict[tuple[int, date, str], Row]:
    """int_person_days by its key."""
    tz = ZoneInfo(zone)
    found: dict[tuple[int, date, str], list[datetime]] = defaultdict(list)
    for event in events:
        if did(event):
            key = event["person_id"], event["occurred_at"].astimezone(tz).date(), event["name"]
            found[key].append(event["occurred_at"])
    return {
        key: {"events": len(own), "first_at": min(own), "last_at": max(own), "month": key[1].strftime("%Y-%m")}
        for key, own in found.items()
    }


def interactions_of(events: Sequence[Row], people: Iterable[int], as_of: datetime, zone: str) -> dict[int, Row]:
    """Features of interactions by customer; `customer` tells whose an event is where it is there, else the person."""
    tz = ZoneInfo(zone)
    own: dict[int, list[datetime]] = defaultdict(list)
    rates = _response_rates(events, as_of)
    for event in events:
        if did(event) and event["name"] not in _BOUGHT_OR_RECEIVED and event["occurred_at"] < as_of:
            person = event["customer"] if "customer" in event else event["person_id"]
            own[person].append(event["occurred_at"])
    table = {}
    for person in people:
        times = own.get(person, [])
        last = max(times, default=None)
        month = [t for t in times if t >= as_of - 30 * _DAY]
        table[person] = {
            "last_interaction_at": last,
            "days_since_last_interaction": None if last is None else (as_of - last) // _DAY,
            "interactions_30d": len(month),
            "interactions_90d": len([t for t in times if t >= as_of - 90 * _DAY]),
            "active_days_30d": len({t.astimezone(tz).date() for t in month}),
            "message_response_rate": rates.get(person),
        }
    counts = {person: len([t for t in own.get(person, []) if t >= as_of - 90 * _DAY]) for person in table}
    done = [count for count in counts.values() if count]
    for person, row in table.items():
        below = sum(other < counts[person] for other in done)
        row["interaction_score"] = 1 + below * 5 // len(done) if counts[person] else None
    return table


def _response_rates(events: Sequence[Row], as_of: datetime) -> dict[int, float]:
    sent: Counter[int] = Counter()
    answered: Counter[int] = Counter()
    for event in events:
        if did(event) and as_of - 180 * _DAY <= event["occurred_at"] < as_of:
            person = event["customer"] if "customer" in event else event["person_id"]
            sent[person] += event["name"] == "Message Sent"
            answered[person] += event["name"] in _ANSWERED
    return {person: min(answered[person] / count, 1.0) for person, count in sent.items() if count}
