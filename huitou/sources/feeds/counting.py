"""Counters of feeds by day, added up set-wise."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import astuple, dataclass, fields
from datetime import date, datetime
from typing import Any

from django.db import connection


@dataclass(slots=True)
class DayCounts:
    """Events of one feed on one day of the brand, by arrival. All but `received` and its parts count accepted ones.

    received = accepted + rejected + repeated. complete: nothing that is required is missing. invalid: something
    missing, of a wrong type or value, or left out. unplanned: only more than was planned. prompt: arrived
    within five minutes. corrected: the device's clock was off by more than a minute.
    """

    received: int = 0
    accepted: int = 0
    rejected: int = 0
    repeated: int = 0
    with_user: int = 0
    with_channel: int = 0
    complete: int = 0
    invalid: int = 0
    unplanned: int = 0
    prompt: int = 0
    corrected: int = 0


@dataclass(slots=True)
class FeedMarks:
    """Earliest and latest arrival of a batch's events of one feed, and when the latest of them happened."""

    first_received_at: datetime
    last_received_at: datetime
    last_occurred_at: datetime

    def see(self, received_at: datetime, occurred_at: datetime) -> None:
        if received_at > self.last_received_at:
            self.last_received_at = received_at
        elif received_at < self.first_received_at:
            self.first_received_at = received_at
        if occurred_at > self.last_occurred_at:
            self.last_occurred_at = occurred_at


COUNTS = tuple(field.name for field in fields(DayCounts))
# Rows are touched in the order of their key, so that two consumers meet in the same order.
_ADD_DAYS = f"""
INSERT INTO sources_feedday AS kept (source, day, {", ".join(COUNTS)}, longest_gap_seconds)
SELECT told.*, 0 FROM unnest(%s::text[], %s::date[], {", ".join(["%s::bigint[]"] * len(COUNTS))})
    AS told (source, day, {", ".join(COUNTS)})
ORDER BY source, day
ON CONFLICT (source, day) DO UPDATE
SET {", ".join(f"{name} = greatest(0, kept.{name} + excluded.{name})" for name in COUNTS)}
"""
_TOLD = """unnest(%s::text[], %s::timestamptz[], %s::timestamptz[], %s::timestamptz[], %s::date[])
    AS told (source, first_at, last_at, occurred_at, day)"""
_LOCK_FEEDS = "SELECT 1 FROM sources_feed WHERE source = ANY(%s) ORDER BY source FOR UPDATE"
# The silence before a batch is over with its first event; it goes to the day of that.
_ADD_SILENCE = f"""
UPDATE sources_feedday AS kept
SET longest_gap_seconds =
    greatest(kept.longest_gap_seconds, extract(epoch FROM told.first_at - feed.last_received_at)::bigint)
FROM {_TOLD} JOIN sources_feed AS feed USING (source)
WHERE kept.source = told.source AND kept.day = told.day AND told.first_at > feed.last_received_at
"""
_ADD_MARKS = f"""
INSERT INTO sources_feed AS kept (source, first_received_at, last_received_at, last_occurred_at)
SELECT source, first_at, last_at, occurred_at FROM {_TOLD} ORDER BY source
ON CONFLICT (source) DO UPDATE SET
    first_received_at = least(kept.first_received_at, excluded.first_received_at),
    last_received_at = greatest(kept.last_received_at, excluded.last_received_at),
    last_occurred_at = greatest(kept.last_occurred_at, excluded.last_occurred_at)
"""


def add_counts(counts: Mapping[tuple[str, date], DayCounts], marks: Mapping[str, FeedMarks]) -> None:
    """Add the counts of one batch, in its transaction."""
    keys = sorted(counts)
    if not keys:
        return
    columns = zip(*(astuple(counts[key]) for key in keys), strict=True)
    with connection.cursor() as cursor:
        cursor.execute(_ADD_DAYS, [[source for source, _ in keys], [day for _, day in keys], *map(list, columns)])
        if marks:
            # The day of a feed's first event in the batch: on earlier days of it nothing arrived here.
            days = {source: min(day for s, day in keys if s == source) for source in marks}
            named = sorted(marks)
            told: list[Any] = [
                named,
                [marks[source].first_received_at for source in named],
                [marks[source].last_received_at for source in named],
                [marks[source].last_occurred_at for source in named],
                [days[source] for source in named],
            ]
            cursor.execute(_LOCK_FEEDS, [named])
            cursor.execute(_ADD_SILENCE, told)
            cursor.execute(_ADD_MARKS, told)
