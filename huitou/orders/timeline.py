"""One customer's orders and refunds, newest first."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import ibis

from huitou.analytics.engines import Engine
from huitou.customers.queries import persons_of
from huitou.orders.snapshot import get_last_refresh, open_engine_of

Row = dict[str, Any]


@dataclass(frozen=True)
class TimelineLine:
    """One line of an order or refund; magnitudes for refunds."""

    sku: str
    category: str | None
    quantity: Decimal
    amount_minor: int
    discount_minor: int


@dataclass(frozen=True)
class TimelineEntry:
    """One order or one refund document. `refunded_minor` is what later went back of an order."""

    at: datetime
    kind: str
    source: str
    order_id: str
    amount_minor: int
    channel: str | None
    store: str | None
    status: str
    is_purchase: bool
    is_excluded: bool
    refunded_minor: int
    lines: tuple[TimelineLine, ...]


def order_timeline(person_id: int, *, limit: int = 50, before: datetime | None = None) -> list[TimelineEntry]:
    """Orders and refunds of the person's customer before an instant (by default the refresh's), newest first.

    Unpaid and cancelled orders are in, as orders that are no purchases.
    """
    run = get_last_refresh()
    until = min(before, run.as_of) if before is not None else run.as_of
    persons = persons_of(person_id)
    with open_engine_of(run) as engine:
        lines = engine.table("fct_order_lines")
        mine = lines.filter(lines.person_id.isin(persons)).select("source", "order_id").distinct()
        rows = _current_rows(engine, lines.semi_join(mine, ["source", "order_id"]), persons, until)
        # By order, not by customer: who is one customer may have changed since the refresh.
        judged = engine.to_pyarrow(engine.table("int_orders").semi_join(mine, ["source", "order_id"])).to_pylist()
    by_key = {(row["source"], row["order_id"]): row for row in judged}
    # What went back of one order at several times, under no number of its own, is so many refunds.
    documents: dict[tuple[str, str, datetime | None], list[Row]] = defaultdict(list)
    for row in rows:
        at = row["occurred_at"] if row["kind"] == "refund" else None
        documents[row["source"], row["order_id"], at].append(row)
    entries = [_entry(own, by_key.get((own[0]["source"], own[0]["order_id"]))) for own in documents.values()]
    entries.sort(key=lambda e: (e.at, e.source, e.order_id, e.kind), reverse=True)
    return entries[:limit]


def _current_rows(engine: Engine, lines: ibis.Table, persons: Sequence[int], until: datetime) -> Iterable[Row]:
    """Of these orders' lines those of their latest reports that are the persons' own."""
    rows = engine.to_pyarrow(lines.order_by(["source", "order_id", "line_no", ibis.desc("batch_id")])).to_pylist()
    newest: dict[tuple[str, str], int] = defaultdict(int)
    for row in rows:
        key = row["source"], row["order_id"]
        newest[key] = max(newest[key], row["batch_id"])
    return [
        row
        for row in rows
        if row["batch_id"] == newest[row["source"], row["order_id"]]
        and row["person_id"] in persons
        and row["occurred_at"] < until
    ]


def _entry(rows: list[Row], order: Row | None) -> TimelineEntry:
    first = rows[0]
    judged = order if first["kind"] == "sale" else None
    return TimelineEntry(
        at=min(row["occurred_at"] for row in rows).astimezone(UTC),
        kind="order" if first["kind"] == "sale" else "refund",
        source=first["source"],
        order_id=first["order_id"],
        amount_minor=sum(row["amount_minor"] for row in rows),
        channel=first["channel"],
        store=first["store"],
        status=first["status"],
        is_purchase=bool(judged and judged["is_purchase"]),
        is_excluded=bool(judged and judged["is_excluded"]),
        refunded_minor=judged["refunded_minor"] if judged else 0,
        lines=tuple(
            TimelineLine(row["sku"], row["category"], row["quantity"], row["amount_minor"], row["discount_minor"])
            for row in rows
        ),
    )
