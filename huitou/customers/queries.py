"""Reads of the people register."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from django.db import connection

from huitou.customers.groups import customers_of, members_of
from huitou.customers.identifier_kind import IDENTIFIER_KINDS
from huitou.customers.models import Identifier, Person
from huitou.customers.sql import people, told

__all__ = [
    "count_persons",
    "customers_of",
    "decided_consents",
    "external_ids",
    "find_person",
    "find_person_ids",
    "list_identifiers",
    "may_contact",
    "members_of",
    "persons_of",
]
# Numbers that stand on cards and receipts may be typed in part; what reaches a person must be known whole.
_BY_BEGINNING = ("customer_id", "member_no")


def find_person(person_id: int) -> Person | None:
    """The person of that id."""
    return Person.objects.filter(pk=person_id).first()


def persons_of(person_id: int) -> list[int]:
    """Every person of the customer that this person belongs to, the customer's own id first."""
    customer = customers_of([person_id])[person_id]
    return members_of([customer])[customer]


def list_identifiers(person_id: int) -> list[Identifier]:
    """Every identifier of the person's customer, in a fixed order."""
    return list(Identifier.objects.filter(person_id__in=persons_of(person_id)).order_by("kind", "namespace", "value"))


def external_ids(person_ids: Iterable[int]) -> dict[int, str]:
    """The shop's own customer number by person id; the first in order where a person has several."""
    found = Identifier.objects.filter(person_id__in=list(person_ids), kind="customer_id").order_by("-value", "person")
    return dict(found.values_list("person_id", "value"))


def count_persons() -> int:
    """How many persons are known."""
    return Person.objects.count()


def find_person_ids(text: str, *, limit: int = 500) -> list[int]:
    """Persons with an identifier of that value in any spelling, and the customers that they belong to.

    Where nobody has it, those whose customer or member number begins with the text, or whose name contains it.
    """
    text = text.strip()
    if not text:
        return []
    found = _having(text, limit)
    if not found:
        named = Person.objects.filter(display_name__icontains=text)
        numbered = Identifier.objects.filter(kind__in=_BY_BEGINNING, value__istartswith=text)
        found |= set(named.order_by("pk").values_list("pk", flat=True)[:limit])
        found |= set(numbered.order_by("person_id").values_list("person_id", flat=True)[:limit])
    return sorted(found | set(customers_of(found).values()))[:limit]


def _having(text: str, limit: int) -> set[int]:
    """Persons with exactly that identifier, and those whom files give the phone without making it an identifier."""
    read = {kind.kind: value for kind in IDENTIFIER_KINDS if (value := kind.normalize(text)) is not None}
    with connection.cursor() as cursor:
        cursor.execute(people.FIND_BY_VALUE, [list(read), list(read.values()), limit])
        found = {int(row[0]) for row in cursor.fetchall()}
    return found | set(Person.objects.filter(phone=text).order_by("pk").values_list("pk", flat=True)[:limit])


def may_contact(customer_id: int, channel: str, purpose: str, now: datetime) -> bool:
    """Whether the customer may be contacted at `now`, as PostgreSQL knows it this moment.

    A customer may be if the latest decision of each of its persons about this channel and purpose is a grant; persons
    who never decided say nothing, and without any decision the answer is no.
    """
    persons = persons_of(customer_id)
    with connection.cursor() as cursor:
        cursor.execute(told.MAY_CONTACT, {"persons": persons, "channel": channel, "purpose": purpose, "now": now})
        return bool(cursor.fetchone()[0])


def decided_consents(
    members: Mapping[int, Sequence[int]], subjects: Iterable[tuple[str, str]], now: datetime
) -> dict[tuple[int, str, str], bool]:
    """What customers decided about each (channel, purpose), as it stands at `now`: the rule of `may_contact`, set-wise.

    `members` gives all persons of each customer (`members_of`). By (customer, channel, purpose) whether it is a grant;
    who never decided is left out.
    """
    pairs = [(customer, person) for customer, persons in members.items() for person in persons]
    asked = sorted(set(subjects))
    if not pairs or not asked:
        return {}
    with connection.cursor() as cursor:
        cursor.execute(
            told.CONSENTS_OF_MANY,
            {
                "customers": [customer for customer, _person in pairs],
                "persons": [person for _customer, person in pairs],
                "channels": [channel for channel, _purpose in asked],
                "purposes": [purpose for _channel, purpose in asked],
                "now": now,
            },
        )
        return {(int(c), str(channel), str(purpose)): bool(given) for c, channel, purpose, given in cursor.fetchall()}
