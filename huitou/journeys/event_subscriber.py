"""Keeps the events that some launch listens for, in the consumer's transaction; the engine takes them afterwards.

Nothing is locked here but the new rows, so the consumer never waits for the engine. Where nobody listens it costs one
look at a small table for each batch.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.db import connection

from huitou.journeys import sql
from huitou.journeys.models import Signal
from huitou.sources.consuming.batch import Batch


def take(batch: Batch) -> None:
    """Keep what is listened for."""
    names = sorted({event.name for event in batch.accepted()})
    if not names:
        return
    with connection.cursor() as cursor:
        cursor.execute(sql.LISTENED, [names])
        listened = {row[0] for row in cursor.fetchall()}
    if listened:
        Signal.objects.bulk_create(
            Signal(
                person_id=event.person_id,
                event_id=event.hash.hex(),
                name=event.name,
                # A device whose clock runs ahead did it no later than it was told.
                occurred_at=min(event.occurred_at, event.received_at),
                received_at=event.received_at,
                properties=_storable(event.properties),
            )
            for event in batch.accepted()
            if event.name in listened and event.person_id is not None
        )


def _storable(properties: Mapping[str, Any]) -> dict[str, Any]:
    return dict(properties)
