"""Order events of a batch become order lines; what cannot be read as an order is refused."""

from __future__ import annotations

from huitou.accounts.models import Brand
from huitou.accounts.queries import find_brand
from huitou.sources.consuming.batch import Batch, Event
from huitou.sources.order_events.reading import Unread
from huitou.sources.order_events.services import take_order_events
from huitou.sources.order_events.told import TOLD_NAMES, OrderEvent

_REASONS = {
    "other_currency": "order_currency",
    "missing": "order_incomplete",
    "unknown_word": "order_word",
    "crowded": "order_crowded",
}


def record_batch_orders(batch: Batch) -> None:
    """Take the batch's order events; before the brand is set up nobody knows in which currency they are."""
    brand = find_brand()
    if brand is not None:
        take_orders(batch, brand)
        return
    for event in batch.of_kind("track"):
        if event.name in TOLD_NAMES:
            batch.refuse(event, "brand_missing")


def take_orders(batch: Batch, brand: Brand) -> None:
    """Fold the batch's order events into their orders; comes after identities, which say who bought."""
    told = [event for event in batch.of_kind("track") if event.name in TOLD_NAMES]
    taken = take_order_events([_order_event(event) for event in told], brand=brand, home=batch.home, clock=batch.clock)
    by_ref = {event.ref: event for event in told}
    for unread in taken.unread:
        batch.refuse(by_ref[unread.ref], _REASONS.get(unread.code, "order_value"), _detail(unread))
    if taken.rows:
        batch.add_rows("fct_order_lines", taken.rows)


def _order_event(event: Event) -> OrderEvent:
    return OrderEvent(
        ref=event.ref,
        source=event.source,
        name=event.name,
        message_hash=event.hash,
        occurred_at=event.occurred_at,
        person_id=event.person_id,
        properties=event.properties,
        channel=event.channel or None,
    )


def _detail(unread: Unread) -> str:
    name = {"unit_price": "price", "product_name": "name"}.get(unread.field, unread.field)
    return f"{name}: {unread.value}" if unread.value else name
