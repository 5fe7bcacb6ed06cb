"""Made-up purchase histories: what happened, told in plain Python, and the tables that the metrics would see of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import ibis
import pyarrow as pa
from hypothesis import strategies as st

from huitou.analytics.metric_facts import Facts
from huitou.analytics.tables import TABLES
from huitou.analytics.touches import touches_until

ZONES = ("Asia/Shanghai", "Europe/London", "America/St_Johns")
# Around these days: month, quarter and year ends, a leap day, the clock changes of London and Newfoundland.
TURNING_POINTS = (
    date(2019, 12, 31),
    date(2020, 1, 31),
    date(2020, 2, 29),
    date(2020, 3, 8),
    date(2020, 3, 29),
    date(2020, 3, 31),
    date(2020, 6, 30),
    date(2020, 11, 1),
    date(2020, 12, 31),
    date(2021, 3, 1),
)
CATEGORIES = ("care", "food", "unknown")
NO_MATCH = None


@dataclass(frozen=True)
class Return:
    """Money that went back for one category of an order; a nameless one does not say to whom."""

    at: datetime
    category: str
    amount: int
    nameless: bool = False


@dataclass(frozen=True)
class Order:
    """A paid order: amounts by category in minor units. `dead` ones are excluded by the brand."""

    name: str
    person: int | None
    at: datetime
    amounts: dict[str, int]
    channel: str | None = None
    store: str | None = None
    dead: bool = False
    returns: tuple[Return, ...] = ()

    @property
    def total(self) -> int:
        return sum(self.amounts.values())

    @property
    def counts(self) -> bool:
        """Whether it is a purchase."""
        return not self.dead and self.total > 0 and sum(r.amount for r in self.returns) < self.total


@dataclass(frozen=True)
class Message:
    """One message to a customer: until when it was true, and what happened to it, by name of the column."""

    person: int
    planned_at: datetime
    planned_until: datetime
    state: str = "delivered"
    reason: str = "allowed"
    source: str = "launch:1"
    channel: str | None = "sms"
    step: str = "hello"
    happened: dict[str, datetime] = field(default_factory=dict)


@dataclass(frozen=True)
class History:
    """Everything that happened to one brand. `strays` are refunds without a sale: (person, return, channel)."""

    zone: str
    orders: tuple[Order, ...]
    strays: tuple[tuple[int | None, Return, str | None], ...] = ()
    cities: dict[int, str] = field(default_factory=dict)
    visits: tuple[tuple[int, datetime], ...] = ()
    interactions: tuple[tuple[int, datetime], ...] = ()
    messages: tuple[Message, ...] = ()

    def day(self, at: datetime) -> date:
        return at.astimezone(ZoneInfo(self.zone)).date()


@st.composite
def instants(draw: st.DrawFn, zone: str) -> datetime:
    """An instant close to a turning point, often just before or after a local midnight."""
    day = draw(st.sampled_from(TURNING_POINTS)) + timedelta(days=draw(st.integers(-2, 2)))
    wall = datetime(day.year, day.month, day.day, tzinfo=ZoneInfo(zone)).astimezone(UTC)
    nudge = draw(st.sampled_from([-1000, 0, 1000, 3_600_000, 43_200_123, 84_000_000]))
    return wall + timedelta(milliseconds=nudge)


@st.composite
def histories(draw: st.DrawFn) -> History:
    """A few people: ties, exact windows, anonymous sales, partly and wholly returned and excluded orders."""
    zone = draw(st.sampled_from(ZONES))
    orders: list[Order] = []
    for n in range(draw(st.integers(0, 12))):
        at = draw(instants(zone))
        again = draw(st.booleans())
        if orders and again:
            # Exactly a window after an earlier order, a second more, or at the same instant.
            days = draw(st.sampled_from([0, 1, 30, 31, 60, 90, 180, 365]))
            at = draw(st.sampled_from(orders)).at + timedelta(days=days, seconds=draw(st.sampled_from([0, 0, 1, -1])))
        orders.append(_order(draw, n, at))
    strays = []
    for _ in range(draw(st.integers(0, 2))):
        back = Return(draw(instants(zone)), draw(st.sampled_from(CATEGORIES)), draw(st.integers(1, 500)))
        strays.append((draw(_people()), back, draw(_places())))
    cities = draw(st.dictionaries(st.integers(1, 3), st.sampled_from(["Beijing", "Xi'an"]), max_size=3))
    visits = draw(st.lists(st.tuples(st.integers(1, 5), instants(zone)), max_size=6))
    interactions = draw(st.lists(st.tuples(st.integers(1, 5), instants(zone)), max_size=8))
    messages = draw(st.lists(_messages(zone), max_size=6))
    return History(zone, tuple(orders), tuple(strays), cities, tuple(visits), tuple(interactions), tuple(messages))


_NUDGES = [timedelta(0), timedelta(hours=24), timedelta(days=7)]


@st.composite
def _messages(draw: st.DrawFn, zone: str) -> Message:
    """A message whose happenings lie on the borders of the day and the week after its plan, or a tick beside them."""
    planned = draw(instants(zone))
    happened, at = {}, planned
    for name in ("sent_at", "delivered_at", "read_at", "clicked_at"):
        if draw(st.booleans()):
            at += draw(st.sampled_from(_NUDGES)) + timedelta(microseconds=draw(st.sampled_from([-1, 0, 1])))
            happened[name] = at
    return Message(
        draw(st.integers(1, 3)),
        planned,
        planned + draw(st.sampled_from([timedelta(hours=2), timedelta(days=3)])),
        draw(st.sampled_from(["planned", "sent", "delivered", "read", "clicked", "failed", "refused", "cancelled"])),
        draw(st.sampled_from(["allowed", "allowed", "no_consent", "held_out"])),
        draw(st.sampled_from(["launch:1", "launch:2", "test:1"])),
        draw(st.sampled_from(["sms", "wecom", None])),
        draw(st.sampled_from(["hello", "hello", "welcome"])),
        happened,
    )


def _people() -> st.SearchStrategy[int | None]:
    return st.sampled_from([1, 1, 1, 2, 2, 3, None])


def _places() -> st.SearchStrategy[str | None]:
    return st.sampled_from(["shop", "live", None])


def _order(draw: st.DrawFn, n: int, at: datetime) -> Order:
    amounts = draw(
        st.dictionaries(st.sampled_from(CATEGORIES), st.sampled_from([0, 1, 99, 250, 1000]), min_size=1, max_size=3)
    )
    returns = []
    if draw(st.integers(0, 3)) == 0:
        given_back = amounts if draw(st.booleans()) else dict(list(amounts.items())[:1])
        later = timedelta(days=draw(st.sampled_from([0, 1, 31, 100])))
        nameless = draw(st.booleans())
        returns = [Return(at + later, category, amount, nameless) for category, amount in given_back.items() if amount]
    return Order(
        f"o{n}",
        draw(_people()),
        at,
        amounts,
        draw(_places()),
        draw(_places()),
        draw(st.integers(0, 7)) == 0,
        tuple(returns),
    )


def facts_of(history: History, occasion: str, *, with_visits: bool = False) -> Facts:
    """The tables that a refresh would have made of `history`, in memory."""
    return Facts(
        orders=_table("int_orders", _order_rows(history)),
        categories=_table("int_order_categories", _category_rows(history)),
        refunds=_table("int_refunds", _refund_rows(history)),
        attributes=_table(
            "dim_person_attributes",
            [{"person_id": p, "attribute": "city", "value": city} for p, city in history.cities.items()],
        ),
        occasion=occasion,
        visits=_days(history, history.visits) if with_visits else None,
        interactions=_days(history, history.interactions),
        touches=touches_until(
            _table("fct_touches", touch_rows(history)),
            None,
            as_of=_NEVER,
            zone=history.zone,
            span=_SPAN,
            confirmed=("wecom",),
        ),
    )


_NEVER = datetime(2200, 1, 1, tzinfo=UTC)
_SPAN = (datetime(2019, 1, 1, tzinfo=UTC), datetime(2023, 1, 1, tzinfo=UTC))


def touch_rows(history: History) -> list[dict[str, Any]]:
    """Each message as it was planned and as it stands now."""
    rows = []
    for number, message in enumerate(history.messages):
        nothing = dict.fromkeys(("sent_at", "delivered_at", "read_at", "clicked_at", "unsubscribed_at"))
        first = {
            "batch_id": 1,
            "touch_id": number,
            "version": 1,
            "person_id": message.person,
            "parent_id": None,
            "source": message.source,
            "step": message.step,
            "variant": "",
            "purpose": "marketing",
            "channel": None,
            "state": "planned",
            "reason": "",
            "planned_at": message.planned_at,
            "planned_until": message.planned_until,
            "month": f"{message.planned_at:%Y-%m}",
        } | nothing
        now = {"version": 2, "channel": message.channel, "state": message.state, "reason": message.reason}
        rows += [first | now | message.happened, first]
    return rows


def _days(history: History, happened: tuple[tuple[int, datetime], ...]) -> ibis.Table:
    columns = {
        "person_id": pa.array([person for person, _ in happened], pa.int64()),
        "day": pa.array([history.day(at) for _, at in happened], pa.date32()),
    }
    return ibis.memtable(pa.table(columns))


def _table(name: str, rows: list[dict[str, Any]]) -> ibis.Table:
    return ibis.memtable(pa.Table.from_pylist(rows, schema=TABLES[name].schema))


def _order_rows(history: History) -> list[dict[str, Any]]:
    rows = []
    last: dict[int, tuple[int, datetime]] = {}
    for order in sorted(history.orders, key=lambda o: (o.at, o.name)):
        number = previous = None
        if order.counts and order.person is not None:
            count, previous = last.get(order.person, (0, None))
            number = count + 1
            last[order.person] = (number, order.at)
        rows.append(
            {
                "source": "test",
                "order_id": order.name,
                "person_id": order.person,
                "paid_at": order.at,
                "day": history.day(order.at),
                "channel": order.channel,
                "store": order.store,
                "amount_minor": order.total,
                "discount_minor": 0,
                "refunded_minor": sum(r.amount for r in order.returns),
                "is_excluded": order.dead,
                "is_purchase": order.counts,
                "purchase_no": number,
                "previous_paid_at": previous,
            }
        )
    return rows


def _category_rows(history: History) -> list[dict[str, Any]]:
    return [
        {
            "source": "test",
            "order_id": order.name,
            "category": category,
            "amount_minor": amount,
            "wholly_refunded": any(r.category == category for r in order.returns),
        }
        for order in history.orders
        for category, amount in order.amounts.items()
    ]


def _refund_rows(history: History) -> list[dict[str, Any]]:
    matched = [
        (None if r.nameless else o.person, r, o.channel, o.store, o.name, o.dead)
        for o in history.orders
        for r in o.returns
    ]
    strays = [(person, back, channel, None, NO_MATCH, False) for person, back, channel in history.strays]
    return [
        {
            "source": "test",
            "order_id": f"r{n}",
            "line_no": 1,
            "part_no": 1,
            "person_id": person,
            "refunded_at": back.at,
            "day": history.day(back.at),
            "sku": "sku",
            "category": back.category,
            "quantity": 1,
            "amount_minor": back.amount,
            "sale_source": None if sale is NO_MATCH else "test",
            "sale_order_id": sale,
            "sale_line_no": None if sale is NO_MATCH else 1,
            "channel": channel,
            "store": store,
            "is_excluded": dead,
        }
        for n, (person, back, channel, store, sale, dead) in enumerate([*matched, *strays])
    ]
