"""Joins in the figures: purchases of joined persons number through, and come apart again when the join is undone."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from huitou.accounts.models import Brand
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
        city = {"city": "上海" if person == 1 else "北京", "wechat": "wxid_abcdefghijklmnop", "tel": "13912345670"}
        Person.objects.create(pk=person, created_at=now, attributes=city, told_at={"city": person})
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
