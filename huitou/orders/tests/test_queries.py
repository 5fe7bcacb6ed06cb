"""Reads for the console: lists in a fixed order, timelines in full, due customers by their own rhythm."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from huitou.accounts.models import Brand
from huitou.core.home import Home
from huitou.orders.queries import (
    UnknownFeatureError,
    customer_features,
    list_customers,
    observed_until,
    order_timeline,
)
from huitou.orders.refresh import refresh
from huitou.orders.tests.conftest import Feed

Row = dict[str, Any]


def line(order_id: str, at: datetime, person: int | None, **other: Any) -> Row:
    """One line of fct_order_lines: two pieces for 20.00, paid."""
    return {
        "source": "shop",
        "order_id": order_id,
        "line_no": 1,
        "kind": "sale",
        "person_id": person,
        "sku": "x",
        "category": None,
        "quantity": Decimal(2),
        "amount_minor": 2000,
        "discount_minor": 0,
        "status": "completed",
        "order_type": "normal",
        "occurred_at": at,
        "refund_of": None,
        "channel": None,
        "store": None,
        "month": f"{at:%Y-%m}",
    } | other


@pytest.fixture
def now(home: Home, brand: Brand, feed: Feed) -> datetime:
    """Four customers: 1 buys every three days and is due in two; 2 bought once; 3 never paid; 4 is overdue."""
    now = brand.now()
    days = timedelta(days=1)
    feed(
        [
            line("a1", now - 7 * days, 1),
            line("a2", now - 4 * days, 1, amount_minor=3000),
            line("a3", now - 1 * days, 1),
            line("b1", now - 2 * days, 2, amount_minor=9000),
            line("c1", now - 2 * days, 3, status="unpaid"),
            line("d0", now - 8 * days, 4),
            line("d1", now - 6 * days, 4),
            line("d2", now - 4 * days, 4),
            line("e1", now - 3 * days, None, channel="store"),
            line("f1", now + 1 * days, 1),
        ]
    )
    feed(
        [
            line("a2", now - 4 * days, 1, amount_minor=5000),
            line("R1", now - 3 * days, 1, kind="refund", quantity=Decimal(1), amount_minor=2500),
        ]
    )
    refresh(home=home, brand=brand, clock=brand.clock)
    return now


def test_refunds_of_one_order_at_two_times_are_two(home: Home, brand: Brand, feed: Feed) -> None:
    """Without numbers of their own they stand under the order's; each keeps its date and amount."""
    now, days = brand.now(), timedelta(days=1)
    back = {"kind": "refund", "quantity": Decimal(1), "amount_minor": 4000, "refund_of": "a1"}
    feed(
        [
            line("a1", now - 7 * days, 1, amount_minor=9000),
            line("a1", now - 5 * days, 1, line_no=2, **back),
            line("a1", now - 2 * days, 1, line_no=3, **back),
        ]
    )
    refresh(home=home, brand=brand, clock=brand.clock)
    told = [(e.kind, e.at, e.amount_minor) for e in order_timeline(1)]
    assert told == [
        ("refund", now - 2 * days, 4000),
        ("refund", now - 5 * days, 4000),
        ("order", now - 7 * days, 9000),
    ]


def test_timeline_shows_the_latest_report_of_everything(now: datetime) -> None:
    entries = order_timeline(1)
    assert [(e.kind, e.order_id, e.amount_minor, e.refunded_minor) for e in entries] == [
        ("order", "a3", 2000, 0),
        ("refund", "R1", 2500, 0),
        ("order", "a2", 5000, 2500),
        ("order", "a1", 2000, 0),
    ]
    assert [e.is_purchase for e in entries] == [True, False, True, True]
    assert entries[0].lines[0].quantity == 2
    assert [e.order_id for e in order_timeline(1, before=now - timedelta(days=3))] == ["a2", "a1"]
    assert [e.order_id for e in order_timeline(1, limit=1)] == ["a3"]
    assert [(e.order_id, e.status, e.is_purchase) for e in order_timeline(3)] == [("c1", "unpaid", False)]
    assert order_timeline(99) == []


def test_customers_are_listed_in_a_fixed_order(now: datetime) -> None:
    def ids(**given: Any) -> list[int]:
        return [row.person_id for row in list_customers(**given).rows]

    assert ids() == [1, 2, 4, 3]
    assert ids(sort="last_order_at") == [4, 2, 1, 3]
    assert ids(sort="-order_count") == [1, 4, 2, 3]
    assert ids(sort="person_id", page=2, page_size=3) == [4]
    assert ids(person_ids=[4, 3, 77]) == [4, 3]
    assert ids(person_ids=[]) == []
    assert ids(where={"lifecycle_stage": "new"}) == [2, 3]
    assert ids(where={"vip_layer": "true"}) == []
    assert ids(where={"rfm_frequency_band": "3"}) == [1, 4]
    page = list_customers(page=9, page_size=3)
    assert (page.total, page.page, page.pages) == (4, 2, 2)
    with pytest.raises(UnknownFeatureError):
        list_customers(sort="name; drop table")
    with pytest.raises(UnknownFeatureError):
        list_customers(where={"spend_minor": "1"})


def test_features_of_one_customer(now: datetime) -> None:
    values = customer_features(1)
    assert values is not None
    assert values["order_count"] == 3
    assert values["spend_minor"] == 9000
    assert values["net_spend_minor"] == 6500
    assert values["next_order_due_at"] == now + timedelta(days=2)
    assert customer_features(99) is None
    assert observed_until() == now - timedelta(days=1)


def test_due_and_overdue_follow_the_own_rhythm(now: datetime) -> None:
    assert [row.person_id for row in list_customers(due="week").rows] == [1]
    assert list_customers(due="week", moment=now + timedelta(days=3)).total == 0
    assert [row.person_id for row in list_customers(due="late").rows] == [4]
