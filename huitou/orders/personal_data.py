"""What orders tell of a person. The facts have no names: there is nothing to erase."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from huitou.customers.identifier_kind import Key
from huitou.orders.queries import last_refresh
from huitou.orders.timeline import order_timeline


def export(person_ids: Sequence[int], identifiers: Sequence[Key]) -> dict[str, Any]:
    """Orders and refunds as of the last refresh, newest first; money in minor units."""
    if last_refresh() is None:
        return {"orders": []}
    return {
        "orders": [
            {
                "at": entry.at.isoformat(),
                "kind": entry.kind,
                "source": entry.source,
                "order_id": entry.order_id,
                "amount_minor": entry.amount_minor,
                "refunded_minor": entry.refunded_minor,
                "channel": entry.channel,
                "store": entry.store,
                "status": entry.status,
                "lines": [
                    {
                        "sku": line.sku,
                        "category": line.category,
                        "quantity": f"{line.quantity.normalize():f}",
                        "amount_minor": line.amount_minor,
                        "discount_minor": line.discount_minor,
                    }
                    for line in entry.lines
                ],
            }
            for entry in order_timeline(person_ids[0], limit=1_000_000)
        ]
    }
