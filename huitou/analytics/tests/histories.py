"""Small random order histories: ties, scattered reports, fractions, refunds of every kind."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from random import Random
from typing import Any

from huitou.analytics.rules import ORDER_TYPES
from huitou.analytics.tables import ORDER_STATUSES

START = datetime(2024, 3, 29, 20, 0, tzinfo=UTC)
Row = dict[str, Any]

_QUANTITIES = [Decimal(x) for x in ("0", "0.5", "1", "1", "1.2345", "2", "3", "7")]
_STATUSES = [*ORDER_STATUSES, "paid", "completed", "completed", "completed", "paid"]


def order_lines(random: Random, *, case: int = 0, orders: int = 9, step_hours: int = 7) -> list[Row]:
    """Rows of fct_order_lines: up to `orders` reports of one to three lines, few people, products and instants.

    Histories of different `case` share neither sources nor people, so many of them can be computed at once.
    """
    rows: list[Row] = []
    for _ in range(random.randint(0, orders)):
        occurred_at = START + timedelta(hours=step_hours * random.randint(0, 9))
        person = random.choice([None, 1, 1, 1, 2])
        order = {
            "batch_id": random.randint(1, 2),
            "source": f"{case}{random.choice('ab')}",
            "order_id": random.choice(["1", "2", "3", "4", "5", "C1", "C2"]),
            "person_id": None if person is None else case * 10 + person,
            "status": random.choice(_STATUSES),
            "order_type": random.choice([*ORDER_TYPES, "normal", "normal", "normal"]),
            "channel": random.choice([None, "app", "store"]),
            "store": random.choice([None, "s1"]),
            "occurred_at": occurred_at,
            "month": occurred_at.strftime("%Y-%m"),
        }
        kind = random.choice(["sale", "sale", "refund"])
        rows += [_line(random, order, kind) for _ in range(random.randint(1, 3))]
    numbers: dict[tuple[str, str, int], int] = {}
    for row in rows:
        key = (row["source"], row["order_id"], row["batch_id"])
        row["line_no"] = numbers[key] = numbers.get(key, 0) + 1
    return rows


def _line(random: Random, order: Row, kind: str) -> Row:
    return order | {
        "kind": kind,
        "sku": random.choice(["x", "x", "y", "z"]),
        "category": random.choice([None, None, "k1", "k2"]),
        "quantity": random.choice(_QUANTITIES),
        "amount_minor": random.choice([0, 1, 99, 100, 1000, 3333]),
        "discount_minor": random.choice([0, 0, 10]),
        "refund_of": random.choice([None, None, "1", "2", "9"]) if kind == "refund" else None,
    }
