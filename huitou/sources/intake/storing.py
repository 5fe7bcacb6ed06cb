"""Into the inbox: one COPY and one commit for each request, refused events as dead letters in the same transaction."""

from __future__ import annotations

import hashlib
import logging
import struct
import threading
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import msgspec
import psycopg
from django.conf import settings
from psycopg_pool import ConnectionPool

from huitou.core.jobs import database_address
from huitou.sources.intake import sql
from huitou.sources.intake.keys import Sender
from huitou.sources.intake.messages import KINDS, LONGEST_ID, MAX_EVENT_BYTES, tells_consent
from huitou.sources.intake.refusals import Refusal

_HEADER = b"PGCOPY\n\xff\r\n\0" + bytes(8)
_TRAILER = b"\xff\xff"
_NULL = struct.pack("!i", -1)
_EPOCH = datetime(2000, 1, 1, tzinfo=UTC)
_COLUMNS = 8
_CALM, _URGENT = struct.pack("!i?", 1, False), struct.pack("!i?", 1, True)
_pack_length = struct.Struct("!i").pack
_WAIT_SECONDS = 2.0
# A feed that was found full is taken for full for so long: a flood must not make us count each time.
_FULL_SECONDS = 1.0

Connection = psycopg.Connection[tuple[Any, ...]]
logger = logging.getLogger(__name__)


class LettersFullError(Exception):
    """As many dead letters of the feed wait as may."""


@dataclass(frozen=True, slots=True)
class Arrival:
    """What the events of one request share."""

    sender: Sender
    received_at: datetime
    sent_at: datetime | None
    shared: bytes | None = None  # context of the whole batch


def _microseconds(instant: datetime) -> bytes:
    delta = instant - _EPOCH
    micros = (delta.days * 86_400 + delta.seconds) * 1_000_000 + delta.microseconds
    return struct.pack("!iq", 8, micros)


def inbox_rows(arrival: Arrival, payloads: Sequence[bytes]) -> bytes:
    """The rows of one request in PostgreSQL's binary COPY format.

    All columns but the last two are the same for every row, so they are laid out once.
    """
    all_urgent = arrival.shared is not None and tells_consent(arrival.shared)
    same = b"".join(
        (
            struct.pack("!h", _COLUMNS),
            _microseconds(arrival.received_at),
            struct.pack("!iq", 8, arrival.sender.key_id),
            _NULL if arrival.sent_at is None else _microseconds(arrival.sent_at),
            _NULL if arrival.shared is None else _pack_length(len(arrival.shared)) + arrival.shared,
            _NULL,
            _NULL,
        )
    )
    parts = [_HEADER]
    for payload in payloads:
        urgency = _URGENT if all_urgent or tells_consent(payload) else _CALM
        parts += (same, urgency, _pack_length(len(payload)), payload)
    parts.append(_TRAILER)
    return b"".join(parts)


def letter_row(arrival: Arrival, payload: bytes, refusal: Refusal) -> dict[str, Any]:
    """The dead letter of one refused event; kind, name and id as far as they can be read.

    Of an event that is too large the beginning is kept: enough to see who sends it, and no store for large things.
    """
    head = _readable(payload)
    return {
        "digest": hashlib.blake2b(arrival.sender.source.encode() + b"\0" + payload, digest_size=16).digest(),
        "source": arrival.sender.source,
        "key_id": arrival.sender.key_id,
        "reason": refusal.reason,
        "detail": refusal.detail.replace("\x00", "�")[:2000],
        **head,
        "payload": payload[:MAX_EVENT_BYTES],
        "size": len(payload),
        "shared": arrival.shared,
        "received_at": arrival.received_at,
        "sent_at": arrival.sent_at,
        "count": 1,
    }


def merged_letters(letters: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """Equal refusals as one row with their count, in the order in which every writer locks letters."""
    merged: dict[bytes, dict[str, Any]] = {}
    for letter in letters:
        found = merged.get(letter["digest"])
        merged[letter["digest"]] = {**letter, "count": letter["count"] + (found["count"] if found else 0)}
    return sorted(merged.values(), key=lambda row: bytes(row["digest"]))


def _readable(payload: bytes) -> dict[str, str]:
    try:
        told = msgspec.json.decode(payload)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        told = None
    if not isinstance(told, dict):
        return {"kind": "", "name": "", "message_id": ""}
    kind, name, message_id = told.get("type"), told.get("event"), told.get("messageId")
    return {
        "kind": kind if isinstance(kind, str) and kind in KINDS else "",
        "name": name.replace("\x00", "�")[:LONGEST_ID] if isinstance(name, str) else "",
        "message_id": str(message_id).replace("\x00", "�")[:LONGEST_ID] if isinstance(message_id, str | int) else "",
    }


class Store:
    """The door's connections to PostgreSQL: a pool of its own, opened with the first request of the process.

    The address is asked for at each new connection, because the embedded server may come back at another one.
    """

    def __init__(self, connections: int) -> None:
        self._size = connections
        self._pool: ConnectionPool[Connection] | None = None
        self._full_until: dict[str, float] = {}  # by feed, as many as there are
        self._lock = threading.Lock()

    def _open(self) -> ConnectionPool[Connection]:
        with self._lock:
            if self._pool is None:
                self._pool = ConnectionPool(
                    kwargs=_settings,
                    min_size=0,
                    max_size=self._size,
                    timeout=_WAIT_SECONDS,
                    configure=_configure,
                    open=True,
                    name="intake",
                )
            return self._pool

    def close(self) -> None:
        """Give the connections back; the next request opens new ones."""
        with self._lock:
            if self._pool is not None:
                self._pool.close()
                self._pool = None

    def put(self, arrival: Arrival, payloads: Sequence[bytes], letters: Sequence[dict[str, Any]]) -> None:
        """Make the request's events durable, all or none.

        Raises psycopg.OperationalError if that cannot be said, LettersFullError if the feed's refused events find no
        room any more.
        """
        if letters and time.monotonic() < self._full_until.get(arrival.sender.source, 0.0):
            raise LettersFullError
        pool = self._pool or self._open()
        try:
            with pool.connection() as connection, connection.cursor() as cursor:
                if not letters:
                    # A statement by itself is a transaction: COPY commits when it ends.
                    _copy(cursor, inbox_rows(arrival, payloads))
                    return
                with connection.transaction():
                    self._check_room(cursor, arrival.sender.source)
                    if payloads:
                        _copy(cursor, inbox_rows(arrival, payloads))
                    cursor.executemany(sql.INSERT_LETTERS, merged_letters(letters))
                    told = {"source": arrival.sender.source, "received_at": arrival.received_at, "count": len(letters)}
                    cursor.execute(sql.COUNT_REFUSED, told)
        except psycopg.OperationalError:
            # The others in the pool are likely dead too: the next requests should not find out one by one.
            pool.check()
            raise

    def _check_room(self, cursor: psycopg.Cursor[tuple[Any, ...]], source: str) -> None:
        """One request more than may be is kept, so that a large one fits as soon as there is room at all."""
        limit = settings.LETTERS_MAX_OPEN
        cursor.execute(sql.LETTERS_FULL, {"source": source, "limit": limit})
        row = cursor.fetchone()
        if row is not None and row[0]:
            logger.warning("intake: %s dead letters of %s wait; requests with refused events come later", limit, source)
            self._full_until[source] = time.monotonic() + _FULL_SECONDS
            raise LettersFullError

    def ask(self, *queries: str) -> list[Any]:
        """The one value that each query gives."""
        pool = self._pool or self._open()
        with pool.connection() as connection:
            return [row[0] for query in queries if (row := connection.execute(query).fetchone()) is not None]


def _settings() -> dict[str, Any]:
    return {**database_address(), "autocommit": True}


def _configure(connection: Connection) -> None:
    row = connection.execute(sql.DURABILITY).fetchone()
    if row is not None and row[0] in {"off", "local"}:
        connection.execute(sql.BE_DURABLE)


def _copy(cursor: psycopg.Cursor[tuple[Any, ...]], rows: bytes) -> None:
    with cursor.copy(sql.COPY_INBOX) as copy:
        copy.write(rows)
