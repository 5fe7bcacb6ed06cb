"""The consumer: a batch of the inbox, in one transaction, to everything that is made of it.

Claimed, decoded, freed of repeats, handed to the subscribers, staged as files of the lake, claimed as lake batches and
deleted from the inbox: all that is one transaction, so a process that dies anywhere leaves either the events in the
inbox or a claimed batch that whoever comes next brings into the lake.
"""

from __future__ import annotations

import gc
import logging
import os
import socket
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import psycopg
from django.db import connection, transaction

from huitou.core.arrays import number_array
from huitou.core.clock import Clock
from huitou.core.faultpoints import reach
from huitou.core.home import Home
from huitou.core.lake import commit_batch
from huitou.core.lake_mark import home_lake
from huitou.sources.consuming import sql
from huitou.sources.consuming.acquisition import record_batch_acquisitions
from huitou.sources.consuming.batch import Batch, Event
from huitou.sources.consuming.consents import record_batch_consents
from huitou.sources.consuming.decoding import InboxRow, decode_event, load_keys
from huitou.sources.consuming.facts import add_facts
from huitou.sources.consuming.identities import resolve_identities
from huitou.sources.consuming.letters import keep_refused, release_held
from huitou.sources.consuming.orders import record_batch_orders
from huitou.sources.consuming.quality import count_quality
from huitou.sources.consuming.seen import give_back, take_fresh
from huitou.sources.consuming.staging import stage_rows
from huitou.sources.consuming.subscribers import subscribers_of_apps
from huitou.sources.consuming.traits import record_batch_traits
from huitou.sources.consuming.trouble import is_transient, rendered
from huitou.sources.intake.refusals import Refusal
from huitou.sources.tracking.queries import current_plan

logger = logging.getLogger(__name__)
# At most as many as identities are resolved in one go; a batch this large is as fast as any.
BATCH_EVENTS = 20_000
# Payloads and shared contexts of a batch: decoded they take several times as much memory.
BATCH_BYTES = 64 * 1024 * 1024
# In this order: identities first, since everything hangs on the person.
SUBSCRIBERS: tuple[Callable[[Batch], None], ...] = (
    resolve_identities,
    record_batch_traits,
    record_batch_consents,
    record_batch_acquisitions,
    record_batch_orders,
)


@dataclass(frozen=True)
class Consumed:
    """What one batch came to. `claimed` 0: nothing waited; `full`: more may wait; `held`: refused, without room."""

    claimed: int = 0
    accepted: int = 0
    repeated: int = 0
    refused: int = 0
    held: int = 0
    batches: tuple[int, ...] = ()
    full: bool = False

    def __add__(self, other: Consumed) -> Consumed:
        return Consumed(
            self.claimed + other.claimed,
            self.accepted + other.accepted,
            self.repeated + other.repeated,
            self.refused + other.refused,
            self.held + other.held,
            self.batches + other.batches,
            self.full or other.full,
        )


def consume_once(*, home: Home, clock: Clock, limit: int = BATCH_EVENTS) -> Consumed:
    """Take one batch from the inbox, up to `limit` events, and bring it into the lake.

    An event that nothing can be made of goes to the dead letters, the others are taken. Raises what may pass by
    itself (database away, disk full, deadlock) for the caller to try again.
    """
    started = time.monotonic()
    # Where the lake is away the events stay in the inbox, whose limit holds senders back.
    home_lake(home)
    try:
        with _without_collector():
            consumed, ids = _take_batch(home=home, clock=clock, limit=limit, started=started)
    except Exception as error:
        if is_transient(error):
            raise
        logger.warning("a batch of events could not be taken at once (%s); taking it apart", rendered(error))
        return _take_apart(_waiting_ids(limit), home=home, clock=clock)
    reach("consume.committed")
    for batch_id in ids:
        commit_batch(batch_id, home=home, clock=clock)
    return consumed


def drain(*, home: Home, clock: Clock, patience_seconds: float | None = None) -> int:
    """Take in everything that waits now; returns how many of these still wait when patience ends, normally 0.

    What is held waits for somebody, and is not counted.
    """
    release_held()
    with connection.cursor() as cursor:
        cursor.execute(sql.LAST_ID)
        last_id = cursor.fetchone()[0]
        deadline = None if patience_seconds is None else time.monotonic() + patience_seconds
        while True:
            consumed = consume_once(home=home, clock=clock)
            cursor.execute(sql.WAITING_UP_TO, [last_id])
            waiting = int(cursor.fetchone()[0])
            if not waiting or (deadline is not None and time.monotonic() > deadline):
                return waiting
            if not consumed.claimed:
                # Another consumer has the rest in hand.
                time.sleep(0.05)


_collector_lock = threading.Lock()
_collector_users = 0


@contextmanager
def _without_collector() -> Iterator[None]:
    """No search for cycles while a batch is at work: its hundred thousands of objects have none, and looking through
    them again and again costs two fifths of the time.
    """
    global _collector_users
    with _collector_lock:
        _collector_users += 1
        gc.disable()
    try:
        yield
    finally:
        with _collector_lock:
            _collector_users -= 1
            if not _collector_users:
                gc.enable()


def _waiting_ids(limit: int) -> list[int]:
    with transaction.atomic():
        return [row.id for row in _claim_first(limit)]


def _take_apart(ids: Sequence[int], *, home: Home, clock: Clock) -> Consumed:
    """Take a spoiled batch half by half, until what spoils it stands alone and goes to the dead letters."""
    if not ids:
        return Consumed()
    try:
        consumed, batches = _take_batch(home=home, clock=clock, ids=ids)
    except Exception as error:
        if is_transient(error):
            raise
        if len(ids) == 1:
            logger.warning("event %s goes to the dead letters: %s", ids[0], rendered(error))
            return _bury(ids[0], error, home=home, clock=clock)
        middle = len(ids) // 2
        return _take_apart(ids[:middle], home=home, clock=clock) + _take_apart(ids[middle:], home=home, clock=clock)
    for batch_id in batches:
        commit_batch(batch_id, home=home, clock=clock)
    return consumed


def _bury(inbox_id: int, error: Exception, *, home: Home, clock: Clock) -> Consumed:
    with transaction.atomic():
        rows = _claim(sql.CLAIM_THESE, [inbox_id])
        keys = load_keys({row.key_id for row in rows})
        held = keep_refused([(row, Refusal("failed", rendered(error))) for row in rows], keys, clock=clock)
        _delete(row for row in rows if row.id not in held)
    return Consumed(claimed=len(rows), refused=len(rows) - len(held), held=len(held))


def _take_batch(
    *,
    home: Home,
    clock: Clock,
    limit: int = BATCH_EVENTS,
    ids: Sequence[int] | None = None,
    started: float | None = None,
) -> tuple[Consumed, list[int]]:
    """One batch in one transaction: these rows, or the first that wait. Returns the lake batches it claimed."""
    with transaction.atomic():
        rows = _claim_first(limit) if ids is None else _claim(sql.CLAIM_THESE, list(ids))
        if not rows:
            return Consumed(), []
        full = len(rows) >= limit or sum(len(row.payload) + len(row.shared or b"") for row in rows) >= BATCH_BYTES
        keys = load_keys({row.key_id for row in rows})
        replayed = frozenset(row.id for row in rows if row.letter_id is not None)  # no new arrivals
        refused: list[tuple[InboxRow, Refusal]] = []
        events: list[Event] = []
        by_hash: dict[bytes, InboxRow] = {}
        twins: dict[bytes, list[InboxRow]] = {}
        repeated: Counter[str] = Counter()
        for row in rows:
            event = decode_event(row, keys[row.key_id], len(events))
            if isinstance(event, Refusal):
                refused.append((row, event))
            elif event.hash in by_hash:
                twins.setdefault(event.hash, []).append(row)
                repeated[event.source] += row.id not in replayed
            else:
                by_hash[event.hash] = row
                events.append(event)
        reach("consume.decoded")
        fresh = take_fresh([event.hash for event in events], clock=clock)
        batch = Batch([event for event in events if event.hash in fresh], home, clock, repeated=repeated)
        for event in events:
            if event.hash not in fresh:
                repeated[event.source] += event.inbox_id not in replayed
        for subscriber in (*SUBSCRIBERS, *subscribers_of_apps()):
            subscriber(batch)
        plan = current_plan()
        add_facts(batch, plan.codes, plan.personal)
        unread = [row for row, _ in refused if row.id not in replayed]
        spoiled = [event for event in batch.events if event.ref in batch.refused]
        if spoiled:
            give_back([event.hash for event in spoiled], clock=clock)
            refused += [(by_hash[event.hash], batch.refused[event.ref]) for event in spoiled]
            # What else came under the id of a refused event is no repeat of anything taken: it waits for its turn.
            left = {row.id for event in spoiled for row in twins.get(event.hash, ())}
            for event in spoiled:
                repeated[event.source] -= sum(row.id not in replayed for row in twins.get(event.hash, ()))
            rows = [row for row in rows if row.id not in left]
        held = keep_refused(refused, keys, clock=clock)
        arrivals = [(keys[row.key_id].source, row.received_at) for row in unread if row.id not in held]
        count_quality(batch, arrivals, held, replayed)
        claimed = stage_rows(batch)
        reach("consume.staged")
        _delete(row for row in rows if row.id not in held)
        _report(rows, clock, started)
        accepted = len(batch.events) - len(spoiled)
        consumed = Consumed(
            claimed=len(rows),
            accepted=accepted,
            repeated=len(rows) - accepted - len(refused),
            refused=len(refused) - len(held),
            held=len(held),
            batches=tuple(claimed),
            full=full,
        )
        reach("consume.deleted")
    return consumed, claimed


def _claim_first(limit: int) -> list[InboxRow]:
    """The rows whose turn it is, in the order of their arrival."""
    urgent = _claim(sql.CLAIM_URGENT, limit, BATCH_BYTES)
    left = BATCH_BYTES - sum(len(row.payload) + len(row.shared or b"") for row in urgent)
    return sorted(urgent + _claim(sql.CLAIM, limit - len(urgent), left), key=lambda row: row.id)


def _claim(query: str, *parameters: Any) -> list[InboxRow]:
    """Lock and read rows of the inbox; in binary, which Django's own cursors do not speak, since payloads are bytes."""
    connection.ensure_connection()
    with psycopg.Cursor(connection.connection) as cursor:
        cursor.execute(query, parameters, binary=True)
        return [InboxRow._make(row) for row in cursor.fetchall()]


def _delete(rows: Iterable[InboxRow]) -> None:
    with connection.cursor() as cursor:
        cursor.execute(sql.DELETE_CLAIMED, [number_array([row.id for row in rows])])


def consumer_name() -> str:
    """How this process is known among the consumers."""
    return f"{socket.gethostname()}:{os.getpid()}"[:100]


def _report(rows: Sequence[InboxRow], clock: Clock, started: float | None) -> None:
    """Leave a sign of life, and how fast it goes: from it senders are told when to come again."""
    seconds = 0.0 if started is None else time.monotonic() - started
    with connection.cursor() as cursor:
        cursor.execute(sql.REPORT, [consumer_name(), clock.now(), len(rows), seconds, rows[0].id])
