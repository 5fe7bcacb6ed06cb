"""What must hold of any order, whatever its events say: it never gives back more than it took."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta
from random import Random

from hypothesis import example, given, settings
from hypothesis import strategies as st

from huitou.sources.order_events.fold import fold_order
from huitou.sources.order_events.told import CANCELLED, COMPLETED, REFUNDED, UPDATED, ToldLine, ToldOrder

BEGIN = datetime(2024, 3, 1, tzinfo=UTC)


def sold(random: Random) -> tuple[ToldLine, ...]:
    lines = []
    for _ in range(random.randint(1, 4)):
        amount, returned = random.choice([0, 1, 7, 999, 2000]), random.random() < 0.15
        if not returned and random.random() < 0.2:
            amount = -random.choice([1, 500, 5000])
        lines.append(ToldLine(random.choice("xyz"), None, random.choice([5_000, 10_000, 30_000]), amount, 0, returned))
    return tuple(lines)


def brought_back(random: Random, *, priced: bool) -> tuple[ToldLine, ...]:
    prices = [0, 3, 999, -999, 70_000] + ([] if priced else [None, None, None])
    return tuple(
        ToldLine(random.choice("xyzw"), None, random.choice([5_000, 10_000, 90_000]), random.choice(prices))
        for _ in range(random.randint(1, 3))
    )


def refund(random: Random, *, money_told: bool) -> dict[str, object]:
    total = random.choice([0, 1, 777, 2500, 90_000])
    kind = random.choice(["products", "total", "both"] if money_told else ["products", "total", "both", "rest"])
    told: dict[str, object] = {}
    if kind in ("products", "both"):
        told["lines"] = brought_back(random, priced=money_told)
    if kind in ("total", "both"):
        told["total_minor"] = total
    return told


def history(seed: int, *, money_told: bool) -> list[ToldOrder]:
    random = Random(seed)
    events: list[ToldOrder] = []

    def say(name: str, **more: object) -> None:
        at = BEGIN + timedelta(hours=random.randint(0, 60))
        events.append(ToldOrder("shop", "A", name, at, random.randbytes(16), **more))  # type: ignore[arg-type]

    say(COMPLETED, lines=sold(random), discount_minor=random.choice([None, 0, 350]))
    for _ in range(random.choice([0, 1, 2, 5])):
        say(REFUNDED, refund_id=random.choice([None, None, "A", "r"]), **refund(random, money_told=money_told))
    if not money_told:
        for _ in range(random.choice([0, 0, 1])):
            say(UPDATED, status=random.choice(["refunded", "completed", "unpaid"]))
        if random.random() < 0.1:
            say(CANCELLED)
    return events


@settings(max_examples=400, deadline=None)
@given(seed=st.integers(0, 2**32), money_told=st.booleans())
@example(seed=1, money_told=False)
def test_an_order_gives_back_no_more_than_it_took(seed: int, money_told: bool) -> None:
    """Neither money nor pieces, of no product and not in all; and all of what was told, as far as that reaches."""
    events = history(seed, money_told=money_told)
    (document,) = fold_order(events)
    listed = len(next(event for event in events if event.name == COMPLETED).lines)
    first, refunds = document.lines[:listed], document.lines[listed:]
    took, money, pieces = 0, Counter[str](), Counter[str]()
    for line in first:
        sign = 1 if line.kind == "sale" else -1
        took += sign * line.amount_minor
        money[line.sku] += max(0, line.amount_minor) if sign > 0 else 0
        pieces[line.sku] += sign * line.units
    assert sum(line.amount_minor for line in refunds) <= max(0, took)
    back_money, back_pieces = Counter[str](), Counter[str]()
    for line in refunds:
        assert line.kind == "refund"
        assert min(line.units, line.amount_minor) >= 0 < line.units + line.amount_minor
        back_money[line.sku] += line.amount_minor
        back_pieces[line.sku] += line.units
    for sku, amount in back_money.items():
        assert amount <= money[sku], sku
    for sku, units in back_pieces.items():
        assert units <= max(0, pieces[sku]), sku
    if money_told:
        assert sum(line.amount_minor for line in refunds) == min(told_back(events), max(0, took))


def told_back(events: list[ToldOrder]) -> int:
    """What the refunds say went back in all: their total, else their products; of one number the last word."""
    back = sorted((e for e in events if e.name == REFUNDED), key=lambda e: (e.occurred_at, e.message_hash))
    words = {e.refund_id or e.message_hash.hex(): e for e in back}
    return sum(
        e.total_minor if e.total_minor is not None else sum(abs(line.amount_minor or 0) for line in e.lines)
        for e in words.values()
    )


@settings(max_examples=100, deadline=None)
@given(seed=st.integers(0, 2**32))
def test_the_order_of_arrival_changes_nothing(seed: int) -> None:
    events = history(seed, money_told=False)
    shuffled = [*events, *events]
    Random(seed).shuffle(shuffled)
    assert fold_order(shuffled) == fold_order(events)
