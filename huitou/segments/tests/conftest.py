"""A brand with a few customers whose orders lie in the lake, and a refresh of it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from huitou.accounts.models import Brand
from huitou.core.clock import FixedClock
from huitou.core.home import Home
from huitou.core.models import RefreshRun
from huitou.customers.models import Person
from huitou.orders.refresh import refresh
from huitou.orders.tests.conftest import Feed, feed

__all__ = ["feed"]
NOW = datetime(2024, 4, 9, 4, 0, tzinfo=UTC)
Refresh = Callable[[], RefreshRun]


@pytest.fixture
def brand(db: None) -> Brand:
    """A brand whose now can be moved."""
    return Brand.objects.create(pk=1, name="Test", zone="Asia/Shanghai", currency="CNY", clock_now=NOW)


@pytest.fixture
def refreshed(home: Home, brand: Brand) -> Refresh:
    """Refresh as of the brand's now; the finished run."""

    def run() -> RefreshRun:
        found = Brand.objects.get(pk=1)
        return refresh(home=home, brand=found, clock=found.clock).run

    return run


def move_to(instant: datetime) -> FixedClock:
    """Set the brand's clock; a clock that stands there."""
    Brand.objects.filter(pk=1).update(clock_now=instant)
    return FixedClock(instant)


def people(count: int) -> list[int]:
    """So many persons, known for long."""
    return [Person.objects.create(created_at=NOW, known_since=NOW - timedelta(900)).pk for _ in range(count)]


def order(
    person: int | None, at: datetime, *, amount: int = 10_000, sku: str = "A", number: str = ""
) -> dict[str, Any]:
    """The one line of an order as the lake has it."""
    return {
        "source": "file",
        "order_id": number or f"O-{person}-{at.timestamp()}",
        "line_no": 1,
        "kind": "sale",
        "person_id": person,
        "sku": sku,
        "category": "tea",
        "quantity": Decimal(1),
        "amount_minor": amount,
        "discount_minor": 0,
        "status": "completed",
        "order_type": "normal",
        "occurred_at": at,
        "refund_of": None,
        "channel": None,
        "store": None,
        "month": f"{at:%Y-%m}",
    }


def buy(feed: Feed, rows: Iterable[dict[str, Any]]) -> None:
    """Let orders arrive as one batch, where there are any."""
    if listed := list(rows):
        feed(listed)
