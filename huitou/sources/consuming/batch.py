"""What the consumer hands to its subscribers: the batch, its events, and a way to put rows into lake tables.

A subscriber is a module beside this one with a function that takes the batch. It works set-wise, inside the batch's
one transaction, and may run again for the same events when the transaction did not come about. It refuses a single
event with `batch.refuse`; an exception that it raises makes the consumer look for the event that causes it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import msgspec
import pyarrow as pa

from huitou.core.clock import Clock
from huitou.core.home import Home
from huitou.sources.consuming.rows import as_table
from huitou.sources.intake.refusals import Refusal

# Kinds that tell of something done, as against something that is told about a person.
DEEDS = ("track", "page", "screen")


class Event(msgspec.Struct, gc=False):
    """One event, decoded and checked. Everything a sender wrote is here as sent, personal parts included."""

    ref: int  # position in the batch
    inbox_id: int
    key_id: int
    hash: bytes  # 16 bytes of feed and message id; its hexadecimal form is `event_id` in the lake
    message_id: str
    kind: str  # track, identify, page, screen, alias, group
    name: str  # for page and screen calls Page Viewed and Screen Viewed, for the other kinds that word
    source: str  # feed
    channel: str
    occurred_at: datetime  # corrected by sentAt
    received_at: datetime
    user_id: str
    anonymous_id: str
    previous_id: str  # alias
    group_id: str  # group
    properties: Mapping[str, Any]
    traits: Mapping[str, Any]  # traits of the call, over those of its context
    context: Mapping[str, Any]
    object_type: str | None = None
    object_id: str | None = None
    channel_told: bool = True  # by the event or its key; else the feed's name stands in
    clock_off_seconds: float = 0.0  # how far the device's clock was off, by sentAt
    person_id: int | None = None  # known once identities are resolved


@dataclass
class Batch:
    """Events that are taken together, no two of them the same message, in the order of their arrival."""

    events: list[Event]
    home: Home
    clock: Clock
    refused: dict[int, Refusal] = field(default_factory=dict)  # by ref
    untaken: dict[int, list[str]] = field(default_factory=dict)  # by ref: what of an event could not be taken
    repeated: dict[str, int] = field(default_factory=dict)  # new arrivals known already, by feed
    rows: dict[str, list[pa.Table]] = field(default_factory=dict)  # by lake table, without batch_id and month

    def refuse(self, event: Event, reason: str, detail: str = "") -> None:
        """Send one event to the dead letters; what was written for it elsewhere in this batch stays."""
        self.refused.setdefault(event.ref, Refusal(reason, detail))

    def leave_out(self, event: Event, name: str) -> None:
        """Note that a part of an event could not be taken; the others were. It is told with what came unplanned."""
        self.untaken.setdefault(event.ref, []).append(name)

    def accepted(self) -> Iterator[Event]:
        """The events that nobody refused so far."""
        return (event for event in self.events if event.ref not in self.refused)

    def of_kind(self, *kinds: str) -> Iterator[Event]:
        """Accepted events of these kinds."""
        return (event for event in self.accepted() if event.kind in kinds)

    def add_rows(self, table: str, rows: pa.Table | Iterable[Mapping[str, Any]]) -> None:
        """Put rows into a fact table with this batch.

        `batch_id` and `month` (of `occurred_at`) are filled in when the rows are staged; the other declared columns
        have to be there, a column that may be empty may be missing.
        """
        self.rows.setdefault(table, []).append(as_table(table, rows))
