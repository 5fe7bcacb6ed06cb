"""Order events through the whole way, door and consumers at once, and on the customer's page."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from random import Random
from threading import Event
from typing import Any

import pytest
from django.db import connection
from django.utils import translation

from huitou.accounts.queries import get_brand
from huitou.accounts.services import create_brand
from huitou.catalog.models import Product
from huitou.core.home import Home
from huitou.orders.refresh import run_refresh
from huitou.sources.consuming.consumer import consume_once
from huitou.sources.events import list_events
from huitou.sources.models import DeadLetter
from huitou.sources.models import OrderEvent as KeptEvent
from huitou.sources.order_events import services
from huitou.sources.order_events.fold import Document, fold_order
from huitou.sources.order_events.services import take_order_events
from huitou.sources.order_events.told import OrderEvent, ToldOrder
from huitou.sources.tests.event_oracle import account, random_order
from huitou.sources.tests.eventing import NOW, Client, Turning, consume, facts, track
from tests.faults.servers import eventually

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _brand(client: Client) -> None:
    create_brand(name="Test", clock=client.clock)


def order(message_id: str, name: str, number: str = "A", **properties: Any) -> dict[str, Any]:
    return track(message_id, f"Order {name}", properties={"order_id": number, **properties})


def latest(home: Home, number: str) -> list[dict[str, Any]]:
    rows = [row for row in facts(home, "fct_order_lines") if row["order_id"] == number]
    newest = max(row["batch_id"] for row in rows)
    return sorted((row for row in rows if row["batch_id"] == newest), key=lambda row: row["line_no"])


def test_two_consumers_at_once_leave_each_order_as_all_its_events_say(client: Client, home: Home) -> None:
    """Events of the same orders lie in both consumers' batches; whoever is later must have seen the other's."""
    random = Random(11)
    orders = {f"o{n}": random_order(random, f"o{n}", NOW - timedelta(days=40)) for n in range(40)}
    events = [
        {
            "type": "track",
            "messageId": said.message.hex(),
            "userId": said.person or "nobody",
            "event": said.name,
            "timestamp": said.at.isoformat(),
            "properties": said.properties,
        }
        for told in orders.values()
        for said in told
    ]
    random.shuffle(events)
    assert client.batch(*events).status == 200

    def drain(_number: int) -> int:
        taken = 0
        try:
            while claimed := consume_once(home=home, clock=client.clock, limit=9).claimed:
                taken += claimed
        finally:
            connection.close()
        return taken

    with ThreadPoolExecutor(2) as pool:
        shares = list(pool.map(drain, range(2)))
    consume(home, client.clock)
    assert sum(shares) > 0
    assert not DeadLetter.objects.exists()
    assert KeptEvent.objects.count() == len(events)
    proven = 0
    for number, told in orders.items():
        # The consumer breaks ties of one instant by its own hashes: orders that have such ties prove nothing here.
        if len({(said.at, said.name) for said in told}) < len(told):
            continue
        proven += 1
        expected = account(told)
        assert expected is not None
        rows = [(r["kind"], r["sku"], r["amount_minor"], r["occurred_at"]) for r in latest(home, number)]
        sales = [("sale", piece.sku, piece.minor, expected.paid_at) for piece in expected.sales]
        assert rows == sales + [("refund", sku, minor, at) for sku, _c, _q, minor, at in expected.refunds], told
    assert proven > 20


def somebody_waits() -> bool:
    """Whether another transaction waits for a lock of ours."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_locks WHERE NOT granted")
        return bool(cursor.fetchone()[0])


def test_whoever_folds_an_order_second_has_seen_the_first(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    """A refund arrives while another transaction has read the order's events and not yet written what they make."""
    brand, clock = get_brand(), Turning()
    reading = Event()

    def take(name: str, message: bytes, **properties: Any) -> list[dict[str, Any]]:
        given = {"order_id": "A", **properties}
        try:
            return take_order_events(
                [OrderEvent(1, "shop", name, message * 16, NOW, None, given)], brand=brand, home=home, clock=clock
            ).rows
        finally:
            if message != b"0":
                connection.close()

    # The order is known already, so that its row alone makes the second wait.
    assert take("Order Updated", b"0", coupon="SPRING") == []

    def slowly(events: Iterable[ToldOrder]) -> tuple[Document, ...]:
        if not reading.is_set():
            reading.set()
            assert eventually(somebody_waits, 20), "the second did not wait for the first"
        return fold_order(events)

    monkeypatch.setattr(services, "fold_order", slowly)
    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(take, "Order Completed", b"1", products=[{"sku": "x", "price": 10}])
        assert reading.wait(20)
        second = pool.submit(take, "Order Refunded", b"2", total=4)
        assert [(row["kind"], row["amount_minor"]) for row in first.result()] == [("sale", 1000)]
    told = [(row["order_id"], row["kind"], row["amount_minor"]) for row in second.result()]
    assert told == [("A", "sale", 1000), ("A", "refund", 400)]


def test_a_refused_order_event_counts_once_it_is_mended(client: Client, home: Home) -> None:
    soap = {"sku": "x", "name": "Soap", "price": 10}
    client.batch(
        order("m1", "Completed", products=[soap], currency="USD"), order("m2", "Completed", "B", products=[soap])
    )
    consume(home, client.clock)
    letter = DeadLetter.objects.get()
    assert (letter.reason, letter.detail) == ("order_currency", "currency: USD")
    assert {row["order_id"] for row in facts(home, "fct_order_lines")} == {"B"}
    client.batch(order("m1", "Completed", products=[soap], currency="CNY"))
    consume(home, client.clock)
    assert [row["amount_minor"] for row in latest(home, "A")] == [1000]
    assert Product.objects.get(sku="x").name == "Soap"


@pytest.fixture(params=["zh-hans", "en"])
def language(request: pytest.FixtureRequest) -> Iterator[str]:
    with translation.override(request.param):
        yield request.param


def test_the_customers_page_tells_events_in_words_with_object_and_channel(
    client: Client, home: Home, language: str
) -> None:
    soap = {"sku": "x", "name": "Soap", "price": 10}
    client.batch(
        order("m1", "Completed", products=[soap]),
        track("m2", "Product Viewed", properties={"product_id": "x"}, context={"channel": "app"}),
        track("m3", "Live Room Entered", properties={"live_room_id": "r9"}, context={"channel": "live"}),
        track("m4", "Something Odd", properties={}),
        {"type": "identify", "messageId": "m5", "userId": "u1", "traits": {"city": "杭州"}},
    )
    consume(home, client.clock)
    run_refresh(home=home, brand=get_brand(), clock=Turning())
    person = facts(home)[0]["person_id"]
    told = {event.title: (event.detail, event.channel) for event in list_events(person, currency="CNY")}
    if language == "en":
        expected = {
            "Viewed a product": ("Soap", "app"),
            "Entered a live room": ("live room r9", "live"),
            "Something Odd": ("", ""),
        }
    else:
        expected = {
            "浏览商品": ("Soap", "app"),
            "进入直播间": ("直播间 r9", "live"),
            "Something Odd": ("", ""),
        }
    assert told == expected
