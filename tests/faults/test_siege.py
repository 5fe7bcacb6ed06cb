"""All paths at once against providers that break, with kills: nothing arrives against a rule, and nothing twice."""

from __future__ import annotations

import random
import time
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from huitou.accounts.models import Brand
from huitou.accounts.services import create_brand
from huitou.core.clock import FixedClock
from huitou.core.home import Home
from huitou.messaging import wire
from tests.faults.siege import START, Arrived, Siege, besiege, hold_against_paper, is_held_out, take_back

NOON = START + timedelta(hours=3)


@pytest.mark.django_db(transaction=True)
def test_a_short_siege(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wire, "LOOPBACK", True)
    create_brand(name="Brand", clock=FixedClock(START))
    Brand.objects.update(clock_now=START)
    told = besiege(home, customers=100, touches=240, rounds=2, seed=time.time_ns() % 1_000_000)
    assert told["arrived"] > 10, str(told)
    assert told["kills"] >= 4


def a_siege() -> Siege:
    siege = Siege(Home(Path("nowhere")), random.Random(1))
    for customer in range(100):
        for code in ("wecom", "sms", "app_push"):
            siege.agreed[customer, code] = [(START, True)]
    return siege


def outside(at: datetime = NOON) -> int:
    """A customer who is not held out."""
    return next(n for n in range(100) if not is_held_out(Arrived(at, "wecom", n, "")))


def held(at: datetime = NOON) -> int:
    return next(n for n in range(100) if is_held_out(Arrived(at, "wecom", n, "")))


def arrive(siege: Siege, *told: tuple[datetime, str, int, str]) -> None:
    for at, channel, customer, key in told:
        siege.arrived.append(Arrived(at, channel, customer, key))
        siege.kinds[key] = "service" if key.startswith("s") else "marketing"


def test_the_paper_lets_through_what_is_right() -> None:
    siege = a_siege()
    arrive(siege, (NOON, "wecom", outside(), "m1"), (NOON, "webhook", outside(), "s1"), (NOON, "wecom", held(), "s2"))
    hold_against_paper(siege)


@pytest.mark.parametrize(
    "told",
    [
        [(NOON, "wecom", outside(), "m1"), (NOON, "wecom", outside(), "m1")],
        [(NOON, "wecom", outside(), "m1"), (NOON, "webhook", outside(), "m2")],
        [(NOON + timedelta(days=n), "webhook", outside(), f"m{n}") for n in range(4)],
        [(NOON, "wecom", outside(), "s1"), (NOON, "wecom", outside(), "s2")],
        [(NOON, "wecom", held(), "m1")],
        [(NOON + timedelta(hours=9), "wecom", outside(), "m1")],
        [(NOON + timedelta(hours=8), "sms_aliyun", outside(), "m1")],
        [(NOON - timedelta(hours=4), "webhook", outside(), "s1")],
    ],
    ids=["twice", "two a day", "four a week", "quota of WeCom", "held out", "night", "SMS after eight", "morning"],
)
def test_the_paper_finds_every_breach(told: list[tuple[datetime, str, int, str]]) -> None:
    """Otherwise a siege that passes would say nothing."""
    siege = a_siege()
    arrive(siege, *told)
    with pytest.raises(AssertionError):
        hold_against_paper(siege)


def test_the_paper_finds_what_nobody_agreed_to() -> None:
    siege = a_siege()
    siege.agreed[outside(), "wecom"].append((NOON - timedelta(minutes=1), False))
    arrive(siege, (NOON, "wecom", outside(), "m1"))
    with pytest.raises(AssertionError, match="without consent"):
        hold_against_paper(siege)


def test_the_paper_forgives_what_was_taken_back_and_not_what_waited_beside_it() -> None:
    siege = a_siege()
    siege.arrived.append(Arrived(NOON, "wecom", outside(), "m1", "task-1"))
    siege.kinds["m1"] = siege.kinds["m2"] = siege.kinds["m3"] = "marketing"
    take_back(siege, "task-1")
    siege.arrived.append(Arrived(NOON, "webhook", outside(), "m2"))
    hold_against_paper(siege)
    siege.arrived.append(Arrived(NOON, "wecom", outside(), "m3", "task-2"))
    take_back(siege, "task-2")
    with pytest.raises(AssertionError, match="a day"):
        hold_against_paper(siege)
