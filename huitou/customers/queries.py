"""Reads of the people register."""

from __future__ import annotations

from collections.abc import Iterable

from huitou.customers.models import Identifier, Person


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
