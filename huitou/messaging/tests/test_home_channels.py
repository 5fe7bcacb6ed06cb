"""Customers hear first where they respond, then over the channel that belongs to where they buy."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from huitou.accounts.models import Brand
from huitou.core.errors import DomainError
from huitou.core.home import Home
from huitou.customers.joining import merge_customers
from huitou.messaging.buying import usual_sales_channels
from huitou.messaging.channel import Address
from huitou.messaging.governor import Candidate, Climate, Standing, Way, judge
from huitou.messaging.models import ChannelAccount, Touch
from huitou.messaging.operating import change_policy
from huitou.messaging.outbox import send_due
from huitou.messaging.rules import Rules
from huitou.messaging.services import request_touches
from huitou.messaging.tests.stage import NOON, Recorder, ask, make_customer
from huitou.messaging.tests.test_end_to_end import CLOCK
from huitou.messaging.tests.test_timing import SHANGHAI
from huitou.orders.refresh import refresh
from huitou.orders.tests.conftest import Feed, feed
from huitou.segments.tests.conftest import order

__all__ = ["feed"]
pytestmark = pytest.mark.django_db


def bought(person: int, days_ago: float, channel: str | None) -> dict[str, object]:
    return order(person, NOON - timedelta(days=days_ago)) | {"channel": channel}


@pytest.fixture
def buyers(accounts: dict[str, ChannelAccount], home: Home, feed: Feed) -> dict[str, int]:
    """By name; `joined` is two persons who together buy at tmall most."""
    names = ("tmall", "mini", "even", "none", "old", "joined", "other")
    people = {name: make_customer() for name in names}
    lines = [bought(people["tmall"], d, "tmall") for d in (1, 2, 3)] + [bought(people["tmall"], 0.5, "mini_program")]
    lines += [bought(people["mini"], 4, "mini_program"), bought(people["none"], 4, None)]
    lines += [bought(people["even"], 9, "mini_program"), bought(people["even"], 5, "tmall")]
    lines += [bought(people["old"], 400, "tmall")]
    lines += [bought(people["joined"], d, "mini_program") for d in (1, 2)]
    lines += [bought(people["other"], d, "tmall") for d in (10, 11, 12)]
    feed(lines)
    brand = Brand.objects.get()
    refresh(home=home, brand=brand, clock=brand.clock)
    merge_customers(person_a=people["joined"], person_b=people["other"], clock=CLOCK)
    return people


def went_over(people: dict[str, int], names: tuple[str, ...]) -> dict[str, str]:
    request_touches([ask(n, people[n], channels=("chat", "text")) for n in names], clock=CLOCK)
    send_due(clock=CLOCK)
    return {name: Touch.objects.get(key=name).channel for name in names}


def test_the_channel_of_most_purchases_of_a_year_and_of_equal_ones_the_latest(buyers: dict[str, int]) -> None:
    members = {pk: [pk] for name, pk in buyers.items() if name not in ("joined", "other")}
    members[buyers["joined"]] = [buyers["joined"], buyers["other"]]
    found = usual_sales_channels(members, NOON)
    names = {pk: name for name, pk in buyers.items()}
    assert {names[pk]: code for pk, code in found.items()} == {
        "tmall": "tmall",
        "mini": "mini_program",
        "even": "tmall",
        "joined": "tmall",
    }


def test_who_buys_there_hears_that_way_first(buyers: dict[str, int], recorder: Recorder) -> None:
    names = ("tmall", "mini", "even", "none", "old", "joined")
    change_policy(changes={"home_channels": {"text": ["tmall"]}}, clock=CLOCK)
    assert went_over(buyers, names) == {
        "tmall": "text",
        "mini": "chat",
        "even": "text",
        "none": "chat",
        "old": "chat",
        "joined": "text",
    }


def test_where_the_customer_responds_comes_before_where_it_buys() -> None:
    rules = Rules(zone=SHANGHAI, home={"text": frozenset({"tmall"})})
    ways = tuple(Way(n, kind, kind, kind, ("phone",)) for n, kind in enumerate(("chat", "text")))
    candidate = Candidate(1, 1, "marketing", ways, NOON + timedelta(days=1))
    known: dict[str, Any] = {"addresses": {"phone": [Address("phone", "", "1")]}, "bought_in": "tmall"}
    consents = frozenset({("chat", "marketing"), ("text", "marketing")})
    silent = Standing(consents=consents, **known, responses={"chat": (2, 2)})
    talking = Standing(consents=consents, **known, responses={"chat": (5, 4)})
    found = [judge(candidate, standing, rules, Climate(), NOON).way for standing in (silent, talking)]
    assert [way.kind for way in found if way] == ["text", "chat"]


def test_where_nothing_is_set_the_order_that_was_asked_for_stands(buyers: dict[str, int], recorder: Recorder) -> None:
    assert went_over(buyers, ("tmall", "mini")) == {"tmall": "chat", "mini": "chat"}


@pytest.mark.parametrize(
    "told",
    [{"smoke": ["tmall"]}, {"text": "tmall"}, {"text": [""]}, {"text": ["tmall"], "chat": ["tmall"]}],
)
def test_what_cannot_be_meant_is_refused(accounts: dict[str, ChannelAccount], told: object) -> None:
    with pytest.raises(DomainError):
        change_policy(changes={"home_channels": told}, clock=CLOCK)
