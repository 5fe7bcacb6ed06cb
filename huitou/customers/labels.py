"""What the console calls a person: enough to tell customers apart, never a whole name or phone."""

from __future__ import annotations

from collections.abc import Iterable

from django.db import connection

from huitou.console.formats import mask_name, mask_phone
from huitou.customers.models import Identifier, Person


def customer_labels(person_ids: Iterable[int]) -> dict[int, str]:
    """By person id: the shop's customer number, else the masked name; persons unknown to the register are left out."""
    ids = list(person_ids)
    labels: dict[int, str] = {}
    for person in Person.objects.filter(pk__in=ids):
        name = mask_name(person.display_name)
        labels[person.pk] = name or mask_phone(person.phone) or f"#{person.pk}"
    numbers = Identifier.objects.filter(person_id__in=ids, kind="customer_id").order_by("person_id", "pk")
    seen: set[int] = set()
    for person_id, value in numbers.values_list("person_id", "value"):
        if person_id not in seen:
            seen.add(person_id)
            labels[person_id] = mask_identifier(value)
    return labels


def mask_identifier(value: str) -> str:
    """A customer number as it is, unless it is a phone number or an e-mail address: those are masked."""
    digits = value.lstrip("+").replace("-", "").replace(" ", "")
    if digits.isascii() and digits.isdigit() and len(digits) == 11 and digits.startswith("1"):
        return mask_phone(digits)
    name, at, host = value.partition("@")
    return f"{name[:1]}***@{host}" if at and "." in host else value


def list_attributes(limit: int = 30) -> list[str]:
    """Names of the declared attributes that persons have, the most common first."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT name FROM customers_person, jsonb_object_keys(attributes) AS name"
            " GROUP BY name ORDER BY count(*) DESC, name LIMIT %s",
            [limit],
        )
        return [str(row[0]) for row in cursor.fetchall()]
