"""Who is due by their own rhythm, and how many customers are in which state: one look at the feature table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime

from huitou.orders.due import LATE, WEEK, is_due
from huitou.orders.queries import CustomerRow, open_engine

_SHOWN = ("next_order_due_at", "interpurchase_days_mean", "last_order_at", "order_count", "spend_minor")


@dataclass(frozen=True)
class Rhythm:
    """`due` are the biggest spenders among the `due_total` customers due within a week of the given instant;
    the others are counts of customers.
    """

    due: Sequence[CustomerRow]
    due_total: int
    overdue: int
    customers: int
    dormant: int
    long_dormant: int
    declining: int


def refund_shares(first_day: date, last_day: date) -> list[float]:
    """By month, oldest first: money that went back ÷ money of the orders paid, over whole days both inclusive."""
    with open_engine() as engine:
        parts = {}
        for name in ("int_orders", "int_refunds"):
            table = engine.table(name)
            rows = table.filter(table.day.between(first_day, last_day), ~table.is_excluded)
            months = rows.group_by(month=rows.day.strftime("%Y-%m")).aggregate(amount=rows.amount_minor.sum())
            parts[name] = {row["month"]: row["amount"] for row in engine.to_pyarrow(months).to_pylist()}
    sold, back = parts["int_orders"], parts["int_refunds"]
    return [(back.get(month) or 0) / sold[month] for month in sorted(sold) if sold[month]]


def read_rhythm(moment: datetime, *, limit: int = 8) -> Rhythm:
    """States of all customers, and who is due from `moment` (an aware instant) on. Raises NotRefreshedError."""
    with open_engine() as engine:
        table = engine.table("feat_customers")
        stage = table.lifecycle_stage
        soon = is_due(table, moment, WEEK)
        counts = engine.to_pyarrow(
            table.aggregate(
                customers=table.count(),
                due_total=soon.sum(),
                overdue=is_due(table, moment, LATE).sum(),
                dormant=(table.dormant_layer == "dormant").fill_null(False).sum(),
                long_dormant=(table.dormant_layer == "long_dormant").fill_null(False).sum(),
                declining=(stage == "declining").fill_null(False).sum(),
            )
        ).to_pylist()[0]
        top = table.filter(soon).order_by([table.spend_minor.desc(), table.person_id]).limit(limit)
        rows = engine.to_pyarrow(top.select("person_id", *_SHOWN)).to_pylist()
    due = [
        CustomerRow(
            int(row.pop("person_id")),
            {name: v.astimezone(UTC) if isinstance(v, datetime) else v for name, v in row.items()},
        )
        for row in rows
    ]
    return Rhythm(due=due, **{name: int(value or 0) for name, value in counts.items()})
