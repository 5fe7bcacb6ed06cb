"""What the people register keeps of a person."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Model, Q, QuerySet

from huitou.customers.identifier_kind import Key
from huitou.customers.mentions import Mentions, find_mentions
from huitou.customers.models import (
    Acquisition,
    Consent,
    Identifier,
    IdentifierUse,
    Merge,
    Milestone,
    Person,
    ReviewCase,
)
from huitou.customers.needles import Needles

PERSONAL = (
    "Person",
    "Identifier",
    "IdentifierUse",
    "Merge",
    "ReviewCase",
    "Consent",
    "Milestone",
    "Acquisition",
)
IMPERSONAL = {"Barrier": "numbers of persons, and the operator who decided"}


def export(person_ids: Sequence[int], identifiers: Sequence[Key]) -> dict[str, Any]:
    """Names, identifiers, traits, consents, milestones, joins and where each person came from."""
    both = Q(person_a__in=person_ids) | Q(person_b__in=person_ids)
    own = {"person_id__in": person_ids}
    return {
        "persons": _rows(Person.objects.filter(pk__in=person_ids), "told_at"),
        "identifiers": _rows(Identifier.objects.filter(**own)),
        "seen_with": _rows(IdentifierUse.objects.filter(**own)),
        "consents": _rows(Consent.objects.filter(**own)),
        "milestones": _rows(Milestone.objects.filter(**own)),
        "acquisitions": _rows(Acquisition.objects.filter(**own)),
        "merges": _rows(Merge.objects.filter(both), "actor_id", "ended_by_id"),
        "review_cases": _rows(ReviewCase.objects.filter(both), "resolved_by_id"),
    }


def _rows(found: QuerySet[Any], *left_out: str) -> list[dict[str, Any]]:
    model: type[Model] = found.model
    names = [field.attname for field in model._meta.concrete_fields if field.attname not in left_out]
    return [
        {name: value.isoformat() if isinstance(value, datetime) else value for name, value in row.items()}
        for row in found.order_by("pk").values(*names)
    ]


@dataclass(frozen=True)
class Looked:
    """Others who may tell of the person, as they were before anything was locked."""

    persons: Mentions
    origins: Mentions


def look(person_ids: Sequence[int], identifiers: Sequence[Key]) -> Looked:
    """Read what others told of themselves and of where they came from."""
    return _look(person_ids, Needles(identifiers), None)


def _look(person_ids: Sequence[int], needles: Needles, before: Looked | None) -> Looked:
    return Looked(
        find_mentions(Person, "attributes::text", needles, person_ids, before.persons if before else None),
        find_mentions(Acquisition, "code || ' ' || campaign", needles, person_ids, before.origins if before else None),
    )


def erase(person_ids: Sequence[int], identifiers: Sequence[Key], looked: Looked | None = None) -> dict[str, int]:
    """Everything but the bare persons and their joins, by which the figures stay as they are."""
    own = {"person_id__in": person_ids}
    both = Q(person_a__in=person_ids) | Q(person_b__in=person_ids)
    counts = {
        "uses": IdentifierUse.objects.filter(Q(**own) | Q(identifier__person__in=person_ids)).delete()[0],
        "consents": Consent.objects.filter(**own).delete()[0],
        "milestones": Milestone.objects.filter(**own).delete()[0],
        "acquisitions": Acquisition.objects.filter(**own).delete()[0],
    }
    Merge.objects.filter(both).update(note="", identifier=None)
    ReviewCase.objects.filter(both).delete()
    counts["identifiers"] = Identifier.objects.filter(**own).delete()[0]
    counts["persons"] = Person.objects.filter(pk__in=person_ids).update(
        display_name="", phone="", attributes={}, told_at={}
    )
    needles = Needles(identifiers)
    return counts | _erase_in_others(_look(person_ids, needles, looked), needles)


def _erase_in_others(found: Looked, needles: Needles) -> dict[str, int]:
    """What others told of the person: values of their attributes, and codes that they came by."""
    counts = {"attributes_of_others": 0, "origins_of_others": 0}
    for person in Person.objects.filter(pk__in=found.persons.keys).order_by("pk"):
        left = needles.without(person.attributes) or {}
        if left != person.attributes:
            counts["attributes_of_others"] += Person.objects.filter(pk=person.pk).update(attributes=left)
    for origin in Acquisition.objects.filter(pk__in=found.origins.keys).order_by("pk"):
        told = {name: getattr(origin, name) for name in ("code", "campaign") if needles.in_text(getattr(origin, name))}
        if told:
            counts["origins_of_others"] += Acquisition.objects.filter(pk=origin.pk).update(**dict.fromkeys(told, ""))
    return counts
