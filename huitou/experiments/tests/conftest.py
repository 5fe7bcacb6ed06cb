"""A brand whose orders and experiments a test makes up."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from huitou.accounts.models import Brand
from huitou.core.clock import FixedClock
from huitou.core.home import Home
from huitou.customers.models import Person
from huitou.experiments.models import CONTROL, Experiment
from huitou.experiments.services import open_experiment
from huitou.orders.refresh import refresh
from huitou.orders.tests.conftest import Feed, feed
from huitou.orders.tests.test_queries import line

__all__ = ["START", "Feed", "Market", "feed", "line"]

START = datetime(2026, 3, 1, 16, 0, tzinfo=UTC)  # midnight of 2 March in Shanghai
DAY = timedelta(days=1)
HALVES = {CONTROL: 5000, "treatment": 5000}


class Market:
    """People, their orders, and a clock that a test moves on."""

    def __init__(self, brand: Brand, home: Home, feed: Feed) -> None:
        self.brand, self.home, self.feed = brand, home, feed

    def at(self, when: datetime) -> FixedClock:
        return FixedClock(when)

    def people(self, count: int) -> list[int]:
        return [p.pk for p in Person.objects.bulk_create(Person(created_at=START) for _ in range(count))]

    def buy(self, rows: Iterable[dict[str, Any]]) -> None:
        self.feed(rows)

    def refresh(self, when: datetime) -> None:
        """Let the brand's now be `when`, and compute everything as of it."""
        Brand.objects.filter(pk=1).update(clock_now=when)
        self.brand.refresh_from_db()
        refresh(home=self.home, brand=self.brand, clock=self.brand.clock)

    def experiment(self, **terms: Any) -> Experiment:
        """Halves for 30 days, sixty days long from START on."""
        given: dict[str, Any] = {
            "key": "launch:1",
            "arms": HALVES,
            "window_days": 30,
            "starts_at": START,
            "ends_at": START + 60 * DAY,
            "clock": FixedClock(START),
        }
        return open_experiment(**(given | terms))


@pytest.fixture
def market(db: None, home: Home, feed: Feed) -> Market:
    brand = Brand.objects.create(pk=1, name="Test", zone="Asia/Shanghai", currency="CNY", clock_now=START)
    return Market(brand, home, feed)
