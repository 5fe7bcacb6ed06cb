"""What a batch holds and leaves: bounded in bytes, and never dropping what was acknowledged."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest

from huitou.core.home import Home
from huitou.sources.consuming import consumer
from huitou.sources.consuming import sql as consuming_sql
from huitou.sources.consuming.consumer import consume_once
from huitou.sources.dead_letters import replay_edited
from huitou.sources.models import DeadLetter, FeedDay, InboxEvent
from huitou.sources.tests.eventing import NOW, Client, consume, facts, track


def order(**more: Any) -> dict[str, Any]:
    """An order event that the consumer refuses: no brand is set up."""
    return track("same", "Order Completed", properties={"order_id": "7"}, **more)


def test_the_twin_of_a_refused_event_is_taken(client: Client, home: Home) -> None:
    assert client.batch(order(), track("same", "Product Viewed"), track("same", "Product Viewed")).status == 200
    first = consume_once(home=home, clock=client.clock)
    assert (first.claimed, first.accepted, first.repeated, first.refused) == (1, 0, 0, 1)
    assert InboxEvent.objects.count() == 2
    second = consume(home, client.clock)
    assert (second.accepted, second.repeated) == (1, 1)
    assert [fact["name"] for fact in facts(home)] == ["Product Viewed"]
    day = FeedDay.objects.get()
    assert (day.received, day.accepted, day.rejected, day.repeated) == (3, 1, 1, 1)


def test_a_mended_letter_is_not_lost_behind_a_twin_that_is_refused(client: Client, home: Home) -> None:
    client.batch(track("same", timestamp="yesterday"))
    letter = DeadLetter.objects.get()
    client.batch(order())
    replay_edited(letter_id=letter.pk, payload=json.dumps(track("same")).encode(), clock=client.clock)
    consume(home, client.clock)
    assert [fact["name"] for fact in facts(home)] == ["Product Viewed"]
    assert not InboxEvent.objects.exists()


@pytest.mark.parametrize(("most", "claims"), [(1, [1, 1, 1, 1, 1]), (2_500, [3, 2]), (1_000_000, [5])])
def test_a_batch_is_bounded_in_bytes(
    client: Client, home: Home, monkeypatch: pytest.MonkeyPatch, most: int, claims: list[int]
) -> None:
    monkeypatch.setattr(consumer, "BATCH_BYTES", most)
    context = {"page": {"path": "/" + "p" * 900}}
    answer = client.batch(*(track(f"m{n}") for n in range(5)), context=context)
    assert answer.status == 200, answer.json
    found = [consume_once(home=home, clock=client.clock) for _ in claims]
    assert [consumed.claimed for consumed in found] == claims
    assert [consumed.full for consumed in found[:-1]] == [True] * (len(claims) - 1)
    assert not InboxEvent.objects.exists()


def test_a_clock_that_jumps_forgets_nothing(client: Client, home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(consuming_sql, "DATABASE_DAY", "SELECT DATE '2026-03-11'")
    client.batch(track("a"))
    consume(home, client.clock)
    for later in (timedelta(days=400), timedelta(days=1)):
        client.clock.instant = NOW + later
        client.batch(track("a"), track(f"b{later.days}"))
        consumed = consume(home, client.clock)
        assert (consumed.accepted, consumed.repeated) == (1, 1)
