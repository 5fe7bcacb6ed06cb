"""Entries, exits and sizes of random histories equal an account that is kept beside them in plain Python.

Orders arrive late, tags are given and taken, customers are joined and parted, definitions change, and the clock moves,
in any order between refreshes.
"""

from __future__ import annotations

import contextlib
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random
from typing import Any

import pytest

from huitou.accounts.models import Brand
from huitou.core.clock import FixedClock
from huitou.customers.models import Merge, PersonLink
from huitou.customers.services import CannotMergeError, merge_customers, undo_merge
from huitou.orders.queries import open_engine
from huitou.orders.tests.conftest import Feed
from huitou.segments.models import SegmentSize, TagAssignment
from huitou.segments.services import (
    archive_segment,
    change_segment,
    create_segment,
    create_tag,
    give_tags,
    set_tag_rule,
    take_tags,
)
from huitou.segments.tests.conftest import NOW, Refresh, buy, move_to, order, people

pytestmark = pytest.mark.django_db(transaction=True)
State = dict[tuple[str, int], datetime]


@dataclass
class Account:
    """What really happened, and what a refresh must make of it."""

    persons: list[int]
    orders: list[tuple[int, datetime]] = field(default_factory=list)
    tagged: set[int] = field(default_factory=set)
    least: int = 2
    archived: bool = False
    state: State = field(default_factory=dict)

    def customers(self) -> dict[int, int]:
        links = dict(PersonLink.objects.values_list("person_id", "customer_id"))
        return {person: links.get(person, person) for person in self.persons}

    def members(self, now: datetime) -> dict[str, set[int]]:
        owner = self.customers()
        everybody = set(owner.values())
        counts = {c: sum(owner[p] == c and at < now for p, at in self.orders) for c in everybody}
        lately = {owner[p] for p, at in self.orders if now - timedelta(30) <= at < now}
        often = {c for c in everybody if counts[c] >= self.least}
        tagged = {owner[p] for p in self.tagged}
        both = often & lately
        found = {
            "often": often,
            "lately": lately,
            "both": both,
            "tagged_idle": tagged - lately,
            "ruled": {c for c in both if c in everybody},
            "new_often": set(),
        }
        if self.archived:
            del found["tagged_idle"]
        return found

    def step(self, now: datetime) -> tuple[State, set[tuple[str, int, str]]]:
        """The next state, and the entries and exits that lead to it."""
        owner = self.customers()
        before: State = {}
        for (segment, person), since in self.state.items():
            key = (segment, owner[person])
            before[key] = min(before.get(key, since), since)
        members = self.members(now)
        after = {(s, c): before.get((s, c), now) for s, found in members.items() for c in found if s != "new_often"}
        # In "often" for at most five days: what a condition asks about entries is asked of this refresh's.
        for segment, customer in list(after):
            if segment == "often" and after[segment, customer] >= now - timedelta(5):
                after["new_often", customer] = before.get(("new_often", customer), now)
        moves = {(s, c, "entered") for s, c in after if (s, c) not in before}
        moves |= {(s, c, "left") for s, c in before if (s, c) not in after}
        self.state = after
        return after, moves


def define(clock: FixedClock) -> None:
    create_tag(name="t", clock=clock)
    create_tag(name="auto", clock=clock)
    often: dict[str, Any] = {"feature": "order_count", "is": ">=", "value": 2}
    lately = {"feature": "orders_30d", "is": ">=", "value": 1}
    create_segment(name="often", definition=often, clock=clock)
    create_segment(name="lately", definition=lately, clock=clock)
    create_segment(name="both", definition={"all": [{"segment": "often"}, {"segment": "lately"}]}, clock=clock)
    idle = {"all": [{"tag": "t"}, {"not": {"segment": "lately"}}]}
    create_segment(name="tagged_idle", definition=idle, clock=clock)
    set_tag_rule(tag="auto", definition={"segment": "both"}, clock=clock)
    create_segment(name="ruled", definition={"tag": "auto"}, clock=clock)
    create_segment(name="new_often", definition={"segment": "often", "entered_last_days": 5}, clock=clock)


def happen(random: Random, account: Account, feed: Feed, clock: FixedClock) -> None:
    """A few random things before the next refresh."""
    rows = []
    for _ in range(random.randrange(8)):
        person, at = (
            random.choice(account.persons),
            clock.instant - timedelta(minutes=random.randrange(1, 90_000) + 0.5),
        )
        rows.append(order(person, at, number=f"O{len(account.orders)}"))
        account.orders.append((person, at))
    random.shuffle(rows)
    cut = random.randrange(len(rows) + 1)
    buy(feed, rows[:cut])
    buy(feed, rows[cut:])
    for person in random.sample(account.persons, 2):
        owner = account.customers()
        if random.random() < 0.6:
            give_tags(customer_ids=[person], tag="t", clock=clock)
            account.tagged.add(owner[person])
        else:
            take_tags(customer_ids=[person], tag="t", clock=clock)
            account.tagged -= {p for p, customer in owner.items() if customer == owner[person]}
    if random.random() < 0.5:
        one, two = random.sample(account.persons, 2)
        with contextlib.suppress(CannotMergeError):
            merge_customers(person_a=one, person_b=two, clock=clock)
    elif random.random() < 0.5 and (merge := Merge.objects.filter(ended_at=None).order_by("pk").first()):
        undo_merge(merge_id=merge.pk, clock=clock)
    if random.random() < 0.3:
        account.least = random.choice((1, 2, 3))
        definition = {"feature": "order_count", "is": ">=", "value": account.least}
        change_segment(name="often", definition=definition, clock=clock)
    if random.random() < 0.15 and not account.archived:
        archive_segment(name="tagged_idle", clock=clock)
        account.archived = True


@pytest.mark.parametrize("seed", [0, *(pytest.param(seed, marks=pytest.mark.soak) for seed in range(1, 12))])
def test_membership_of_random_histories(seed: int, brand: Brand, feed: Feed, refreshed: Refresh) -> None:
    random = Random(seed)
    account, now, done = Account(people(9)), NOW, 0
    define(move_to(now))
    for _ in range(7):
        now += timedelta(days=random.choice((0, 1, 3, 12)), minutes=1)
        happen(random, account, feed, move_to(now))
        run = refreshed()
        if run.pk == done:
            continue
        done = run.pk
        state, moves = account.step(run.as_of)
        with open_engine() as engine:
            members = engine.to_pyarrow(engine.table("int_segment_members")).to_pylist()
            changes = engine.to_pyarrow(engine.table("fct_segment_changes")).to_pylist()
        told = {(m["segment"], m["person_id"]): m["entered_at"] for m in members}
        assert told == state, f"seed {seed}, run {run.pk}"
        own = [(c["segment"], c["person_id"], c["change"]) for c in changes if c["run"] == run.pk]
        assert len(own) == len(set(own))
        assert set(own) == moves
        for size in SegmentSize.objects.filter(run=run).select_related("segment"):
            name = size.segment.name
            assert size.size == sum(segment == name for segment, _customer in state)
            for change, count in (("entered", size.entered), ("left", size.left)):
                assert count == sum((s, how) == (name, change) for s, _customer, how in moves)
    ruled = TagAssignment.objects.filter(origin="rule", taken_at=None).values_list("person_id", flat=True)
    assert {account.customers()[p] for p in ruled} == {c for s, c in account.state if s == "ruled"}
