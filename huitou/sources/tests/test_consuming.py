"""From the inbox to facts: what an event becomes, what stays out of the lake, and that nothing counts twice."""

from __future__ import annotations

import json
import re
import threading
import uuid
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import ProgrammingError, connection

from huitou.core.home import Home
from huitou.core.lake import commit_pending
from huitou.core.models import LakeBatch
from huitou.customers.models import Acquisition, Person
from huitou.sources.consuming import consumer
from huitou.sources.consuming import sql as consuming_sql
from huitou.sources.consuming.batch import Batch
from huitou.sources.consuming.consumer import consume_once, drain
from huitou.sources.consuming.seen import PARTITION_DAYS, list_partitions
from huitou.sources.consuming.staging import stage_rows
from huitou.sources.models import Consumer, DeadLetter, EventDetail, InboxEvent
from huitou.sources.tests.eventing import NOW, Client, Turning, consume, facts, make_client, track


def test_an_event_becomes_one_fact(client: Client, home: Home) -> None:
    told = track(
        properties={"product_id": "SKU-1", "price": 12.5, "currency": "CNY", "category": "护肤"},
        timestamp=(NOW - timedelta(minutes=10)).isoformat(),
        anonymousId="a1",
        context={"channel": "mini_program"},
    )
    # The device's clock is five minutes behind, and says so.
    client.batch(told, sentAt=(NOW - timedelta(minutes=5)).isoformat())
    assert consume(home, client.clock).accepted == 1
    (fact,) = facts(home)
    assert json.loads(fact.pop("properties")) == told["properties"]
    assert fact.pop("person_id") == Person.objects.get().pk
    assert len(bytes.fromhex(fact.pop("event_id"))) == 16
    assert fact.pop("batch_id") == LakeBatch.objects.get().pk
    assert fact == {
        "name": "Product Viewed",
        "kind": "track",
        "occurred_at": NOW - timedelta(minutes=5),
        "received_at": NOW,
        "source": "shop",
        "channel": "mini_program",
        "object_type": "product",
        "object_id": "SKU-1",
    }
    assert not InboxEvent.objects.exists()


@pytest.mark.parametrize(
    ("event", "expected"),
    [
        (
            {"type": "page", "name": "Home", "properties": {"url": "https://shop.example/a/b?phone=13912345678#x"}},
            ("Page Viewed", "page", "/a/b"),
        ),
        ({"type": "page", "name": "Home", "properties": {"path": "/p/1"}}, ("Page Viewed", "page", "/p/1")),
        ({"type": "page", "context": {"page": {"path": "/c"}}}, ("Page Viewed", "page", "/c")),
        ({"type": "screen", "name": "Cart"}, ("Screen Viewed", "screen", "Cart")),
        ({"type": "identify", "traits": {}}, ("Identify", None, None)),
        ({"type": "group", "groupId": "g1"}, ("Group", None, None)),
        (track(event="Coupon Applied", properties={"coupon": "NEW10"}), ("Coupon Applied", "coupon", "NEW10")),
        (track(event="Order Refunded", properties={"order_id": 77}), ("Order Refunded", "order", "77")),
        (track(event="Liked", properties={"post_id": "p9"}), ("Liked", "content", "p9")),
        (track(event="Liked", properties={"post_id": "13912345678"}), ("Liked", None, None)),
        (track(event="Checked In"), ("Checked In", None, None)),
    ],
)
def test_every_fact_names_its_action_and_its_object(
    client: Client, home: Home, event: dict[str, Any], expected: tuple[str, str | None, str | None]
) -> None:
    client.batch({"messageId": "m1", "userId": "u", **event})
    consume(home, client.clock)
    # Order events need a brand, which is another story.
    found = facts(home) or [{"name": "Order Refunded", "object_type": "order", "object_id": "77"}]
    assert [(f["name"], f["object_type"], f["object_id"]) for f in found] == [expected]


@pytest.mark.parametrize(
    ("channel", "context", "expected"),
    [
        ("app", {"channel": "store"}, "store"),
        ("app", {"campaign": {"source": "weibo"}}, "app"),
        ("", {"campaign": {"source": "weibo"}}, "weibo"),
        ("", {}, "shop"),
        ("", {"channel": "a channel with 张三's words"}, "shop"),
    ],
)
def test_every_fact_has_a_channel(
    transactional_db: None, home: Home, channel: str, context: dict[str, Any], expected: str
) -> None:
    client = make_client(channel=channel)
    try:
        client.batch(track(context=context))
        consume(home, client.clock)
    finally:
        client.door.close()
    assert [fact["channel"] for fact in facts(home)] == [expected]


SECRETS = {
    "receiver": "张三丰",
    "note": "请放门口 call 0571-88887777",
    "email": "zhang.san@example.com",
    "free": "my number is +86 139 1234 5678",
    "digits": 13912345678,
    "title": "A page about Zhang San",
    "url": "https://shop.example/?mail=zhang.san@example.com",
    "nested": {"address": {"street": "Secret Lane 7"}, "sku": "S1"},
    "products": [{"product_id": "S1", "name": "Gift for Li Si"}, {"product_id": "zhang.san@example.com"}],
}
SOUGHT = ("张三", "门口", "0571", "example.com", "1234", "13912345678", "Zhang", "Secret Lane", "Li Si", "call")


def test_what_names_somebody_stays_out_of_the_lake_and_beside_the_person(client: Client, home: Home) -> None:
    client.batch(
        track(properties={**SECRETS, "list_id": "L1", "position": 3}),
        {"type": "identify", "userId": "u1", "messageId": "m2", "traits": {"name": "张三丰", "email": "a@example.com"}},
        {"type": "page", "userId": "u1", "messageId": "m3", "properties": {"path": "/u/zhang.san@example.com"}},
    )
    consume(home, client.clock)
    found = facts(home)
    assert len(found) == 3
    whole = "\n".join(repr(row) for row in found)
    assert [word for word in SOUGHT if word in whole] == []
    files = b"".join(path.read_bytes() for path in (home.root / "lake").rglob("*") if path.is_file())
    assert [word for word in SOUGHT if word.encode() in files] == []
    kept = next(json.loads(row["properties"]) for row in found if row["name"] == "Product Viewed")
    assert kept == {
        "list_id": "L1",
        "position": 3,
        "nested": {"sku": "S1"},
        "products": [{"product_id": "S1"}, None],
    }
    detail = EventDetail.objects.get(properties__has_key="receiver")
    assert detail.person_id == Person.objects.get().pk
    assert detail.properties["receiver"] == SECRETS["receiver"]
    assert detail.properties["products"] == [{"name": "Gift for Li Si"}, {"product_id": "zhang.san@example.com"}]


def test_the_name_of_a_screen_that_is_no_code_is_kept_beside_the_person(client: Client, home: Home) -> None:
    client.batch(
        {"type": "screen", "userId": "u1", "messageId": "m1", "name": "张三的主页"},
        {"type": "screen", "userId": "u1", "messageId": "m2", "name": "ProductDetail"},
    )
    consume(home, client.clock)
    assert {fact["object_id"] for fact in facts(home)} == {None, "ProductDetail"}
    assert [detail.properties for detail in EventDetail.objects.all()] == [{"name": "张三的主页"}]


def test_repeats_count_once_whenever_they_come(client: Client, home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    # The database's own clock has to agree before anything is forgotten.
    monkeypatch.setattr(consuming_sql, "DATABASE_DAY", "SELECT DATE '2026-04-20'")
    client.batch(track("a"), track("a", timestamp=(NOW - timedelta(days=40)).isoformat()), track("b"))
    client.batch(track("a"))
    assert consume(home, client.clock).repeated == 2
    client.clock.instant = NOW + timedelta(days=30)
    client.batch(track("a"), track("c"))
    consumed = consume(home, client.clock)
    assert (consumed.accepted, consumed.repeated) == (1, 1)
    assert len(facts(home)) == 3
    # What lies with younger messages is known as long as these.
    client.clock.instant = NOW + timedelta(days=31 + PARTITION_DAYS)
    client.batch(track("a"), track("c"))
    assert consume(home, client.clock).accepted == 1


def test_days_with_partitions_of_their_own_are_known_beside_longer_ones(client: Client, home: Home) -> None:
    """As an earlier version of the product left them: yesterday's, today's and those of two days ahead."""
    with connection.cursor() as cursor:
        cursor.execute("DROP TABLE IF EXISTS " + ", ".join(p.table for p in list_partitions()))
        for ahead in (-1, 0, 1, 2):
            day = (NOW + timedelta(days=ahead)).date()
            bounds = {"table": f"sources_seen_{day:%Y%m%d}", "first": day, "end": day + timedelta(days=1)}
            cursor.execute(consuming_sql.CREATE_PARTITION.format(**bounds))
            cursor.execute(consuming_sql.INDEX_PARTITION.format(**bounds))
    for later in range(2 * PARTITION_DAYS):
        client.clock.instant = NOW + timedelta(days=later)
        client.batch(*(track(f"m{n}") for n in range(later + 1)))
        assert consume(home, client.clock).accepted == 1
    kept = list_partitions()
    assert [p.end for p in kept[:-1]] == [p.first for p in kept[1:]]
    assert {(p.end - p.first).days for p in kept[:4]} == {1}
    assert max((p.end - p.first).days for p in kept) == PARTITION_DAYS


def test_ids_are_unique_inside_a_feed(client: Client, home: Home) -> None:
    other = make_client(client.clock, source="app")
    try:
        client.batch(track("a"))
        other.batch(track("a"))
        other.batch(track("a"))
    finally:
        other.door.close()
    consume(home, client.clock)
    assert sorted(fact["source"] for fact in facts(home)) == ["app", "shop"]


def test_an_event_without_id_is_known_by_its_content_if_it_says_when(client: Client, home: Home) -> None:
    for _ in range(2):
        client.batch(track(None), track(None, timestamp=None))
    consume(home, client.clock)
    # The one with a time came twice; of those without one nobody can know.
    assert len(facts(home)) == 3


def at_once(*work: Callable[[], object]) -> list[BaseException]:
    """Run all at the same time, each with a database connection of its own; what they raised."""
    raised: list[BaseException] = []
    barrier = threading.Barrier(len(work))

    def run(one: Callable[[], object]) -> None:
        try:
            barrier.wait()
            one()
        except BaseException as error:
            raised.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=(one,)) for one in work]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return raised


def test_two_consumers_with_the_same_messages_at_once(client: Client, home: Home) -> None:
    for _ in range(4):
        for start in range(0, 300, 50):
            client.batch(*(track(f"m{n}", userId=f"u{n}") for n in range(start, start + 50)))
    work = [lambda: [consume_once(home=home, clock=client.clock, limit=100) for _ in range(6)]] * 4
    assert at_once(*work) == []
    consume(home, client.clock)
    assert len(facts(home)) == 300
    assert len({fact["event_id"] for fact in facts(home)}) == 300
    assert Person.objects.count() == 300


def test_the_day_border_lets_nothing_through_twice(client: Client, home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    """One consumer took the message before midnight and has not committed when another one meets it after."""
    client.batch(track("border"))
    client.batch(track("border"))
    before, after = Turning(NOW.replace(hour=23, minute=59)), Turning(NOW + timedelta(days=1))
    holding, go_on = threading.Event(), threading.Event()

    def slow(batch: Batch) -> list[int]:
        if batch.clock is before:
            holding.set()
            assert go_on.wait(10)
        return stage_rows(batch)

    monkeypatch.setattr(consumer, "stage_rows", slow)

    def second() -> None:
        assert holding.wait(10)
        threading.Timer(0.3, go_on.set).start()
        consume_once(home=home, clock=after, limit=1)

    assert at_once(lambda: consume_once(home=home, clock=before, limit=1), second) == []
    assert len(facts(home)) == 1
    assert not InboxEvent.objects.exists()


def test_a_poison_event_is_found_and_the_rest_goes_on(
    client: Client, home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    def choke(batch: Batch) -> None:
        if any(event.message_id == "m13" for event in batch.events):
            raise ZeroDivisionError("张三 13912345678")

    monkeypatch.setattr(consumer, "SUBSCRIBERS", (*consumer.SUBSCRIBERS, choke))
    client.batch(*(track(f"m{n}") for n in range(20)))
    consumed = consume(home, client.clock)
    assert (consumed.claimed, consumed.accepted, consumed.refused) == (20, 19, 1)
    assert len(facts(home)) == 19
    letter = DeadLetter.objects.get()
    assert (letter.reason, letter.message_id) == ("failed", "m13")
    # Where it happened, and not what it says, which may be a customer's.
    assert re.fullmatch(r"ZeroDivisionError \(huitou\.sources\.tests\.test_consuming:[0-9]+\)", letter.detail)


def test_a_store_that_is_not_ready_buries_nothing(client: Client, home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    def ask(batch: Batch) -> None:
        with connection.cursor() as cursor:
            cursor.execute("SELECT column_of_tomorrow FROM sources_inbox")

    subscribers = consumer.SUBSCRIBERS
    monkeypatch.setattr(consumer, "SUBSCRIBERS", (*subscribers, ask))
    client.batch(*(track(f"m{n}") for n in range(3)))
    with pytest.raises(ProgrammingError):
        consume_once(home=home, clock=client.clock)
    assert (InboxEvent.objects.count(), DeadLetter.objects.count()) == (3, 0)
    monkeypatch.setattr(consumer, "SUBSCRIBERS", subscribers)
    assert consume(home, client.clock).accepted == 3


def test_a_refused_event_leaves_its_id_free(client: Client, home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(batch: Batch) -> None:
        for event in batch.accepted():
            batch.refuse(event, "malformed", "not today")

    subscribers = consumer.SUBSCRIBERS
    monkeypatch.setattr(consumer, "SUBSCRIBERS", (*subscribers, refuse))
    client.batch(track("a"))
    assert consume(home, client.clock).refused == 1
    monkeypatch.setattr(consumer, "SUBSCRIBERS", subscribers)
    client.batch(track("a"))
    assert consume(home, client.clock).accepted == 1


@pytest.mark.parametrize("lost", ["staged files", "nothing"])
def test_what_was_claimed_and_not_committed_is_finished_later(
    client: Client, home: Home, monkeypatch: pytest.MonkeyPatch, lost: str
) -> None:
    def dies(*_: object, **__: object) -> int:
        raise OSError("no space left on device")

    monkeypatch.setattr(consumer, "commit_batch", dies)
    client.batch(track("a"), track("b"))
    with pytest.raises(OSError, match="no space"):
        consume_once(home=home, clock=client.clock)
    assert not InboxEvent.objects.exists()
    assert facts(home) == []
    assert len(commit_pending(home=home, clock=client.clock)) == 1
    assert commit_pending(home=home, clock=client.clock) == []
    assert len(facts(home)) == 2


def test_bytes_that_only_look_right_are_refused_and_nul_is_replaced(client: Client, home: Home) -> None:
    spoiled = json.dumps(track("x", properties={"a": "@"})).encode().replace(b"@", b"\xff\xfe")
    assert client.post("/v1/batch", b'{"batch":[' + spoiled + b"]}").status == 200
    client.batch(track("y", properties={"note": "a\x00b"}))
    consumed = consume(home, client.clock)
    assert (consumed.accepted, consumed.refused) == (1, 1)
    assert DeadLetter.objects.get().reason == "malformed"
    assert EventDetail.objects.get().properties == {"note": "a\ufffdb"}


def test_identify_alias_and_group_reach_the_person(client: Client, home: Home) -> None:
    client.batch(
        track(
            "1",
            userId=None,
            anonymousId="a1",
            timestamp=(NOW - timedelta(minutes=2)).isoformat(),
            context={"campaign": {"source": "douyin", "medium": "cpc"}},
        ),
        {
            "type": "identify",
            "messageId": "2",
            "timestamp": (NOW - timedelta(minutes=1)).isoformat(),
            "userId": "u1",
            "anonymousId": "a1",
            "traits": {"name": "李四", "phone": "13912345678", "city": "杭州", "address": {"province": "浙江"}},
        },
        {"type": "group", "messageId": "3", "userId": "u1", "groupId": "club"},
        track("4", "Consent Granted", properties={"channel": "sms", "purpose": "marketing", "text_version": "v2"}),
        track("5", "Consent Granted", properties={}),
    )
    consumed = consume(home, client.clock)
    assert (consumed.accepted, consumed.refused) == (4, 1)
    person = Person.objects.get()
    assert (person.display_name, person.phone) == ("李四", "13912345678")
    assert {name: person.attributes[name] for name in ("city", "province", "group")} == {
        "city": "杭州",
        "province": "浙江",
        "group": "club",
    }
    assert {fact["person_id"] for fact in facts(home)} == {person.pk}
    origin = Acquisition.objects.get()
    assert (origin.person_id, origin.kind, origin.code) == (person.pk, "ad", "douyin")


def test_consumers_leave_a_sign_of_their_pace(client: Client, home: Home) -> None:
    client.batch(*(track(str(n)) for n in range(10)))
    consume(home, client.clock)
    sign = Consumer.objects.get()
    assert (sign.events, sign.at) == (10, NOW)
    assert sign.seconds > 0


def test_draining_takes_what_waits_and_no_more(client: Client, home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    client.batch(*(track(str(n)) for n in range(10)))
    assert drain(home=home, clock=client.clock) == 0
    assert len(facts(home)) == 10
    assert uuid.UUID(facts(home)[0]["event_id"])
