"""A store filled from a made-up history, the way imports leave it: order lines in the lake, then a refresh."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pyarrow as pa
import pyarrow.parquet as pq

from huitou.accounts.models import Brand
from huitou.analytics.engines import Lake
from huitou.analytics.metrics.tests.history import CATEGORIES, History, Message, Order, Return, touch_rows
from huitou.analytics.tables import TABLES
from huitou.core.clock import FixedClock
from huitou.core.home import Home
from huitou.customers.models import Person
from huitou.orders.refresh import run_refresh

ZONE = "Asia/Shanghai"
MONDAY = datetime(2019, 1, 7, tzinfo=ZoneInfo(ZONE)).astimezone(UTC)


def shop_time(text: str) -> datetime:
    """An instant from the shop's wall clock: 2020-03-01 00:00."""
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(ZONE)).astimezone(UTC)


def random_history(seed: int, *, orders: int = 300, people: int = 40) -> History:
    """Two years of one shop, with rhythm, returns, strays, staff orders and anonymous sales."""
    dice = random.Random(seed)
    made = []
    for n in range(orders):
        at = MONDAY + timedelta(minutes=15 * dice.randrange(2 * 365 * 96))
        amounts = {c: dice.choice([0, 1, 99, 2500]) for c in dice.sample(CATEGORIES[:2], dice.randint(1, 2))}
        back = () if dice.random() > 0.2 else _returns(dice, at, amounts)
        person = dice.choice([*range(1, people), None])
        place, store = dice.choice(["live", "shop", None]), dice.choice(["s1", None])
        made.append(Order(f"o{n}", person, at, amounts, place, store, dice.random() < 0.05, back))
    strays = tuple(
        (dice.choice([1, 2, None]), Return(MONDAY + timedelta(days=dice.randrange(700)), "care", 77), "shop")
        for _ in range(6)
    )
    cities = {n: dice.choice(["Beijing", "Xi'an"]) for n in range(1, people, 2)}
    did = ((dice.randrange(1, people), MONDAY + timedelta(minutes=dice.randrange(700 * 1440))) for _ in range(orders))
    return History(ZONE, tuple(made), strays, cities, interactions=tuple(did), messages=_messages(dice, people))


def _messages(dice: random.Random, people: int) -> tuple[Message, ...]:
    """Some that arrived at once, after a day, or after more than a week, and some that nobody let out."""
    made = []
    for _ in range(120):
        at = MONDAY + timedelta(minutes=dice.randrange(700 * 1440))
        state = dice.choice(["sent", "delivered", "clicked", "refused"])
        took = timedelta(hours=dice.choice([0, 20, 30, 200]))
        names = {"sent": ["sent_at"], "delivered": ["delivered_at"], "clicked": ["delivered_at", "clicked_at"]}
        happened = {name: at + took * n for n, name in enumerate(names.get(state, []), start=1)}
        until, channel = at + timedelta(days=10), dice.choice(["sms", "wecom"])
        made.append(Message(dice.randrange(1, people), at, until, state, channel=channel, happened=happened))
    return tuple(made)


def _returns(dice: random.Random, at: datetime, amounts: dict[str, int]) -> tuple[Return, ...]:
    chosen = [c for c, amount in amounts.items() if amount and dice.random() < 0.7]
    return tuple(
        Return(at + timedelta(days=dice.choice([0, 3, 40])), c, amounts[c], dice.random() < 0.3) for c in chosen
    )


def before(history: History, instant: datetime) -> History:
    """What of `history` had happened by then."""
    kept = (replace(o, returns=tuple(r for r in o.returns if r.at < instant)) for o in history.orders if o.at < instant)
    return replace(
        history,
        orders=tuple(kept),
        strays=tuple(s for s in history.strays if s[1].at < instant),
        interactions=tuple(i for i in history.interactions if i[1] < instant),
        messages=tuple(
            replace(m, happened={name: at for name, at in m.happened.items() if at < instant})
            for m in history.messages
            if m.planned_at < instant
        ),
    )


def fill(home: Home, brand: Brand, history: History, *, batch: int = 1, noise: bool = True) -> None:
    """Persons in the register, the history's lines in the lake, and a refresh as of the brand's now."""
    people = {o.person for o in history.orders} | {s[0] for s in history.strays} | set(history.cities)
    for number in sorted(p for p in people if p is not None):
        city = history.cities.get(number)
        Person.objects.get_or_create(
            pk=number, defaults={"attributes": {"city": city} if city else {}, "created_at": brand.now()}
        )
    rows = [row for order in history.orders for row in _order_rows(order)]
    rows += [
        _line(f"stray{n}", "refund", person, f"stray{n}", back.category, back.amount, back.at, channel=channel)
        for n, (person, back, channel) in enumerate(history.strays)
    ]
    if noise:
        rows += _noise(history)
    append_rows(home, "fct_order_lines", [{**row, "batch_id": batch + 1} for row in rows], batch)
    if history.interactions:
        append_events(home, "Check-in Done", list(history.interactions), batch=1000 + batch)
    if history.messages:
        append_rows(home, "fct_touches", touch_rows(history), 2000 + batch)
    run_refresh(home=home, brand=brand, clock=FixedClock(brand.now()))


def append_rows(home: Home, name: str, rows: list[dict[str, Any]], batch: int) -> None:
    """Rows into a fact table of the lake, as one batch."""
    staged = Path(home.root) / f"staged-{name}-{batch}"
    staged.mkdir(parents=True)
    pq.write_table(pa.Table.from_pylist(rows, schema=TABLES[name].schema), staged / "rows.parquet")
    Lake(home.lake_url).append(name, staged, transaction_id=f"test-{batch}")


def append_visits(home: Home, visits: list[tuple[int | None, datetime]]) -> None:
    """Page views into the lake, as one batch."""
    append_events(home, "Page Viewed", visits, batch=1)


def append_events(home: Home, name: str, events: Sequence[tuple[int | None, datetime]], *, batch: int) -> None:
    """Events of one name into the lake, as one batch."""
    rows = [
        {
            "batch_id": batch,
            "event_id": f"e{batch}-{n}",
            "name": name,
            "person_id": person,
            "occurred_at": at,
            "source": "web",
            "properties": None,
            "month": f"{at:%Y-%m}",
        }
        for n, (person, at) in enumerate(events)
    ]
    append_rows(home, "fct_events", rows, batch)


def _order_rows(order: Order) -> list[dict[str, Any]]:
    kind = "staff" if order.dead else "normal"
    rows = [
        _line(order.name, "sale", order.person, c, c, amount, order.at, order.channel, order.store, kind, line=n)
        for n, (c, amount) in enumerate(order.amounts.items(), start=1)
    ]
    for n, back in enumerate(order.returns):
        person = None if back.nameless else order.person
        row = _line(f"{order.name}-r{n}", "refund", person, back.category, back.category, back.amount, back.at)
        rows.append({**row, "refund_of": order.name})
    return rows


def _noise(history: History) -> list[dict[str, Any]]:
    """Orders that count nowhere."""
    rows = []
    for n, order in enumerate(history.orders[:20]):
        row = _line(f"noise{n}", "sale", order.person, "care", "care", 5000, order.at + timedelta(hours=1))
        rows.append({**row, "status": ["unpaid", "cancelled"][n % 2]})
    return rows


def _line(
    order_id: str,
    kind: str,
    person: int | None,
    sku: str,
    category: str,
    amount: int,
    at: datetime,
    channel: str | None = None,
    store: str | None = None,
    order_type: str = "normal",
    line: int = 1,
) -> dict[str, Any]:
    return {
        "batch_id": 1,
        "source": "test",
        "order_id": order_id,
        "line_no": line,
        "kind": kind,
        "person_id": person,
        "sku": sku,
        "category": category,
        "quantity": Decimal(1),
        "amount_minor": amount,
        "discount_minor": 0,
        "status": "completed",
        "order_type": order_type,
        "occurred_at": at,
        "refund_of": None,
        "channel": channel,
        "store": store,
        "month": f"{at:%Y-%m}",
    }
