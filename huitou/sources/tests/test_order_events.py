"""Orders told event by event: whatever the order of arrival, they are what a plain account and a file say."""

from __future__ import annotations

import csv
import itertools
from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from random import Random
from typing import Any

import pytest
from django.db import transaction
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from huitou.accounts.models import Brand
from huitou.analytics.engines import DuckEngine, Lake
from huitou.analytics.metric_facts import Facts
from huitou.analytics.metric_rows import compute_rows
from huitou.analytics.metrics import METRICS
from huitou.analytics.periods import Periods
from huitou.analytics.rebuild import define_orders
from huitou.analytics.rules import Exclusions
from huitou.core.clock import FixedClock
from huitou.core.home import Home
from huitou.core.lake import commit_batch
from huitou.core.lake_mark import MARKER
from huitou.core.models import LakeMark
from huitou.customers.services import resolve_person_ids
from huitou.sources.consuming.batch import Batch, Event
from huitou.sources.consuming.orders import take_orders
from huitou.sources.consuming.staging import stage_rows
from huitou.sources.intake.refusals import Refusal
from huitou.sources.order_events import services
from huitou.sources.services import ImportOptions, run_import, start_import
from huitou.sources.tests.event_oracle import Account, Said, account, random_order

CLOCK = FixedClock(datetime(2024, 6, 1, tzinfo=UTC))
BEGIN = datetime(2024, 3, 1, 4, 0, tzinfo=UTC)
# Examples of one test share the database, so each has order numbers of its own.
EXAMPLES = itertools.count()
QUICK = (Phase.explicit, Phase.reuse, Phase.generate)


@pytest.fixture
def brand(db: None) -> Brand:
    return Brand.objects.create(pk=1, name="Test", zone="Asia/Shanghai", currency="CNY")


def take(events: Iterable[Said], brand: Brand, home: Home, people: dict[str, int] | None = None) -> Batch:
    """One consumer batch, committed to the lake."""
    arrived = [
        Event(
            ref=n,
            inbox_id=n,
            key_id=1,
            hash=e.message,
            message_id=e.message.hex(),
            kind="track",
            name=e.name,
            source="shop",
            channel="",
            occurred_at=e.at,
            received_at=CLOCK.now(),
            user_id=e.person or "",
            anonymous_id="",
            previous_id="",
            group_id="",
            properties=e.properties,
            traits={},
            context={},
            person_id=(people or {}).get(e.person or ""),
        )
        for n, e in enumerate(events)
    ]
    batch = Batch(arrived, home, CLOCK)
    with transaction.atomic():
        take_orders(batch, brand)
        claimed = stage_rows(batch)
    for number in claimed:
        commit_batch(number, home=home, clock=CLOCK)
    return batch


def lines(home: Home) -> dict[str, list[dict[str, Any]]]:
    """The lines that count, by order: of each the latest report."""
    engine = DuckEngine(Lake(home.lake_url), scratch=home.root / "scratch")
    try:
        rows = engine.to_pyarrow(engine.table("fct_order_lines")).to_pylist()
    finally:
        engine.close()
    newest: dict[str, int] = {}
    for row in rows:
        newest[row["order_id"]] = max(newest.get(row["order_id"], 0), row["batch_id"])
    found: dict[str, list[dict[str, Any]]] = {}
    for row in sorted(rows, key=lambda row: row["line_no"]):
        if newest[row["order_id"]] == row["batch_id"]:
            found.setdefault(row["order_id"], []).append(row)
    return found


def shown(rows: Iterable[dict[str, Any]]) -> list[tuple[Any, ...]]:
    names = ("kind", "sku", "quantity", "amount_minor", "status")
    return [tuple(f"{row[n].normalize():f}" if n == "quantity" else row[n] for n in names) for row in rows]


def said(name: str, hour: int, message: int, **properties: Any) -> Said:
    at = BEGIN.replace(hour=hour)
    return Said(f"Order {name}", at, bytes([message] * 16), {"order_id": "A", **properties})


SOAP = {"sku": "x", "name": "Soap", "price": 10, "quantity": 3}
CREAM = {"sku": "y", "name": "Cream", "price": 5.5}
SOLD = said("Completed", 5, 1, products=[SOAP, CREAM], discount=1)
# 35.50 less 1.00, shared out 0.85 to 0.15 (0.845… to 0.154…: the larger remainder takes the fen).
SALE = [("sale", "x", "3", 2915, "paid"), ("sale", "y", "1", 535, "paid")]


def with_status(rows: list[tuple[Any, ...]], status: str) -> list[tuple[Any, ...]]:
    return [(*row[:-1], status) for row in rows]


CASES: dict[str, tuple[list[Said], list[tuple[Any, ...]]]] = {
    "completed": ([SOLD], SALE),
    "completed twice counts once": ([SOLD, SOLD], SALE),
    "an update without products keeps them": (
        [SOLD, said("Updated", 6, 2, status="交易成功")],
        with_status(SALE, "completed"),
    ),
    "an update with products replaces them": (
        [SOLD, said("Updated", 6, 2, products=[CREAM], discount=0)],
        [("sale", "y", "1", 550, "paid")],
    ),
    "cancelled": ([SOLD, said("Cancelled", 6, 2)], with_status(SALE, "cancelled")),
    "cancelled at the same instant": ([SOLD, said("Cancelled", 5, 0)], with_status(SALE, "cancelled")),
    "completed after it was cancelled": ([said("Cancelled", 4, 2), SOLD], SALE),
    "one product back for its share": (
        [SOLD, said("Refunded", 6, 2, products=[{"sku": "x", "quantity": 1}])],
        [*with_status(SALE, "partly_refunded"), ("refund", "x", "1", 972, "completed")],
    ),
    "one product back at the price told": (
        [SOLD, said("Refunded", 6, 2, products=[{"sku": "x", "quantity": 1, "price": 9}])],
        [*with_status(SALE, "partly_refunded"), ("refund", "x", "1", 900, "completed")],
    ),
    "all of it back, in two steps": (
        [SOLD, said("Refunded", 6, 2, products=[{"sku": "x", "quantity": 1}]), said("Refunded", 7, 3)],
        [
            *with_status(SALE, "refunded"),
            ("refund", "x", "1", 972, "completed"),
            ("refund", "x", "2", 1943, "completed"),
            ("refund", "y", "1", 535, "completed"),
        ],
    ),
    "money back without products": (
        [SOLD, said("Refunded", 6, 2, total=10)],
        [
            *with_status(SALE, "partly_refunded"),
            ("refund", "x", "0", 845, "completed"),
            ("refund", "y", "0", 155, "completed"),
        ],
    ),
    "more back than the goods cost: the shipping too": (
        [SOLD, said("Refunded", 6, 2, total=50)],
        [
            *with_status(SALE, "refunded"),
            ("refund", "x", "3", 2915, "completed"),
            ("refund", "y", "1", 535, "completed"),
        ],
    ),
    "one refund told twice under its number": (
        [SOLD, said("Refunded", 6, 2, total=9, refund_id="r"), said("Refunded", 7, 3, total=10, refund_id="r")],
        [
            *with_status(SALE, "partly_refunded"),
            ("refund", "x", "0", 845, "completed"),
            ("refund", "y", "0", 155, "completed"),
        ],
    ),
    "the status says refunded, twice": (
        [SOLD, said("Updated", 6, 2, status="已退款"), said("Updated", 7, 3, status="refunded")],
        [
            *with_status(SALE, "refunded"),
            ("refund", "x", "3", 2915, "completed"),
            ("refund", "y", "1", 535, "completed"),
        ],
    ),
    "cancelled after a refund: neither counts": (
        [SOLD, said("Refunded", 6, 2, total=10), said("Cancelled", 7, 3)],
        [
            *with_status(SALE, "cancelled"),
            ("refund", "x", "0", 845, "cancelled"),
            ("refund", "y", "0", 155, "cancelled"),
        ],
    ),
    "a price below zero goes back as well": (
        [SOLD, said("Refunded", 6, 2, products=[{"sku": "x", "quantity": 1, "price": -9}])],
        [*with_status(SALE, "partly_refunded"), ("refund", "x", "1", 900, "completed")],
    ),
    "more money back than the product cost comes off the others": (
        [SOLD, said("Refunded", 6, 2, products=[{"sku": "x", "quantity": 1, "price": 30}])],
        [
            *with_status(SALE, "partly_refunded"),
            ("refund", "x", "1", 2915, "completed"),
            ("refund", "y", "0", 85, "completed"),
        ],
    ),
    "no more money and pieces back than there are": (
        [
            SOLD,
            said("Refunded", 6, 2, products=[{"sku": "x", "quantity": 9, "price": 900}]),
            said("Refunded", 7, 3, products=[{"sku": "y", "quantity": 2, "price": 5}, {"sku": "w", "quantity": 1}]),
        ],
        [
            *with_status(SALE, "refunded"),
            ("refund", "x", "3", 2915, "completed"),
            ("refund", "y", "0", 535, "completed"),
            ("refund", "y", "1", 0, "completed"),
        ],
    ),
    "a coupon as a product was not paid for the others": (
        [said("Completed", 5, 1, products=[SOAP, {"sku": "c", "price": -5}]), said("Refunded", 6, 2)],
        [
            ("sale", "x", "3", 3000, "refunded"),
            ("sale", "c", "1", -500, "refunded"),
            ("refund", "x", "3", 2500, "completed"),
            ("refund", "c", "1", 0, "completed"),
        ],
    ),
    "an amount without products": (
        [said("Completed", 5, 1, total=30, shipping=8, tax="1.5", discount=2)],
        [("sale", "-", "1", 2050, "paid")],
    ),
}


def numbered(event: Said, number: int) -> Said:
    """The event as one of another order; messages of an order stay in their order."""
    message = event.message[:8] + number.to_bytes(8, "big")
    return replace(event, message=message, properties={**event.properties, "order_id": f"A{number}"})


@pytest.mark.django_db
@pytest.mark.parametrize("reverse", [False, True], ids=["as told", "backwards"])
def test_what_events_amount_to(reverse: bool, brand: Brand, home: Home) -> None:
    """Worked out by hand, and the same when they arrive one by one, the last first, each of them twice."""
    told = [[numbered(event, number) for event in events] for number, (events, _) in enumerate(CASES.values())]
    for together in itertools.zip_longest(*(reversed(events) if reverse else events for events in told)):
        arriving = [event for event in together if event is not None]
        take(arriving, brand, home)
        take(arriving, brand, home)
    found = lines(home)
    amounted = {case: shown(found[f"A{number}"]) for number, case in enumerate(CASES)}
    assert amounted == {case: expected for case, (_, expected) in CASES.items()}


@pytest.mark.django_db
def test_a_refund_of_an_unknown_order_stands_alone_until_the_order_comes(brand: Brand, home: Home) -> None:
    back = said("Refunded", 6, 2, products=[{"sku": "x", "quantity": 1, "price": 9}], refund_id="R7")
    take([back], brand, home)
    alone = lines(home)
    assert {number: shown(rows) for number, rows in alone.items()} == {
        "A-RR7": [("refund", "x", "1", 900, "completed")]
    }
    assert alone["A-RR7"][0]["refund_of"] == "A"
    take([SOLD], brand, home)
    together = lines(home)
    assert shown(together["A"])[-1] == ("refund", "x", "1", 900, "completed")
    assert shown(together["A-RR7"]) == [("refund", "-", "0", 0, "cancelled")]


@pytest.mark.django_db
def test_a_refund_numbered_like_an_order_replaces_none(brand: Brand, home: Home) -> None:
    other = Said("Order Completed", BEGIN, b"o" * 16, {"order_id": "B", "products": [CREAM]})
    take([other, said("Refunded", 6, 2, total=-4, refund_id="B"), said("Refunded", 6, 3, total=1)], brand, home)
    found = {number: shown(rows) for number, rows in lines(home).items()}
    assert found.pop("B") == [("sale", "y", "1", 550, "paid")]
    assert found == {
        "A-RB": [("refund", "-", "0", 400, "completed")],
        f"A-R{'03' * 4}": [("refund", "-", "0", 100, "completed")],
    }


@pytest.mark.django_db
def test_nothing_is_emitted_where_nothing_changed(brand: Brand, home: Home) -> None:
    assert list(take([SOLD], brand, home).rows) == ["fct_order_lines"]
    assert not take([said("Updated", 6, 2, coupon="SPRING")], brand, home).rows
    assert not take([SOLD], brand, home).rows


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("properties", "reason", "detail"),
    [
        ({"currency": "USD", "products": [SOAP]}, "order_currency", "currency: USD"),
        ({"products": [{"sku": "x"}]}, "order_incomplete", "price: x"),
        ({"products": [{"price": 1}]}, "order_incomplete", "sku"),
        ({"products": [{**SOAP, "price": "ten"}]}, "order_value", "price: ten"),
        ({"products": [{**SOAP, "quantity": True}]}, "order_value", "quantity: True"),
        ({"products": {"sku": "x"}}, "order_value", "products: {'sku': 'x'}"),
        ({"revenue": "a lot"}, "order_value", "revenue: a lot"),
        ({"products": [SOAP], "status": "gone fishing"}, "order_word", "status: gone fishing"),
        ({"products": [SOAP], "paid_at": "yesterday"}, "order_value", "paid_at: yesterday"),
        ({"products": [SOAP], "order_id": "1.2E+15"}, "order_value", "order_id: 1.2E+15"),
        ({"products": [SOAP], "order_id": None}, "order_incomplete", "order_id"),
        ({}, "order_incomplete", "products"),
    ],
)
def test_what_a_file_would_not_take_is_refused_with_its_reason(
    properties: dict[str, Any], reason: str, detail: str, brand: Brand, home: Home
) -> None:
    """One bad event leaves nothing behind and does not stop the others."""
    bad = Said("Order Completed", BEGIN, b"b" * 16, {"order_id": "B", **properties})
    batch = take([bad, SOLD], brand, home)
    assert batch.refused == {0: Refusal(reason, detail)}
    assert set(lines(home)) == {"A"}


@pytest.mark.django_db
def test_an_order_takes_so_many_events_and_no_more(brand: Brand, home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    """Those beyond are dead letters; what is kept, also told again, and other orders are as they were."""
    monkeypatch.setattr(services, "MOST_EVENTS", 3)
    told = [SOLD, *(said("Refunded", 5 + n, 1 + n, total=1) for n in range(1, 5))]
    take(told[:2], brand, home)
    other = Said("Order Completed", BEGIN, b"o" * 16, {"order_id": "B", "products": [CREAM]})
    batch = take([*told[::-1], other], brand, home)
    assert batch.refused == {n: Refusal("order_crowded", "order_id: A") for n in (0, 1)}
    assert [row[0] for row in shown(lines(home)["A"])] == ["sale", "sale", *["refund"] * 4]
    assert set(lines(home)) == {"A", "B"}
    assert not take(told[:3], brand, home).refused


def expected_rows(order: Account, people: dict[str, int]) -> list[tuple[Any, ...]]:
    person = people.get(order.person or "")
    sales = [
        ("sale", p.sku, p.category, p.quantity, p.minor, p.discount, order.paid_at, person, order.channel, order.store)
        for p in order.sales
    ]
    return sales + [
        ("refund", sku, category, quantity, minor, 0, at, person, order.channel, order.store)
        for sku, category, quantity, minor, at in order.refunds
    ]


@pytest.fixture
def people(db: None) -> dict[str, int]:
    return resolve_person_ids(values=["c1", "c2", "c3"], clock=CLOCK)


def with_own_lake(home: Home) -> Home:
    """A further home over the one database of a test: its lake bears the store's mark, if the store has one yet."""
    if mark := LakeMark.objects.first():
        folder = Path(home.lake_url)
        folder.mkdir(parents=True)
        (folder / MARKER).write_text(mark.value)
    return home


@pytest.mark.django_db
@settings(max_examples=5, deadline=None, phases=QUICK, suppress_health_check=list(HealthCheck))
@given(seed=st.integers(0, 2**32))
def test_any_order_of_arrival_equals_a_plain_account(
    seed: int, brand: Brand, people: dict[str, int], tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Late, repeated and shuffled batches of many orders' events against an account that goes through them in time."""
    home = with_own_lake(Home(tmp_path_factory.mktemp("arrival")))
    random, prefix = Random(seed), f"{next(EXAMPLES)}-"
    orders = {f"{prefix}{n}": random_order(random, f"{prefix}{n}", BEGIN) for n in range(60)}
    arriving = [event for told in orders.values() for event in told for _ in range(random.choice([1, 1, 2]))]
    random.shuffle(arriving)
    while arriving:
        size = random.choice([1, 7, 40, 90])
        take(arriving[:size], brand, home, people)
        arriving = arriving[size:]
    found = lines(home)
    for number, told in orders.items():
        expected = account(told)
        assert expected is not None
        names = ("kind", "sku", "category", "quantity", "amount_minor", "discount_minor")
        rest = ("occurred_at", "person_id", "channel", "store")
        rows = [tuple(row[n] for n in (*names, *rest)) for row in found[number]]
        rows = [(*row[:3], Fraction(row[3]), *row[4:]) for row in rows]
        assert rows == expected_rows(expected, people), told
        sale = found[number][0]["status"]
        assert sale == order_status(expected), told


def order_status(order: Account) -> str:
    if order.status in ("cancelled", "unpaid") or not order.refunds:
        return order.status
    return "partly_refunded" if any(p.left or p.worth > 0 for p in order.sales) else "refunded"


COLUMNS = (
    "order_id,paid_at,customer_id,sku,product_name,quantity,unit_price,amount,discount,status,channel,store,category,"
    "refund_of"
)


def file_rows(number: str, told: list[Said]) -> Iterator[list[object]]:
    """The order as a shop's export would have it, the refunds as rows that name it."""
    order = account(told)
    assert order is not None
    assert order.paid_at is not None
    head = [order.person or "", order.status, order.channel or "", order.store or ""]
    listed = max(
        (e for e in told if e.properties.get("products") and e.name != "Order Refunded"),
        key=lambda e: (e.at, e.name == "Order Updated", e.message),
    ).properties["products"]
    for piece, product in zip(order.sales, listed, strict=True):
        # Where the order's own discount took nothing, the file's rules work the amount out from the price.
        own = product.get("discount", "0")
        by_price = piece.discount == round(Decimal(own) * 100)
        money = [product["price"], "", own] if by_price else ["", f"{piece.minor / 100:.2f}", piece.discount / 100]
        yield _file_row(number, order.paid_at, head, piece.sku, product, [product["quantity"], *money], piece.category)
    for sku, category, quantity, minor, at in order.refunds:
        money = [float(quantity), "", f"{minor / 100:.2f}", ""]
        yield [*_file_row(number, at, head, sku, {"name": ""}, money, category)[:-1], number]


def _file_row(
    number: str, at: datetime, head: list[str], sku: str, product: Any, money: list[object], category: str | None
) -> list[object]:
    person, status, channel, store = head
    quantity, price, amount, discount = money
    name = product["name"]
    return [
        *(number, at.isoformat(), person, sku, name, quantity, price, amount, discount, status, channel, store),
        *(category or "", ""),
    ]


def computed(home: Home) -> tuple[list[list[dict[str, Any]]], list[Any]]:
    """int_orders, int_order_categories and int_refunds of the lake, and what metrics say of them."""
    engine = DuckEngine(Lake(home.lake_url), scratch=home.root / "scratch")
    try:
        tables = define_orders(engine, as_of=None, zone="Asia/Shanghai", exclusions=Exclusions())
        found = [
            sorted(
                engine.to_pyarrow(table).to_pylist(),
                key=lambda row: [str(row.get(k)) for k in ("order_id", *sorted(row))],
            )
            for table in (tables.orders, tables.categories, tables.refunds)
        ]
        facts = Facts(tables.orders, tables.categories, tables.refunds, engine.table("dim_person_attributes"))
        periods = Periods("month", date(2024, 2, 1), date(2024, 4, 30))
        figures = [
            (kind, row.period.name, row.values, row.figure)
            for kind in ("revenue", "orders", "aov", "buyers", "repurchase_rate", "returning_buyer_share")
            for dims in ((), ("channel",), ("category",))
            for row in compute_rows(
                METRICS[kind], facts, periods, dims, today=date(2024, 6, 1), execute=engine.to_pyarrow
            )
        ]
        return found, sorted(figures, key=str)
    finally:
        engine.close()


@pytest.mark.django_db
@settings(max_examples=3, deadline=None, phases=QUICK, suppress_health_check=list(HealthCheck))
@given(seed=st.integers(0, 2**32))
def test_both_doors_give_the_same_orders_and_figures(
    seed: int, brand: Brand, people: dict[str, int], tmp_path_factory: pytest.TempPathFactory
) -> None:
    """The same random orders as events, and as a file that the importer reads: equal tables, equal metrics."""
    folder = tmp_path_factory.mktemp("doors")
    random, prefix = Random(seed), f"{next(EXAMPLES)}-"
    orders = {f"{prefix}{n}": random_order(random, f"{prefix}{n}", BEGIN) for n in range(80)}
    by_event, by_file = with_own_lake(Home(folder / "events")), Home(folder / "file")
    arriving = [event for told in orders.values() for event in told]
    random.shuffle(arriving)
    take(arriving[:100], brand, by_event, people)
    take(arriving[100:], brand, by_event, people)
    path = write_file(folder / "orders.csv", orders)
    with_own_lake(by_file)
    run = start_import(path=path, kind="orders", options=ImportOptions.from_json({"source": "shop"}), clock=CLOCK)
    run = run_import(run.pk, home=by_file, clock=CLOCK)
    assert (run.rejected, run.orders) == (0, len(orders))
    (event_rows, event_figures), (rows, figures) = computed(by_event), computed(by_file)
    assert event_rows == rows
    assert event_figures == figures
    assert len(rows[2]) > 20


def write_file(path: Path, orders: dict[str, list[Said]]) -> Path:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(COLUMNS.split(","))
        for number, told in orders.items():
            writer.writerows(file_rows(number, told))
    return path
