"""What an order event says, typed: the words between reading, keeping and folding."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any

COMPLETED, UPDATED, REFUNDED, CANCELLED = "Order Completed", "Order Updated", "Order Refunded", "Order Cancelled"
# Also the order in which events of one instant happened: nothing is refunded or cancelled before it is there.
TOLD_NAMES = (COMPLETED, UPDATED, REFUNDED, CANCELLED)


@dataclass(frozen=True)
class OrderEvent:
    """One order event as it arrived. `ref` is the caller's, `channel` stands in where the properties name none."""

    ref: int
    source: str
    name: str
    message_hash: bytes
    occurred_at: datetime
    person_id: int | None
    properties: Mapping[str, Any]
    channel: str | None = None


@dataclass(frozen=True)
class ToldLine:
    """One product of an event. `units` are ten-thousandths of a piece; `amount_minor` is after the line's own
    discount, None where no price was given; `is_return` where the quantity was negative."""

    sku: str
    category: str | None
    units: int
    amount_minor: int | None
    discount_minor: int = 0
    is_return: bool = False


@dataclass(frozen=True)
class ToldOrder:
    """One event of one order, typed; None is what it does not say. `stated_at` is the time of payment or of the
    refund where a property gives it; `goods_minor` what the goods cost, `total_minor` all that was paid or went back.
    """

    source: str
    order_id: str
    name: str
    occurred_at: datetime
    message_hash: bytes
    person_id: int | None = None
    lines: tuple[ToldLine, ...] = field(default=())
    status: str | None = None
    order_type: str | None = None
    channel: str | None = None
    store: str | None = None
    stated_at: datetime | None = None
    discount_minor: int | None = None
    goods_minor: int | None = None
    total_minor: int | None = None
    refund_id: str | None = None

    @property
    def position(self) -> tuple[datetime, int, bytes]:
        """Where the event stands among the order's events, however they arrived."""
        return self.occurred_at, TOLD_NAMES.index(self.name), self.message_hash

    def content(self) -> dict[str, Any]:
        """What has no column of its own where events are kept."""
        plain = (
            "status",
            "order_type",
            "channel",
            "store",
            "discount_minor",
            "goods_minor",
            "total_minor",
            "refund_id",
        )
        kept: dict[str, Any] = {name: value for name in plain if (value := getattr(self, name)) is not None}
        if self.stated_at is not None:
            kept["stated_at"] = self.stated_at.isoformat()
        if self.lines:
            kept["lines"] = [asdict(line) for line in self.lines]
        return kept


def from_content(
    *,
    source: str,
    order_id: str,
    name: str,
    occurred_at: datetime,
    message_hash: bytes,
    person_id: int | None,
    content: Mapping[str, Any],
) -> ToldOrder:
    """The event as it was told, from where it is kept."""
    given = dict(content)
    stated = given.pop("stated_at", None)
    lines = tuple(ToldLine(**line) for line in given.pop("lines", ()))
    return ToldOrder(
        source=source,
        order_id=order_id,
        name=name,
        occurred_at=occurred_at,
        message_hash=message_hash,
        person_id=person_id,
        lines=lines,
        stated_at=datetime.fromisoformat(stated) if stated else None,
        **given,
    )
