"""Order events into order lines: kept, folded order by order, and emitted where an order is another than before."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from django.db import connection, transaction
from django.db.backends.utils import CursorWrapper

from huitou.accounts.models import Brand
from huitou.analytics.engines import Scratch
from huitou.catalog.services import upsert_products
from huitou.core.clock import Clock
from huitou.core.home import Home
from huitou.core.money import exponent
from huitou.sources.order_events import sql
from huitou.sources.order_events.fold import Document, Line, fold_order
from huitou.sources.order_events.reading import NO_PRODUCT, Product, Readings, Unread, read_order_events
from huitou.sources.order_events.told import OrderEvent, ToldOrder, from_content

_MEMORY_MB = 128
# Every arrival reads all events of its order. Real orders have a few; a number that a program fills in for all of
# them would have each batch read, and the fold go through, all that ever came.
MOST_EVENTS = 1000
_Key = tuple[str, str]


@dataclass(frozen=True)
class Taken:
    """What became of order events: those that could not be read, and the lines of every order that is now another
    one, as rows of fct_order_lines without `batch_id` and `month`."""

    unread: tuple[Unread, ...] = ()
    orders: int = 0
    rows: list[dict[str, Any]] = field(default_factory=list)


def take_order_events(events: Sequence[OrderEvent], *, brand: Brand, home: Home, clock: Clock) -> Taken:
    """Take the order events of one consumer batch, inside its transaction; given again, nothing changes.

    The caller puts the rows into the lake with a batch whose number it draws afterwards, in the same transaction:
    orders stay locked until its end, so a later version has a higher number. Unread events leave nothing behind.
    """
    if not events:
        return Taken()
    with transaction.atomic():
        readings = _read(events, brand, home)
        _save_products(readings.products, clock)
        versions, crowded = _fold(readings.told)
        _save(versions)
    unread = (*readings.unread, *crowded)
    return Taken(unread, len(versions), [row for version in versions for row in _rows(version)])


def _read(events: Sequence[OrderEvent], brand: Brand, home: Home) -> Readings:
    home.staging.mkdir(parents=True, exist_ok=True)
    with (
        tempfile.TemporaryDirectory(prefix=".order-events-", dir=home.staging) as folder,
        Scratch(Path(folder), memory_limit_mb=_MEMORY_MB, threads=1) as scratch,
    ):
        return read_order_events(
            events, currency=brand.currency, exponent=exponent(brand.currency), zone=brand.tz, scratch=scratch
        )


def _save_products(products: Iterable[Product], clock: Clock) -> None:
    last: dict[str, Product] = {}
    for product in products:
        before = last.get(product.sku)
        last[product.sku] = product if before is None else _joined(before, product)
    if not last:
        return
    text = io.StringIO()
    writer = csv.writer(text)
    for sku, product in sorted(last.items()):
        writer.writerow([sku, product.name, product.category, product.brand, None])
    upsert_products(blocks=[text.getvalue().encode()], clock=clock)


def _joined(before: Product, after: Product) -> Product:
    return Product(after.sku, after.name or before.name, after.category or before.category, after.brand or before.brand)


@dataclass(frozen=True)
class _Version:
    key: _Key
    documents: tuple[Document, ...]
    voided: tuple[str, ...]
    outcome: bytes
    began_at: datetime


def _fold(told: Mapping[int, ToldOrder]) -> tuple[list[_Version], list[Unread]]:
    """Keep the events, fold their orders anew, and return those that are not what they were; and events that an order
    has no room for."""
    if not told:
        return [], []
    keys = sorted({(event.source, event.order_id) for event in told.values()})
    asked = {"sources": [source for source, _order in keys], "orders": [order for _source, order in keys]}
    with connection.cursor() as cursor:
        cursor.execute(sql.MAKE_VERSIONS, asked)
        cursor.execute(sql.LOCK_VERSIONS, asked)
        before = {(row[0], row[1]): (bytes(row[2]), json.loads(row[3])) for row in cursor.fetchall()}
        events = _kept(cursor, asked)
        new, crowded = _with_room(told, events)
        cursor.execute(
            sql.KEEP_EVENTS,
            {
                "sources": [event.source for event in new],
                "orders": [event.order_id for event in new],
                "hashes": [event.message_hash for event in new],
                "names": [event.name for event in new],
                "times": [event.occurred_at for event in new],
                "persons": [event.person_id for event in new],
                "contents": [json.dumps(event.content()) for event in new],
            },
        )
    versions = []
    for key in keys:
        documents = fold_order(events[key].values())
        outcome = _digest(documents)
        known_outcome, known_numbers = before[key]
        if outcome != known_outcome:
            numbers = {document.order_id for document in documents}
            voided = tuple(number for number in known_numbers if number not in numbers)
            if documents or voided:
                began_at = min(event.occurred_at for event in events[key].values())
                versions.append(_Version(key, documents, voided, outcome, began_at))
    return versions, crowded


def _kept(cursor: CursorWrapper, asked: Mapping[str, list[str]]) -> dict[_Key, dict[bytes, ToldOrder]]:
    """The events that are kept of these orders, by their hashes."""
    cursor.execute(sql.SELECT_EVENTS, asked)
    events: dict[_Key, dict[bytes, ToldOrder]] = {
        key: {} for key in zip(asked["sources"], asked["orders"], strict=True)
    }
    for source, order_id, name, at, digest, person_id, content in cursor.fetchall():
        events[source, order_id][bytes(digest)] = from_content(
            source=source,
            order_id=order_id,
            name=name,
            occurred_at=at.astimezone(UTC),
            message_hash=bytes(digest),
            person_id=person_id,
            content=json.loads(content),
        )
    return events


def _with_room(
    told: Mapping[int, ToldOrder], events: Mapping[_Key, dict[bytes, ToldOrder]]
) -> tuple[list[ToldOrder], list[Unread]]:
    """Put the events that are new beside those of their orders, the earliest first, as far as there is room."""
    new, crowded = [], []
    for ref, event in sorted(told.items(), key=lambda one: one[1].position):
        known = events[event.source, event.order_id]
        if event.message_hash in known:
            continue
        if len(known) >= MOST_EVENTS:
            crowded.append(Unread(ref, "crowded", "order_id", event.order_id[:100]))
            continue
        known[event.message_hash] = event
        new.append(event)
    return new, crowded


def _digest(documents: Sequence[Document]) -> bytes:
    told = [
        [
            [document.order_id, document.person_id, document.order_type, document.channel, document.store],
            [
                [
                    *(line.kind, line.sku, line.category, line.units, line.amount_minor, line.discount_minor),
                    *(line.status, line.occurred_at.isoformat(), line.refund_of),
                ]
                for line in document.lines
            ],
        ]
        for document in documents
    ]
    return hashlib.blake2b(json.dumps(told, ensure_ascii=False).encode(), digest_size=16).digest()


def _rows(version: _Version) -> Iterator[dict[str, Any]]:
    source, order_id = version.key
    for document in version.documents:
        for number, line in enumerate(document.lines, 1):
            yield _row(line, document, number, source)
    # A refund that stood alone is part of its order now: what stands under its own number counts nowhere any more.
    for alone in version.voided:
        nothing = Line("refund", NO_PRODUCT, None, 0, 0, 0, "cancelled", version.began_at, order_id)
        yield _row(nothing, Document(alone, None, "normal", None, None, ()), 1, source)


def _row(line: Line, document: Document, number: int, source: str) -> dict[str, Any]:
    return {
        "source": source,
        "order_id": document.order_id,
        "line_no": number,
        "kind": line.kind,
        "person_id": document.person_id,
        "sku": line.sku,
        "category": line.category,
        "quantity": Decimal(line.units).scaleb(-4),
        "amount_minor": line.amount_minor,
        "discount_minor": line.discount_minor,
        "status": line.status,
        "order_type": document.order_type,
        "occurred_at": line.occurred_at,
        "refund_of": line.refund_of,
        "channel": document.channel,
        "store": document.store,
    }


def _save(versions: Sequence[_Version]) -> None:
    if not versions:
        return
    with connection.cursor() as cursor:
        cursor.execute(
            sql.SAVE_VERSIONS,
            {
                "sources": [version.key[0] for version in versions],
                "orders": [version.key[1] for version in versions],
                "outcomes": [version.outcome for version in versions],
                "documents": [json.dumps([document.order_id for document in v.documents]) for v in versions],
            },
        )
