"""Joins in the figures: purchases of joined persons number through, and come apart again when the join is undone."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta
from random import Random

import pytest

from huitou.accounts.models import Brand
from huitou.analytics.rules import Exclusions
from huitou.analytics.tests.histories import START, order_lines
from huitou.analytics.tests.order_oracle import answer
from huitou.core.home import Home
from huitou.customers.models import Milestone, Person
from huitou.customers.services import merge_customers, undo_merge
from huitou.orders.queries import customer_features, list_customers, open_engine, order_timeline
from huitou.orders.refresh import refresh
from huitou.orders.tests.conftest import Feed
from huitou.orders.tests.test_queries import line


@pytest.fixture
def now(home: Home, brand: Brand, feed: Feed) -> datetime:
    """Persons 1 and 2 buy in turns; 3 was known before and never bought."""
    now = brand.now()
    days = timedelta(days=1)
    for person in (1, 2):
        naming = {"wechat": "wxid_abcdefghijklmnop", "tel": "13912345670", "memberNo": "M1", "inviter_id": "C2"}
        told = {
            "city": "上海" if person == 1 else "北京",
            **naming,
            "id_card": "X1",
            "receiverName": "Li",
            "会员号": "M1",
        }
        Person.objects.create(pk=person, created_at=now, attributes=told, told_at={"city": person})
    Person.objects.create(pk=3, created_at=now, known_since=now - 9 * days)
    feed([line(f"o{n}", now - (9 - n) * days, 1 + n % 2) for n in range(4)])
    feed([line("c1", now - days, 2, status="unpaid")])
    return now


def told(home: Home, brand: Brand) -> dict[str, tuple[int, int | None]]:
    """Customer and purchase number by order, after a refresh."""
    refresh(home=home, brand=brand, clock=brand.clock)
    with open_engine() as engine:
        rows = engine.to_pyarrow(engine.table("int_orders")).to_pylist()
    return {row["order_id"]: (row["person_id"], row["purchase_no"]) for row in rows}


def attributes() -> dict[tuple[int, str], str]:
    with open_engine() as engine:
        rows = engine.to_pyarrow(engine.table("dim_person_attributes")).to_pylist()
    return {(row["person_id"], row["attribute"]): row["value"] for row in rows}


def test_purchases_of_joined_persons_number_through_until_the_join_is_undone(
    home: Home, brand: Brand, now: datetime
) -> None:
    apart = {"o0": (1, 1), "o1": (2, 1), "o2": (1, 2), "o3": (2, 2)}
    assert told(home, brand) == apart
    merge = merge_customers(person_a=2, person_b=3, clock=brand.clock)
    merge_customers(person_a=1, person_b=2, clock=brand.clock)
    assert [e.order_id for e in order_timeline(2)] == ["c1", "o3", "o2", "o1", "o0"], "before the next refresh, too"
    assert told(home, brand) == {"o0": (1, 1), "o1": (1, 2), "o2": (1, 3), "o3": (1, 4)}
    assert [row.person_id for row in list_customers().rows] == [1]
    features = customer_features(3)
    assert features is not None
    assert (features["person_id"], features["order_count"]) == (1, 4)
    assert attributes() == {(1, "city"): "北京"}, "of two values the one told later, and nothing that names anybody"
    undo_merge(merge_id=merge.pk, clock=brand.clock)
    assert {e.order_id for e in order_timeline(1)} == {"o0", "o1", "o2", "o3", "c1"}
    assert order_timeline(3) == []
    told(home, brand)
    assert [row.person_id for row in list_customers(sort="person_id").rows] == [1, 3]


def test_an_excluded_person_excludes_its_customer(home: Home, brand: Brand, now: datetime) -> None:
    """Staff stay out of the figures, whoever they turn out to be."""
    brand.exclusions = {"person_ids": [2]}
    merge_customers(person_a=1, person_b=2, clock=brand.clock)
    assert set(told(home, brand).values()) == {(1, None)}


def test_milestones_reach_analysis_without_their_day(home: Home, brand: Brand, now: datetime) -> None:
    """The month of a birthday and of a child's birth; the latest told counts."""
    for at, kind, value in (
        (1, "birthday", "1990-05-17"),
        (2, "child_birth_date", "2023-11-02"),
        (1, "height_cm", "172"),
    ):
        Milestone.objects.create(
            person_id=1, kind=kind, value=value, at=datetime(2024, 1, at, tzinfo=UTC), recorded_at=now
        )
    told(home, brand)
    assert attributes() == {
        (1, "birth_month"): "05",
        (1, "child_birth_month"): "2023-11",
        (1, "city"): "上海",
        (2, "city"): "北京",
    }


def _joined(pairs: list[tuple[int, int]], person: int) -> int:
    """The smallest person that the pairs connect with this one."""
    together = {person}
    for _again in pairs:
        together |= {p for pair in pairs if set(pair) & together for p in pair}
    return min(together)


@pytest.mark.parametrize("seed", [1, *(pytest.param(seed, marks=pytest.mark.soak) for seed in range(2, 8))])
def test_figures_follow_random_joins_and_undoings_with_orders_in_between(
    home: Home, brand: Brand, feed: Feed, seed: int
) -> None:
    """After every step all order tables are those of a plain account told the customers; facts never change."""
    random = Random(seed)
    lines: list[dict[str, object]] = []
    merges: dict[int, tuple[int, int]] = {}
    for step in range(5):
        fresh = [row for case in range(3) for row in order_lines(random, case=case, orders=8) if row["batch_id"] == 1]
        feed(fresh)
        lines += [row | {"batch_id": step} for row in fresh]
        people = sorted({int(str(row["person_id"])) for row in lines if row["person_id"] is not None})
        for person in people:
            Person.objects.get_or_create(pk=person, defaults={"created_at": START})
        if merges and random.random() < 0.5:
            merge_id = random.choice(sorted(merges))
            undo_merge(merge_id=merge_id, clock=brand.clock)
            del merges[merge_id]
        for _attempt in range(2):
            a, b = random.sample(people, 2)
            if _joined(list(merges.values()), a) != _joined(list(merges.values()), b):
                merges[merge_customers(person_a=a, person_b=b, clock=brand.clock).pk] = (a, b)
        refresh(home=home, brand=brand, clock=brand.clock)
        pairs = list(merges.values())
        told_lines = [
            row | {"person_id": None if row["person_id"] is None else _joined(pairs, int(str(row["person_id"])))}
            for row in lines
        ]
        account = answer(told_lines, {}, as_of=brand.now(), zone=brand.zone, exclusions=Exclusions())
        with open_engine() as engine:
            rows = engine.to_pyarrow(engine.table("int_orders")).to_pylist()
            customers = engine.to_pyarrow(engine.table("feat_customers"))["person_id"].to_pylist()
            facts = engine.to_pyarrow(engine.table("fct_order_lines"))["person_id"].to_pylist()
        assert {(r.pop("source"), r.pop("order_id")): r for r in rows} == account.orders
        assert set(customers) == account.buyers
        assert Counter(facts) == Counter(row["person_id"] for row in lines)
