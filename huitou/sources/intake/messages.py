"""One event of the Segment spec: what the door checks before it acknowledges, and the time and id it counts under."""

from __future__ import annotations

import hashlib
import re
from datetime import UTC, datetime, timedelta
from functools import lru_cache

import msgspec

from huitou.sources.consuming.properties import names_somebody
from huitou.sources.intake.refusals import Refusal

MAX_EVENT_BYTES = 32 * 1024
MAX_REQUEST_BYTES = 500 * 1024
LONGEST_ID = 200
DEEPEST = 32
TOO_DEEP = f"nested deeper than {DEEPEST} levels"
_STRINGS = re.compile(rb'"(?:[^"\\]|\\.)*+"', re.DOTALL)
_BRACKETS = re.compile(rb"[\[\]{}]")
FUTURE = timedelta(hours=24)
# Before the Unix epoch there is no event, only a clock that was never set.
_EARLIEST = datetime(1970, 1, 1, tzinfo=UTC)
KINDS = frozenset({"track", "identify", "page", "screen", "alias", "group"})

Id = str | int | None


class _Anything(msgspec.Struct, gc=False):
    """A JSON object, whatever it holds."""


class Head(msgspec.Struct, rename="camel", gc=False):
    """What has to be right about an event before it is acknowledged. All else is looked at by the consumer."""

    type: str | None = None
    message_id: Id = None
    user_id: Id = None
    anonymous_id: Id = None
    previous_id: Id = None
    group_id: Id = None
    event: str | None = None
    timestamp: str | None = None
    original_timestamp: str | None = None
    sent_at: str | None = None
    properties: _Anything | None = None
    traits: _Anything | None = None
    context: _Anything | None = None


# The names of the two events, and the trait of identify calls, as a sender's JSON has them.
_CONSENT = re.compile(rb'"Consent |"consents"').search
# Names of events are few, and the same ones come again and again.
_name_is_personal = lru_cache(maxsize=10_000)(names_somebody)
decode_head = msgspec.json.Decoder(Head).decode


def is_too_deep(payload: bytes) -> bool:
    """Whether this JSON is nested so deeply that whoever walks through it could run out of stack."""
    if payload.count(b"{") + payload.count(b"[") <= DEEPEST:
        return False
    depth = 0
    for bracket in _BRACKETS.findall(_STRINGS.sub(b"", payload)):
        depth += 1 if bracket in b"{[" else -1
        if depth > DEEPEST:
            return True
    return False


def check_event(payload: bytes, *, received_at: datetime, sent_at: datetime | None) -> Refusal | None:
    """Why this event cannot be taken; None if it can.

    `sent_at` is the request's. Decoding it in full is the consumer's business: this runs for every event before
    its sender hears that it is safe.
    """
    if len(payload) > MAX_EVENT_BYTES:
        return Refusal("too_large", f"{len(payload)} bytes")
    try:
        head = decode_head(payload)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        return Refusal("malformed", str(error))
    if is_too_deep(payload):
        return Refusal("malformed", TOO_DEEP)
    found = examine(head, received_at=received_at, sent_at=sent_at)
    return found if isinstance(found, Refusal) else None


def tells_consent(payload: bytes) -> bool:
    """Whether the event may tell of a consent, and so should not wait behind a backlog; now and then one that does not.

    One that is spelled with escapes is taken in its turn.
    """
    # Most events do not even hold what both patterns have in common, which is found out faster.
    return b"onsent" in payload and _CONSENT(payload) is not None


def examine(head: Head, *, received_at: datetime, sent_at: datetime | None) -> datetime | Refusal:
    """When an event with this head occurred, or why it cannot be taken."""
    if head.type not in KINDS:
        return Refusal("kind_unknown", "" if head.type is None else repr(head.type[:LONGEST_ID]))
    if head.type == "track":
        if not head.event:
            return Refusal("name_missing")
        if len(head.event) > LONGEST_ID or "\x00" in head.event:
            return Refusal("name_missing", f"{len(head.event)} characters")
        if _name_is_personal(head.event):
            return Refusal("name_personal", head.event)
    if found := _check_ids(head):
        return found
    occurred_at = occurred(head, received_at=received_at, sent_at=sent_at)
    if isinstance(occurred_at, datetime) and occurred_at > received_at + FUTURE:
        told = head.original_timestamp or head.timestamp
        return Refusal("time_future", f"{told}, received {received_at.isoformat(timespec='seconds')}")
    return occurred_at


def _check_ids(head: Head) -> Refusal | None:
    user, anonymous = head.user_id, head.anonymous_id
    if user in ("", None) and anonymous in ("", None):
        return Refusal("identity_missing")
    if head.type == "alias" and (user in ("", None) or head.previous_id in ("", None)):
        return Refusal("identity_missing", "previousId" if user else "userId")
    if head.type == "group" and head.group_id in ("", None):
        return Refusal("identity_missing", "groupId")
    for value in (head.message_id, user, anonymous, head.previous_id, head.group_id):
        if isinstance(value, str) and (len(value) > LONGEST_ID or "\x00" in value):
            return Refusal("id_invalid", f"{len(value)} characters")
    return None


def parse_instant(text: str) -> datetime:
    """An ISO 8601 instant in UTC; one without a zone is UTC, as the spec has it. Raises ValueError."""
    instant = datetime.fromisoformat(text)
    if instant.tzinfo is None:
        instant = instant.replace(tzinfo=UTC)
    try:
        return instant if instant.tzinfo is UTC else instant.astimezone(UTC)
    except OverflowError as error:
        raise ValueError(str(error)) from error


def occurred(head: Head, *, received_at: datetime, sent_at: datetime | None) -> datetime | Refusal:
    """When it happened by our clock: the device's time, moved by as much as the device's clock was off when it sent.

    That is timestamp + (receivedAt - sentAt), as the Segment spec has it; receipt where the event tells no time.
    """
    told = head.original_timestamp or head.timestamp
    if not told:
        return received_at
    try:
        instant = parse_instant(told)
        if sent_at is None and head.sent_at:
            sent_at = parse_instant(head.sent_at)
        if sent_at is not None:
            instant += received_at - sent_at
    except (ValueError, OverflowError):
        return Refusal("time_malformed", f"{told!r}"[:LONGEST_ID])
    return instant if instant >= _EARLIEST else Refusal("time_past", told)


def message_id_of(head: Head, payload: bytes, inbox_id: int) -> str:
    """The id that the message counts under.

    The sender's own, else a hash of what it said, if it said when: then the same bytes again are the same event. An
    event without id and time can only be known by its arrival.
    """
    if head.message_id not in ("", None):
        return str(head.message_id)
    if head.original_timestamp or head.timestamp:
        return "content:" + hashlib.blake2b(payload, digest_size=16).hexdigest()
    return f"arrival:{inbox_id}"


def event_hash(source: str, message_id: str) -> bytes:
    """16 bytes that stand for one message of one feed: ids are unique inside a feed, as order numbers are."""
    return hashlib.blake2b(f"{source}\0{message_id}".encode("utf-8", "surrogatepass"), digest_size=16).digest()
