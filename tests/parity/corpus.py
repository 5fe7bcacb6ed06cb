"""A fixed corpus of everything that is nasty about orders, refunds, customers and events, told row by row.

Each function is one kind of trouble and says which. Nothing is drawn by chance here; `seeded` adds histories of many
small chances on top. Orders lie in the sources a and b, people are numbered by the trouble they are in.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import product
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

import pyarrow as pa

from huitou.analytics.rules import ORDER_TYPES
from huitou.analytics.tables import ORDER_STATUSES, TABLES
from huitou.analytics.tests.happenings import event, random_events
from huitou.analytics.tests.histories import order_lines

Row = dict[str, Any]
SHANGHAI, LONDON, ST_JOHNS = "Asia/Shanghai", "Europe/London", "America/St_Johns"
MICRO, DAY = timedelta(microseconds=1), timedelta(days=1)
# Persons 41 to 43 are one customer, and so are 45 and 51.
JOINED = {42: 41, 43: 41, 51: 45}
PRODUCTS = {"x": "k1", "y": None, "z": "k3", "heavy": "K1", "空": "品类 甲"}


def at(text: str, zone: str = SHANGHAI) -> datetime:
    """An instant from a wall clock."""
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)


NOW = at("2025-03-30 00:30:00.000005")
SUMMER = at("2024-07-01 00:00", LONDON)


def line(order_id: str, when: datetime, amount: int, **other: Any) -> Row:
    """One row of fct_order_lines: a sale of one x by person 1 at source a, unless it says otherwise."""
    row: Row = {
        "batch_id": 1,
        "source": "a",
        "order_id": order_id,
        "line_no": 1,
        "kind": "sale",
        "person_id": 1,
        "sku": "x",
        "category": None,
        "quantity": "1",
        "amount_minor": amount,
        "discount_minor": 0,
        "status": "completed",
        "order_type": "normal",
        "occurred_at": when,
        "refund_of": None,
        "channel": "app",
        "store": None,
    }
    row |= other
    assert len(row) == 17, f"no such column: {sorted(other)}"
    return row | {"quantity": Decimal(row["quantity"]), "month": row["occurred_at"].astimezone(UTC).strftime("%Y-%m")}


def back(order_id: str, when: datetime, amount: int, **other: Any) -> Row:
    """One refund line."""
    return line(order_id, when, amount, kind="refund", **other)


def ties() -> Iterator[Row]:
    """Orders of one person at one instant for one amount, with one number in two feeds; people with equal spend."""
    for source, order_id in product("ab", ("1", "2")):
        yield line(order_id, at("2024-05-05 12:00"), 500, source=source, person_id=11)
    for person in (12, 13, 14):
        yield line(f"t{person}", at("2024-05-05 12:00"), 500, person_id=person, channel=None)
        yield line(f"u{person}", at("2024-06-05 12:00"), 500, person_id=person, store="s1")


def borders() -> Iterator[Row]:
    """A microsecond before, on and after midnights that end a month, quarter, year, leap day or a clock's season."""
    days = ["2024-01-01", "2024-02-29", "2024-03-01", "2024-03-10", "2024-03-31", "2024-04-01", "2024-07-01"]
    days += ["2024-10-27", "2024-11-03", "2024-12-31", "2025-01-01", "2025-03-30"]
    for number, (day, zone, nudge) in enumerate(product(days, (SHANGHAI, LONDON, ST_JOHNS), (-MICRO, 0 * DAY, MICRO))):
        yield line(f"b{number}", at(day, zone) + nudge, 100 + number % 7, person_id=21 + number % 4)


def windows() -> Iterator[Row]:
    """Second purchases exactly at the end of every window, and a microsecond to either side; windows before now too."""
    start = at("2024-02-29 23:59:59.999999")
    for number, (days, nudge) in enumerate(product((30, 60, 90, 180, 365), (-MICRO, 0 * DAY, MICRO))):
        yield line(f"w{number}", start, 900, person_id=301 + number)
        yield line(f"v{number}", start + days * DAY + nudge, 900, person_id=301 + number)
        yield line(f"n{number}", NOW - days * DAY + nudge, 900, person_id=331 + number)


def nothing_known() -> Iterator[Row]:
    """Everything empty that may be: no person, channel, store, category; a product that nobody listed."""
    for number, (person, channel, store, sku) in enumerate(
        product((None, 61), (None, "live"), (None, "s2"), ("y", "q"))
    ):
        when = at("2024-08-08 08:08") + number * DAY
        yield line(f"e{number}", when, 700, person_id=person, channel=channel, store=store, sku=sku)
    yield line("e-half", at("2024-08-20 10:00"), 700, person_id=None)
    # Lines of one order that disagree about everything.
    yield line(
        "e-half", at("2024-08-20 09:00"), 700, line_no=2, person_id=62, channel="live", store="s9", category="k2"
    )


def amounts() -> Iterator[Row]:
    """Zero, negative, exactly nothing in sum, one unit, and more than fits into 32 bits or a float's precision."""
    when = at("2024-09-01 00:00")
    yield line("m-zero", when, 0, person_id=71)
    yield line("m-negative", when, -250, person_id=71)
    yield line("m-nothing", when, 400, person_id=71)
    yield line("m-nothing", when, -400, person_id=71, line_no=2, sku="z")
    yield line("m-coupon", when, 400, person_id=72, discount_minor=100)
    yield line("m-coupon", when, -150, person_id=72, line_no=2, sku="y", discount_minor=0)
    yield line("m-one", when, 1, person_id=73)
    yield line("m-huge", when, 9_007_199_254_740_993, person_id=74, channel="store", store="s1")
    yield line("m-huge-2", when + DAY, 9_007_199_254_740_995, person_id=74, channel="store", store="s1")


def refunds() -> Iterator[Row]:
    """Refunds in part, over several lines and orders, too large, of money only, too early, unknown and nameless."""
    when = at("2024-10-01 10:00")
    yield line("r1", when, 1000, person_id=81, quantity="3")
    yield back("R1", when + DAY, 333, person_id=81, quantity="1", refund_of="r1")
    yield back("R2", when + DAY, 667, person_id=81, quantity="2", refund_of="r1")
    yield line("r2", when, 1000, person_id=82, quantity="2")
    yield line("r2", when, 500, person_id=82, quantity="1", line_no=2)
    yield line("r3", when + DAY, 800, person_id=82, quantity="1")
    # Five pieces of four that were sold, over two orders: the rest matches nothing.
    yield back("R3", when + 2 * DAY, 2301, person_id=82, quantity="5")
    yield line("r4", when, 100, person_id=83)
    yield back("R4", when + DAY, 10**12, person_id=83, refund_of="r4")
    yield line("r5", when, 700, person_id=84)
    yield back("R5", when + DAY, 700, person_id=84, quantity="0", refund_of="r5")
    yield line("r6", when, 700, person_id=85)
    yield back("R6", when - MICRO, 700, person_id=85)
    yield line("r7", when, 700, person_id=86)
    yield back("R7", when, 700, person_id=86)
    yield back("R8", when, 55, person_id=None, refund_of="nobody knows")
    yield back("R9", when, 55, person_id=None, sku="q", channel=None)
    yield line("r10", when, 600, person_id=None)
    yield back("R10", when + 40 * DAY, 600, person_id=None, refund_of="r10")
    yield line("r11", when, 600, person_id=87)
    yield line("r11", when, 300, person_id=87, line_no=2, sku="z")
    # One line of an order goes back whole; a refund that names the order and no line of it empties another.
    yield back("R11", when + DAY, 300, person_id=87, sku="z", refund_of="r11")
    yield line("r12", when, 600, person_id=88)
    yield back("R12", when + DAY, 600, person_id=88, sku="q", refund_of="r12")
    # Two refunds at one instant race for one piece.
    yield line("r13", when, 450, person_id=89)
    yield back("R13", when + DAY, 450, person_id=89)
    yield back("R14", when + DAY, 450, person_id=89)
    # The refund stands in the order itself, under its number.
    yield line("r15", when, 450, person_id=90, status="partly_refunded", quantity="2")
    yield back("r15", when + DAY, 225, person_id=90, line_no=2, refund_of="r15")


def decimals() -> Iterator[Row]:
    """Quantities with four places, by the gram and by the ton, split to the last unit."""
    when = at("2024-11-11 00:00")
    heavy = {"sku": "heavy", "person_id": 95}
    yield line("d1", when, 10**13 + 1, quantity="70000000.0001", **heavy)
    yield line("d2", when, 10**13 + 3, quantity="30000000.3333", **heavy)
    yield back("D1", when + DAY, 10**13 + 1, quantity="99999999.9999", **heavy)
    yield line("d3", when, 333, quantity="0.3333", person_id=96, sku="z")
    yield back("D3", when + DAY, 100, quantity="0.1111", person_id=96, sku="z")
    yield back("D4", when + 2 * DAY, 100, quantity="0.1111", person_id=96, sku="z")
    yield back("D5", when + 3 * DAY, 133, quantity="0.1111", person_id=96, sku="z")


def once() -> Iterator[Row]:
    """Customers of one order: new, old, refunded, excluded, not paid."""
    for number, days in enumerate((0, 29, 30, 31, 89, 90, 400)):
        yield line(f"o{number}", NOW - days * DAY - MICRO, 1200, person_id=101 + number)
    yield line("o-back", at("2024-12-24 10:00"), 1200, person_id=111)
    yield back("O-back", at("2024-12-25 10:00"), 1200, person_id=111, refund_of="o-back")
    yield line("o-later", NOW, 1200, person_id=112)
    for number, status in enumerate(ORDER_STATUSES):
        yield line(f"o-s{number}", at("2024-12-01 10:00"), 1300, person_id=121 + number, status=status)
    for number, order_type in enumerate(ORDER_TYPES):
        yield line(f"o-t{number}", at("2024-12-02 10:00"), 1300, person_id=131 + number, order_type=order_type)


def joined() -> Iterator[Row]:
    """Persons who are one customer: their purchases interleave, and one gives back what another bought."""
    for number in range(6):
        yield line(f"j{number}", at("2024-06-10 10:00") + 9 * number * DAY, 2000, person_id=41 + number % 3)
    yield line("j-same", at("2024-06-10 10:00"), 2000, person_id=42, source="b")
    yield back("J1", at("2024-09-01 10:00"), 2000, person_id=43)
    yield line("j-45", at("2024-06-10 10:00"), 50, person_id=45)
    yield line("j-51", at("2024-06-10 10:00"), 50, person_id=51)


def reported_again() -> Iterator[Row]:
    """Orders reported several times: with other people, other lines, other instants, or cancelled at last."""
    first = {"person_id": 141, "batch_id": 2}
    yield line("again", at("2024-05-01 10:00"), 1000, **first)
    yield line("again", at("2024-05-01 10:00"), 500, line_no=2, sku="z", **first)
    yield line("again", at("2024-05-02 10:00"), 900, person_id=142, batch_id=5)
    yield line("gone", at("2024-05-01 10:00"), 1000, **first)
    yield line("gone", at("2024-05-01 10:00"), 1000, person_id=141, batch_id=4, status="cancelled")
    yield back("again-R", at("2024-05-20 10:00"), 500, **first)
    yield back("again-R", at("2024-05-20 10:00"), 900, person_id=142, batch_id=6, refund_of="again")
    # A later report that arrived under a smaller number of another feed is another order.
    yield line("again", at("2024-05-01 10:00"), 77, source="b", person_id=141, batch_id=1)


def languages() -> Iterator[Row]:
    """Names that sort by code point and compare by case: an engine that folds either would be seen."""
    for number, (category, channel) in enumerate(
        (("k1", "App"), ("K1", "app"), ("品类 甲", "直播"), ("é", "é"), ("e\u0301", "z"))
    ):
        when = at("2024-04-15 10:00") + number * timedelta(hours=1)
        yield line(f"l{number}", when, 350, person_id=151, category=category, channel=channel, sku="空")
    yield line("l-space", at("2024-04-16 10:00"), 350, person_id=151, category=" k1", channel="app ", sku="空")


def seeded() -> Iterator[Row]:
    """Small histories of random sales and refunds around one customer and product, under sources of their own."""
    random = Random(20_24)
    for case in range(100, 130):
        yield from order_lines(random, case=case, orders=16, step_hours=24 * 6)


TROUBLES = (
    ties,
    borders,
    windows,
    nothing_known,
    amounts,
    refunds,
    decimals,
    once,
    joined,
    reported_again,
    languages,
    seeded,
)


def all_lines() -> list[Row]:
    """Every order line of the corpus."""
    return [row for trouble in TROUBLES for row in trouble()]


def all_events() -> list[Row]:
    """Events of every kind at every border, of buyers, of others, of joined persons, of nobody, and after now."""
    people = [1, 11, 12, 41, 42, 43, 45, 51, 61, 101, 141, 997, 998]
    found = []
    for number, (zone, now) in enumerate(((SHANGHAI, NOW), (LONDON, SUMMER))):
        rows = random_events(Random(number), 900, people, now, zone)
        found += [row | {"event_id": f"{number}-{row['event_id']}"} for row in rows]
    found += [event(f"p{n}", 41 + n % 3, "Product Viewed", "track", NOW - n * DAY) for n in range(40)]
    return found


def _persons() -> list[Row]:
    numbers = sorted({row["person_id"] for row in all_lines() if row["person_id"]} | {900, 901, 902, 997, 998})
    known = {900: NOW - MICRO, 901: NOW, 902: SUMMER, 997: SUMMER - MICRO, 43: SUMMER - 400 * DAY}
    return [{"person_id": number, "known_since": known.get(number)} for number in numbers]


def _attributes() -> list[Row]:
    cities = {1: "Beijing", 11: "西安", 12: "Xi'an", 13: "xi'an", 41: "Beijing", 61: "", 74: "unknown", 998: "Beijing"}
    rows = [{"person_id": n, "attribute": "city", "value": city} for n, city in cities.items()]
    return [*rows, *({"person_id": n, "attribute": "level", "value": f"L{n % 2}"} for n in (11, 12, 41, 82))]


def touches() -> Iterator[Row]:
    """Messages at every border of being in time and reached, in all that can become of one, to joined persons too."""
    times = ("sent_at", "delivered_at", "read_at", "clicked_at", "unsubscribed_at")
    edges = (timedelta(0), timedelta(hours=2), DAY, timedelta(days=7), timedelta(days=14))
    plans = (at("2024-06-30 23:59:59.999999"), at("2024-07-01 00:00"), at("2025-03-29 20:00"))
    states = ("planned", "sent", "delivered", "read", "clicked", "unknown", "failed", "refused", "cancelled")
    kinds = product(plans, states, edges, (-MICRO, timedelta(0), MICRO))
    for number, (planned, state, edge, nudge) in enumerate(kinds, start=1):
        happened = dict.fromkeys(times)
        for name in times[: 1 + number % 4]:
            happened[name] = planned + edge + nudge
        if state == "clicked":
            happened["clicked_at"] = planned + edge + timedelta(days=number % 9)
        row: Row = {
            "batch_id": 1,
            "touch_id": number,
            "version": 1,
            "person_id": (1, 11, 12, 41, 42, 45, 51)[number % 7],
            "parent_id": number - 1 if number % 5 == 0 else None,
            "source": ("launch:1", "launch:1", "manual:7", "test:7")[number % 4],
            "step": ("hello", "welcome")[number % 11 == 0],
            "variant": "",
            "purpose": "marketing",
            "channel": None,
            "state": "planned",
            "reason": "",
            "planned_at": planned,
            "planned_until": planned + (timedelta(hours=2), timedelta(days=3))[number % 2],
            **dict.fromkeys(times),
            "month": planned.astimezone(UTC).strftime("%Y-%m"),
        }
        yield row
        reason = ("allowed", "no_consent", "held_out")[number % 3] if state == "refused" else "allowed"
        channel = (None, "sms", "wecom")[number % 3]
        yield {**row, **happened, "version": 2, "channel": channel, "state": state, "reason": reason}


def tables() -> dict[str, pa.Table]:
    """Every fact and dimension table of the corpus, as the lake declares it."""
    products = [
        {"sku": sku, "category": category, "brand": None, "list_price_minor": None}
        for sku, category in PRODUCTS.items()
    ]
    rows = {
        "fct_order_lines": all_lines(),
        "fct_events": all_events(),
        "dim_products": products,
        "dim_persons": _persons(),
        "dim_person_links": [{"person_id": person, "customer_id": customer} for person, customer in JOINED.items()],
        "dim_person_attributes": _attributes(),
        "fct_touches": list(touches()),
    }
    return {name: pa.Table.from_pylist(own, TABLES[name].schema) for name, own in rows.items()}


def customer(person: int | None) -> int | None:
    """Whose a row of this person is."""
    return person if person is None else JOINED.get(person, person)


@dataclass(frozen=True)
class Setting:
    """One brand's way of looking at the corpus."""

    name: str
    zone: str
    as_of: datetime
    rules: Row
    cuts: Row
    empty: bool = False


SETTINGS = (
    Setting("as the brand starts", SHANGHAI, NOW, {}, {}),
    Setting(
        "everything excluded that can be, in London's summer",
        LONDON,
        SUMMER,
        {
            "min_amount_minor": 101,
            "channels": ["store", "App"],
            "skus": ["z", "heavy"],
            "person_ids": [12, 43],
            "order_types": ["staff"],
        },
        {"rfm_order_count": [2, 3, 4, 6], "new_days": 5, "declining_days": 20, "vip_monthly_count": 1},
    ),
    Setting("without a single row", ST_JOHNS, NOW, {}, {}, empty=True),
)
