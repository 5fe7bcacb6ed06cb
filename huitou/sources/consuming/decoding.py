"""Inbox rows as events: decoded in full, checked once more, with the time, id, channel and object they count under."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any, NamedTuple

import msgspec

from huitou.accounts.models import ApiKey
from huitou.sources.consuming.batch import Event
from huitou.sources.consuming.objects import object_of
from huitou.sources.consuming.properties import is_code
from huitou.sources.intake.messages import TOO_DEEP, Head, Id, event_hash, examine, is_too_deep, message_id_of
from huitou.sources.intake.refusals import Refusal

KIND_NAMES = {
    "page": "Page Viewed",
    "screen": "Screen Viewed",
    "identify": "Identify",
    "alias": "Alias",
    "group": "Group",
}
_LONGEST_CHANNEL = 50


class InboxRow(NamedTuple):
    """One claimed row of the inbox."""

    id: int
    received_at: datetime
    key_id: int
    sent_at: datetime | None
    shared: bytes | None
    message_id: str | None
    letter_id: int | None
    payload: bytes
    person_id: int | None = None


@dataclass(frozen=True, slots=True)
class Key:
    """What a write key says of its events: their feed, and the channel of those that name none."""

    source: str
    channel: str


class _Message(Head, rename="camel", gc=False):
    """All of an event that anything is made of."""

    properties: dict[str, Any] | None = None  # type: ignore[assignment]  # the head only knows that it is an object
    traits: dict[str, Any] | None = None  # type: ignore[assignment]
    context: dict[str, Any] | None = None  # type: ignore[assignment]
    name: str | None = None
    category: Any = None
    channel: Any = None


_decode = msgspec.json.Decoder(_Message).decode


def load_keys(key_ids: set[int]) -> dict[int, Key]:
    """Feeds and channels of keys, revoked ones too: what was acknowledged is taken in."""
    rows = ApiKey.objects.filter(pk__in=key_ids).values_list("pk", "source", "channel")
    return {key_id: Key(source, channel) for key_id, source, channel in rows}


def decode_event(row: InboxRow, key: Key, ref: int) -> Event | Refusal:
    """The event of one inbox row, or why it cannot be taken."""
    payload = row.payload
    if b"\\u0000" in payload:
        # PostgreSQL stores no such character; what it stood for nobody knows.
        payload = payload.replace(b"\\u0000", b"\\ufffd")
    try:
        message = _decode(payload)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        return Refusal("malformed", str(error))
    if is_too_deep(payload):
        return Refusal("malformed", TOO_DEEP)
    occurred_at = examine(message, received_at=row.received_at, sent_at=row.sent_at)
    if isinstance(occurred_at, Refusal):
        return occurred_at
    kind = message.type or ""
    name = (message.event or "") if kind == "track" else KIND_NAMES[kind]
    context = _context(message.context, row.shared)
    properties = message.properties or {}
    object_type, object_id = object_of(kind, name, _placed(kind, properties, context), message.name or "")
    if kind in KIND_NAMES and message.name and object_id is None and "name" not in properties:
        # A page's name that is no code stays out of the lake, and is kept beside its person as a property.
        properties = {**properties, "name": message.name}
    message_id = row.message_id or message_id_of(message, row.payload, row.id)
    channel = _channel(context, key)
    return Event(
        ref=ref,
        inbox_id=row.id,
        key_id=row.key_id,
        hash=event_hash(key.source, message_id),
        message_id=message_id,
        kind=kind,
        name=name,
        source=key.source,
        channel=channel,
        occurred_at=occurred_at,
        received_at=row.received_at,
        user_id=_text(message.user_id) if row.person_id is None else "",
        anonymous_id=_text(message.anonymous_id) if row.person_id is None else "",
        previous_id=_text(message.previous_id),
        group_id=_text(message.group_id),
        properties=properties,
        traits=_traits(message.traits, context),
        context=context,
        object_type=object_type,
        object_id=object_id,
        channel_told=bool(key.channel) or channel != key.source,
        clock_off_seconds=(row.received_at - row.sent_at).total_seconds() if row.sent_at else 0.0,
        person_id=row.person_id,
    )


def _text(value: Id) -> str:
    return "" if value is None else str(value)


def _context(own: dict[str, Any] | None, shared: bytes | None) -> Mapping[str, Any]:
    """The event's context over the one that its whole batch shares."""
    if shared is None:
        return own or {}
    return {**_common(shared), **(own or {})}


@lru_cache(maxsize=8)
def _common(shared: bytes) -> Mapping[str, Any]:
    """A batch's context, decoded once for the events of its request, which lie together in the inbox."""
    try:
        common = msgspec.json.decode(shared)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return {}
    return common if isinstance(common, dict) else {}


def _placed(kind: str, properties: Mapping[str, Any], context: Mapping[str, Any]) -> Mapping[str, Any]:
    """A page call's properties, with the path from its context where it has none itself."""
    if kind == "page" and "path" not in properties and "url" not in properties:
        page = context.get("page")
        return page if isinstance(page, Mapping) else properties
    return properties


def _traits(own: dict[str, Any] | None, context: Mapping[str, Any]) -> Mapping[str, Any]:
    common = context.get("traits")
    if isinstance(common, Mapping):
        return {**common, **(own or {})}
    return own or {}


def _channel(context: Mapping[str, Any], key: Key) -> str:
    """Where it happened: as the event says, else as its key says, else where a campaign brought it from, else its feed.

    The key stands before the campaign: a visit of the mini-program that came from an advertisement is one of the
    mini-program.
    """
    told = context.get("channel")
    if isinstance(told, str) and is_code(told) and len(told) <= _LONGEST_CHANNEL:
        return told
    if key.channel:
        return key.channel
    campaign = context.get("campaign")
    if isinstance(campaign, Mapping):
        source = campaign.get("source")
        if isinstance(source, str) and is_code(source) and len(source) <= _LONGEST_CHANNEL:
            return source
    return key.source
