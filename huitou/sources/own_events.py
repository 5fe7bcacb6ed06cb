"""Events of our own making (a message was sent, a link clicked): ordinary events, by the inbox like all others."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from django.db import transaction

from huitou.accounts.keys import hash_secret
from huitou.accounts.models import ApiKey
from huitou.core.clock import Clock
from huitou.sources.models import InboxEvent

SOURCE = "huitou"
_PREFIX = "own_events"
# What the product itself may tell; each stands in the tracking plan.
OWN_EVENTS = frozenset(
    {
        "Message Sent",
        "Message Delivered",
        "Message Failed",
        "Message Read",
        "Message Link Clicked",
        "Message Unsubscribed",
        "Message Complained",
        "Staff Task Finished",
    }
)


@dataclass(frozen=True)
class OwnEvent:
    """Something that happened to a person, or that the person did. `message_id` is unique for ever: twice is once.

    Properties are declared in the tracking plan and enter the lake, so they name nobody.
    """

    message_id: str
    person_id: int
    name: str
    at: datetime
    channel: str = ""
    properties: Mapping[str, object] = field(default_factory=dict)


def record_own_events(*, events: Sequence[OwnEvent], clock: Clock) -> None:
    """Put events into the inbox, in the caller's transaction: they count if and only if it is committed.

    Names are those of OWN_EVENTS, or what a provider reported a customer did.
    """
    if not events:
        return
    key_id, now = _key_id(clock.now()), clock.now()
    InboxEvent.objects.bulk_create(
        [
            InboxEvent(received_at=now, key_id=key_id, person_id=event.person_id, payload=_payload(event))
            for event in events
        ]
    )


def _payload(event: OwnEvent) -> bytes:
    told = {
        "type": "track",
        "messageId": event.message_id,
        "event": event.name,
        "timestamp": event.at.astimezone(UTC).isoformat(),
        # The inbox wants somebody; who it is says the row.
        "anonymousId": SOURCE,
        "properties": dict(event.properties),
        "context": {"channel": event.channel} if event.channel else {},
    }
    return json.dumps(told, ensure_ascii=False).encode()


def _key_id(now: datetime) -> int:
    """A key that opens nothing: it only gives the events their feed."""
    found = ApiKey.objects.filter(prefix=_PREFIX).values_list("pk", flat=True).first()
    if found is not None:
        return found
    with transaction.atomic():
        key, _made = ApiKey.objects.get_or_create(
            prefix=_PREFIX,
            defaults={
                "name": "Huitou",
                "kind": "write",
                "secret_hash": hash_secret(""),
                "source": SOURCE,
                "created_at": now,
                "revoked_at": now,
            },
        )
    return key.pk
