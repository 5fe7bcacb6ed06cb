"""A brand whose customers' baskets lie in the lake, refreshed."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime
from decimal import Decimal
from typing import Any

from huitou.segments.tests.conftest import brand, feed, order, refreshed

__all__ = ["brand", "feed", "refreshed"]
Rows = list[dict[str, Any]]
Said = Callable[..., Any]


def basket(person: int | None, at: datetime, items: Iterable[str], **changes: Any) -> Rows:
    """The lines of one order, one for each item, which is product and category in one."""
    first = order(person, at)
    return [
        first | {"line_no": number, "sku": f"sku-{item}", "category": item, "quantity": Decimal(1)} | changes
        for number, item in enumerate(items, start=1)
    ]
