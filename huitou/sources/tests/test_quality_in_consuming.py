"""The tracking plan and the feeds' counters in the real consumer: what is kept where, and what is counted once."""

from __future__ import annotations

import json

import pytest

from huitou.accounts.queries import get_brand
from huitou.accounts.services import create_brand
from huitou.core.home import Home
from huitou.customers.models import Milestone, Person
from huitou.sources.dead_letters import replay_edited, replay_letters
from huitou.sources.feeds.queries import find_feed
from huitou.sources.intake.messages import event_hash
from huitou.sources.models import DeadLetter, EventDetail, FeedDay, PlanProblem
from huitou.sources.tests.eventing import Client, consume, facts, track
from huitou.sources.tracking.services import declare_event

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _brand(client: Client) -> None:
    create_brand(name="Test", clock=client.clock)


def counted() -> dict[str, int]:
    names = ("received", "accepted", "rejected", "repeated", "complete", "invalid")
    return {name: value for name in names if (value := getattr(FeedDay.objects.get(), name))}


def test_what_the_plan_calls_personal_stays_beside_the_customer_and_its_words_go_to_the_lake(
    client: Client, home: Home
) -> None:
    """A code that looks harmless but is declared personal, and a word that only the plan vouches for."""
    properties: dict[str, dict[str, object]] = {"tattoo": {"type": "code", "personal": True}, "mood": {"type": "text"}}
    declare_event(name="Poll Answered", clock=client.clock, properties=properties)
    told = {"tattoo": "rose", "mood": "很开心", "other": "很难过"}
    client.batch(track("m1", "Poll Answered", properties=told))
    consume(home, client.clock)
    assert json.loads(facts(home)[0]["properties"]) == {"mood": "很开心"}
    assert EventDetail.objects.get().properties == {"tattoo": "rose", "other": "很难过"}
    problem = PlanProblem.objects.get()
    assert (problem.problem, problem.property) == ("unplanned_property", "other")
    assert "很难过" not in str(problem.example)


def test_every_arrival_is_counted_once_wherever_it_is_refused(client: Client, home: Home) -> None:
    """At the door (too large), by the consumer (an order that lacks its products), repeated, and taken."""
    good, late = track("m1", properties={"product_id": "p"}), track("m2", properties={})
    large = track("m3", properties={"product_id": "x" * 40_000})
    client.batch(good, late, large, track("m4", "Order Completed", properties={"order_id": "A"}))
    assert counted() == {"received": 1, "rejected": 1}
    consume(home, client.clock)
    expected = {"received": 4, "accepted": 2, "rejected": 2, "complete": 1, "invalid": 1}
    assert counted() == expected
    client.batch(good, good)
    consume(home, client.clock)
    assert counted() == {**expected, "received": 6, "repeated": 2}
    assert set(DeadLetter.objects.values_list("reason", flat=True)) == {"too_large", "order_incomplete"}
    # What is replayed and refused once more is no new arrival; what is taken now is refused no longer.
    replay_letters(clock=client.clock, reason="order_incomplete")
    consume(home, client.clock)
    assert counted() == {**expected, "received": 6, "repeated": 2}
    letter = DeadLetter.objects.get(reason="order_incomplete")
    mended = track("m4", properties={"product_id": "p1", "name": "x"})
    replay_edited(letter_id=letter.pk, payload=json.dumps(mended).encode(), clock=client.clock)
    consume(home, client.clock)
    taken = {**expected, "received": 6, "repeated": 2, "accepted": 3, "rejected": 1, "complete": 2}
    assert counted() == taken
    # A letter whose message came another way meanwhile.
    DeadLetter.objects.filter(pk=letter.pk).update(state="open")
    replay_letters(clock=client.clock, ids=[letter.pk])
    assert consume(home, client.clock).repeated == 1
    assert counted() == taken


def test_what_an_identify_call_tells_badly_is_counted_and_told(client: Client, home: Home) -> None:
    """A birthday that is no day, on the right one of three events of one customer; the rest of it is taken."""
    told: list[dict[str, object]] = [
        {"birthday": "1990-05-17"},
        {"birthday": "soon", "city": "上海", "note": "x" * 3000},
        {"city": "杭州"},
    ]
    client.batch(*(track(f"i{n}", None, type="identify", traits=traits) for n, traits in enumerate(told)))
    client.batch(track("c", "Consent Granted", properties={"channel": "\u200b", "purpose": "marketing"}))
    assert consume(home, client.clock).accepted == 4
    assert counted() == {"received": 4, "accepted": 4, "complete": 4, "invalid": 2}
    found = {(one.event, one.property): one for one in PlanProblem.objects.filter(problem="untaken")}
    assert set(found) == {("Identify", "birthday"), ("Identify", "note"), ("Consent Granted", "consent")}
    example = dict(found["Identify", "birthday"].example)
    assert example.pop("event_id") == event_hash("shop", "i1").hex()
    assert example == {"kind": "text", "length": 4}
    assert Milestone.objects.get().value == "1990-05-17"
    assert Person.objects.get().attributes["city"] in ("上海", "杭州")
    feed = find_feed("shop", brand=get_brand(), clock=client.clock)
    assert feed is not None
    assert (feed.share("invalid"), "invalid" in feed.attention) == (0.5, True)
