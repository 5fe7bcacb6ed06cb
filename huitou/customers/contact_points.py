"""Whole numbers and phones of many customers at once, for those who may export them."""

from __future__ import annotations

from collections.abc import Iterable

from huitou.customers.models import Identifier, Person
from huitou.customers.queries import customers_of, members_of

# What the brand knows a customer by, the best first; a buyer's account is told with its platform and shop.
_NUMBERS = ("customer_id", "member_no", "buyer_id", "unionid", "openid", "external_userid")


def contact_points(person_ids: Iterable[int]) -> dict[int, tuple[str, str]]:
    """By person id: the number that the brand knows the customer by, and a phone; empty where there is none."""
    asked = customers_of(person_ids)
    members = members_of(asked.values())
    customer_by_person = {person: customer for customer, persons in members.items() for person in persons}
    numbers: dict[int, tuple[int, str]] = {}
    phones: dict[int, str] = {}
    for person in Person.objects.filter(pk__in=customer_by_person).exclude(phone="").order_by("pk"):
        if "*" not in person.phone:
            phones.setdefault(customer_by_person[person.pk], person.phone)
    rows = Identifier.objects.filter(person_id__in=customer_by_person, kind__in=[*_NUMBERS, "phone"]).order_by("pk")
    for person_id, kind, namespace, value in rows.values_list("person_id", "kind", "namespace", "value"):
        customer = customer_by_person[person_id]
        if kind == "phone":
            phones.setdefault(customer, value)
        elif customer not in numbers or _NUMBERS.index(kind) < numbers[customer][0]:
            numbers[customer] = _NUMBERS.index(kind), f"{namespace}:{value}" if namespace else value
    return {
        person: (numbers[customer][1] if customer in numbers else "", phones.get(customer, ""))
        for person, customer in asked.items()
    }
