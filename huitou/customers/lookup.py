"""Recognizing a customer by one identifier, given exactly."""

from __future__ import annotations

from django.db.models import Q

from huitou.customers.groups import customers_of
from huitou.customers.identifier_kind import IDENTIFIER_KINDS
from huitou.customers.models import Identifier, Person


def find_customers(*, value: str, kind: str = "", namespace: str = "", limit: int = 20) -> list[int]:
    """Customers whom this identifier names: of any kind and namespace where these are empty.

    The value is read in each kind's own spelling, so that a phone with blanks or a country code is found too; phones
    that files gave without making them identifiers count as well. What is junk in every kind names nobody.
    """
    readings = Q()
    for declared in IDENTIFIER_KINDS:
        read = declared.normalize(value) if kind in ("", declared.kind) else None
        if read is not None:
            readings |= Q(kind=declared.kind, value=read)
    if not readings:
        return []
    named = Identifier.objects.filter(readings)
    if namespace:
        named = named.filter(namespace=namespace)
    persons = set(named.order_by("person_id").values_list("person_id", flat=True)[:limit])
    if kind in ("", "phone") and not namespace:
        given = Person.objects.filter(phone=value.strip()).order_by("pk")
        persons |= set(given.values_list("pk", flat=True)[:limit])
    return sorted(set(customers_of(persons).values()))[:limit]
