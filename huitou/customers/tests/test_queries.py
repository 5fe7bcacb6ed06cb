"""Search by any identifier in any spelling, and what the console calls people."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from huitou.core.clock import FixedClock
from huitou.customers.labels import customer_labels
from huitou.customers.models import Person
from huitou.customers.queries import find_person_ids, list_identifiers, persons_of
from huitou.customers.services import Sighting, merge_customers, resolve_sightings

NOW = datetime(2024, 5, 1, tzinfo=UTC)
CLOCK = FixedClock(NOW)
pytestmark = pytest.mark.django_db


@pytest.fixture
def two() -> tuple[int, int]:
    """Li with a customer number, phone and address; Han with a WeChat user and a buyer account."""
    known = {
        0: (("customer_id", "", "VIP-7"), ("phone", "", "13912345670"), ("email", "", "li.lei@qq.com")),
        1: (("openid", "wx1", "oGZUI0egBJY1zhBYw2KhdUfwVJJE"), ("buyer_id", "taobao:旗舰店", "木子妈妈")),
    }
    sightings = [Sighting(ref, identifiers, NOW) for ref, identifiers in known.items()]
    found = resolve_sightings(sightings=sightings, source="t", clock=CLOCK)
    Person.objects.filter(pk=found[0]).update(display_name="李雷", phone="13912345670")
    Person.objects.filter(pk=found[1]).update(display_name="韩梅梅")
    return found[0], found[1]


@pytest.mark.parametrize(
    ("text", "places"),
    [
        ("李", [0]),
        ("vip-", [0]),
        ("+86 139 1234 5670", [0]),
        ("１３９１２３４５６７０", [0]),
        ("LI.LEI@QQ.com", [0]),
        ("木子妈妈", [1]),
        ("oGZUI0egBJY1zhBYw2KhdUfwVJJE", [1]),
        ("oGZUI0", []),
        ("1391234", []),
        ("木子", []),
        (" ", []),
    ],
)
def test_people_are_found_by_any_identifier(two: tuple[int, int], text: str, places: list[int]) -> None:
    """Whole values in any spelling; what reaches a person cannot be guessed piece by piece."""
    assert find_person_ids(text) == [two[place] for place in places]


def test_who_has_exactly_the_number_is_found_alone() -> None:
    """Others whose numbers or names contain it are looked for where nobody has it."""
    numbers = ("d1", "d10", "d11")
    sightings = [Sighting(n, (("customer_id", "", number),), NOW) for n, number in enumerate(numbers)]
    found = resolve_sightings(sightings=sightings, source="t", clock=CLOCK)
    given = Person.objects.create(display_name="d1 的朋友", phone="021-5555 d", created_at=NOW)
    assert find_person_ids("d1") == [found[0]]
    assert find_person_ids(" d10 ") == [found[1]]
    assert find_person_ids("D") == sorted([*found.values(), given.pk])
    assert find_person_ids("021-5555 d") == [given.pk]


def test_joined_persons_are_found_and_called_as_one(two: tuple[int, int]) -> None:
    """Search brings the customer as well; the label is the shop's number, wherever it came from; ids stay masked."""
    li, han = two
    before = customer_labels([li, han])
    assert before == {li: "VIP-7", han: "韩**"}
    merge_customers(person_a=li, person_b=han, clock=CLOCK)
    customer = min(two)
    assert customer_labels([li, han]) == {li: "VIP-7", han: "VIP-7"}
    assert find_person_ids("木子妈妈") == sorted({customer, han})
    assert persons_of(han) == [customer, max(two)]
    assert len(list_identifiers(han)) == 5
    assert customer_labels([999_999]) == {}
