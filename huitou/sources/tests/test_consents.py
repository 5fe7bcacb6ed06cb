"""Consents told by events: a withdrawal works at once whatever waits, clocks that run ahead, what cannot be read."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from huitou.core.home import Home
from huitou.customers.models import Consent, Identifier, Person
from huitou.customers.queries import may_contact
from huitou.sources.consuming.consumer import consume_once
from huitou.sources.models import DeadLetter, InboxEvent
from huitou.sources.tests.eventing import NOW, Client, consume, make_client, track

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def client() -> Iterator[Client]:
    made = make_client()
    yield made
    made.door.close()


def decide(name: str, *, at: datetime = NOW, **properties: Any) -> dict[str, Any]:
    return track(uuid4().hex, f"Consent {name}", timestamp=at.isoformat(), properties=properties)


def reachable(client: Client, channel: str = "sms", purpose: str = "marketing") -> bool:
    person = Identifier.objects.get(kind="customer_id", value="u1").person_id
    return may_contact(person, channel, purpose, client.clock.now())


@pytest.mark.parametrize("told", ["event", "trait"])
def test_a_withdrawal_does_not_wait_behind_a_backlog(client: Client, home: Home, told: str) -> None:
    """It is taken with the next batch, the rest of which is what came first; nothing is lost or taken twice."""
    client.batch(decide("Granted", channel="sms"))
    consume(home, client.clock)
    assert reachable(client)
    for _part in range(3):
        client.batch(*(track(uuid4().hex, userId=f"other{n}") for n in range(100)))
    entry = {"channel": "sms", "purpose": "marketing", "granted": False}
    identify = {"type": "identify", "messageId": uuid4().hex, "userId": "u1", "traits": {"consents": [entry]}}
    client.batch(decide("Withdrawn", channel="sms") if told == "event" else identify)
    first = InboxEvent.objects.order_by("pk")[9].pk
    assert consume_once(home=home, clock=client.clock, limit=10).claimed == 10
    assert not reachable(client)
    assert InboxEvent.objects.earliest("pk").pk == first
    assert InboxEvent.objects.count() == 291
    assert consume(home, client.clock).accepted == 291
    assert Consent.objects.count() == 2


def test_a_clock_ahead_outlives_no_withdrawal(client: Client, home: Home) -> None:
    """A grant dated hours ahead counts from its arrival; what is told an hour later replaces it. Traits likewise."""
    ahead = NOW + timedelta(hours=20)
    city = {"type": "identify", "userId": "u1", "timestamp": ahead.isoformat(), "traits": {"city": "Shanghai"}}
    client.batch(decide("Granted", at=ahead, channel="sms"), city)
    consume(home, client.clock)
    assert reachable(client)
    client.clock.instant = later = NOW + timedelta(hours=1)
    city = {**city, "timestamp": later.isoformat(), "traits": {"city": "Beijing"}}
    client.batch(decide("Withdrawn", at=later, channel="sms"), city)
    consume(home, client.clock)
    client.clock.instant = ahead + timedelta(hours=1)
    assert not reachable(client)
    assert Person.objects.get(identifiers__value="u1").attributes["city"] == "Beijing"


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        ({}, ("*", "*")),
        ({"channel": "sms"}, ("sms", "*")),
        ({"purpose": "marketing"}, ("*", "marketing")),
        ({"channel": "sms", "purpose": None}, ("sms", "*")),
    ],
)
def test_a_withdrawal_is_of_all_that_it_does_not_name(
    client: Client, home: Home, told: dict[str, Any], expected: tuple[str, str]
) -> None:
    client.batch(decide("Granted", channel="sms"), decide("Withdrawn", **told))
    consume(home, client.clock)
    withdrawn = Consent.objects.get(granted=False)
    assert (withdrawn.channel, withdrawn.purpose) == expected
    assert not reachable(client)


@pytest.mark.parametrize(
    ("entry", "word"),
    [
        ({"channel": "sms", "granted": "false"}, "granted is neither"),
        ({"channel": "sms"}, "granted is neither"),
        ({"channel": "sms", "granted": True, "purpose": None}, "purpose is missing"),
        ({"granted": True}, "channel is missing"),
        ({"channel": "*", "granted": True}, "only a withdrawal"),
        ({"channel": 7, "granted": False}, "channel is no word"),
        ("sms", "not an object"),
    ],
)
def test_what_cannot_be_read_is_refused_with_the_reason(client: Client, home: Home, entry: Any, word: str) -> None:
    """The event waits among the refused; what it says besides is kept, a withdrawal above all."""
    good = {"channel": "email", "purpose": "marketing", "granted": False}
    client.batch({"type": "identify", "messageId": uuid4().hex, "userId": "u1", "traits": {"consents": [entry, good]}})
    assert consume(home, client.clock).refused == 1
    letter = DeadLetter.objects.get()
    assert letter.reason == "consent_unreadable"
    assert letter.detail.startswith(f"consents[0]: {word}")
    assert [(c.channel, c.granted) for c in Consent.objects.all()] == [("email", False)]
