"""Events as rows of fct_events, and what of them must not be there as rows beside the person."""

from __future__ import annotations

import uuid
from collections.abc import Set
from typing import Any

import msgspec
import pyarrow as pa
from django.db import connection

from huitou.analytics.tables import FCT_EVENTS, INSTANT
from huitou.sources.consuming import sql
from huitou.sources.consuming.batch import DEEDS, Batch, Event
from huitou.sources.consuming.identities import shown_by
from huitou.sources.consuming.properties import names_owner, own_marks, split_properties

_encode = msgspec.json.Encoder().encode


def add_facts(batch: Batch, declared: Set[str] = frozenset(), withheld: Set[str] = frozenset()) -> None:
    """Put every accepted event into fct_events, and its personal and free-text properties beside its person.

    `declared` are names of properties whose texts the brand's tracking plan vouches for, `withheld` those that it calls
    personal. Details of an event that belongs to nobody are dropped: no erasing could ever find them.
    """
    events = list(batch.accepted())
    if not events:
        return
    details: list[tuple[uuid.UUID, int, Any, str]] = []
    texts: list[str | None] = []
    for event in events:
        kept, personal = _split(event, declared, withheld) if event.kind in DEEDS else ({}, {})
        texts.append(_encode(kept).decode() if kept else None)
        if personal and event.person_id is not None:
            details.append(
                (uuid.UUID(bytes=event.hash), event.person_id, event.occurred_at, _encode(personal).decode())
            )
    batch.add_rows(FCT_EVENTS.name, _columns(events, texts))
    _store_details(details)


def _split(event: Event, declared: Set[str], withheld: Set[str]) -> tuple[dict[str, Any], dict[str, Any]]:
    """The two halves of the properties; an object that is the event's own person is none."""
    told = _told(event)
    # Most events hold none of their identifiers: one look at the whole spares one at every value.
    whole = f"{event.object_id}\n{_encode(told).decode()}".casefold()
    held = [v for v in shown_by(event) if v.casefold() in whole or '"' in v or "\\" in v]
    own = own_marks(held) if held else ()
    if event.object_id is not None and names_owner(event.object_id, own):
        event.object_id = None
    return split_properties(told, declared, withheld, own)


def _told(event: Event) -> dict[str, Any]:
    """The properties, and the campaign that brought the person where the context names one."""
    campaign = event.context.get("campaign")
    if isinstance(campaign, dict) and campaign and "campaign" not in event.properties:
        return {**event.properties, "campaign": campaign}
    return dict(event.properties)


def _columns(events: list[Event], texts: list[str | None]) -> pa.Table:
    return pa.table(
        {
            "event_id": pa.array([e.hash.hex() for e in events], pa.string()),
            "name": pa.array([e.name for e in events], pa.string()),
            "kind": pa.array([e.kind for e in events], pa.string()),
            "person_id": pa.array([e.person_id for e in events], pa.int64()),
            "occurred_at": pa.array([e.occurred_at for e in events], INSTANT),
            "received_at": pa.array([e.received_at for e in events], INSTANT),
            "source": pa.array([e.source for e in events], pa.string()),
            "channel": pa.array([e.channel for e in events], pa.string()),
            "object_type": pa.array([e.object_type for e in events], pa.string()),
            "object_id": pa.array([e.object_id for e in events], pa.string()),
            "properties": pa.array(texts, pa.string()),
        }
    )


def _store_details(details: list[tuple[uuid.UUID, int, Any, str]]) -> None:
    if not details:
        return
    with connection.cursor() as cursor, cursor.copy(sql.COPY_DETAILS) as copy:
        for row in details:
            copy.write_row(row)
