"""What the console calls a person: enough to tell customers apart, never a whole name or phone."""

from __future__ import annotations

from collections.abc import Iterable

from django.db import connection

from huitou.console.formats import mask_name, mask_phone
from huitou.customers.groups import customers_of, members_of
from huitou.customers.identifier_kind import show_identifier
from huitou.customers.models import Identifier, Person


def customer_labels(person_ids: Iterable[int]) -> dict[int, str]:
    """By person id: the shop's number of its customer, else the masked name or phone; unknown persons are left out."""
    asked = customers_of(person_ids)
    members = members_of(asked.values())
    customer_by_person = {person: customer for customer, persons in members.items() for person in persons}
    labels: dict[int, str] = {}
    for person in Person.objects.filter(pk__in=customer_by_person).order_by("pk"):
        customer = customer_by_person[person.pk]
        name = mask_name(person.display_name) or (mask_phone(person.phone) if person.phone else "")
        if name and labels.get(customer, "#").startswith("#"):
            labels[customer] = name
        labels.setdefault(customer, f"#{customer}")
    numbers = Identifier.objects.filter(person_id__in=customer_by_person, kind="customer_id").order_by("person", "pk")
    seen: set[int] = set()
    for person_id, value in numbers.values_list("person_id", "value"):
        if (customer := customer_by_person[person_id]) not in seen:
            seen.add(customer)
            labels[customer] = show_identifier("customer_id", value)
    return {person: labels[customer] for person, customer in asked.items() if customer in labels}


def list_attributes(limit: int = 30) -> list[str]:
    """Names of the declared attributes that persons have, the most common first."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT name FROM customers_person, jsonb_object_keys(attributes) AS name"
            " GROUP BY name ORDER BY count(*) DESC, name LIMIT %s",
            [limit],
        )
        return [str(row[0]) for row in cursor.fetchall()]
