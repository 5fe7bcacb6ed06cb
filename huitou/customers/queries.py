"""Reads of the people register."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from django.db import connection

from huitou.customers.groups import customers_of, members_of
from huitou.customers.models import Identifier, Person
from huitou.customers.sql import told


def find_person(person_id: int) -> Person | None:
    """The person of that id."""
    return Person.objects.filter(pk=person_id).first()


def list_identifiers(person_id: int) -> list[Identifier]:
    """Every identifier of the person, in a fixed order."""
    return list(Identifier.objects.filter(person_id=person_id).order_by("kind", "namespace", "value"))


def external_ids(person_ids: Iterable[int]) -> dict[int, str]:
    """The shop's own customer number by person id; the first in order where a person has several."""
    found = Identifier.objects.filter(person_id__in=list(person_ids), kind="customer_id").order_by("-value", "person")
    return dict(found.values_list("person_id", "value"))


def count_persons() -> int:
    """How many persons are known."""
    return Person.objects.count()


def may_contact(customer_id: int, channel: str, purpose: str, now: datetime) -> bool:
    """Whether the customer may be contacted at `now`, as PostgreSQL knows it this moment.

    A customer may be if the latest decision of each of its persons about this channel and purpose is a grant; persons
    who never decided say nothing, and without any decision the answer is no.
    """
    customer = customers_of([customer_id])[customer_id]
    persons = members_of([customer])[customer]
    with connection.cursor() as cursor:
        cursor.execute(told.MAY_CONTACT, {"persons": persons, "channel": channel, "purpose": purpose, "now": now})
        return bool(cursor.fetchone()[0])
