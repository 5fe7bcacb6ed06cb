"""What the rules left to people: open cases of the merge review, with what is known of both sides."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import QuerySet
from django.utils.translation import gettext as _

from huitou.customers.identifier_kind import show_identifier
from huitou.customers.labels import customer_labels
from huitou.customers.models import Identifier, ReviewCase
from huitou.customers.portrait import kind_label, tell_evidence
from huitou.customers.queries import customers_of, members_of


@dataclass(frozen=True)
class Side:
    """One customer of a case: label, and its identifiers, masked."""

    person: int
    label: str
    identifiers: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class OpenCase:
    """One open case: what speaks for one customer, what against it, and who it is about."""

    id: int
    reason: str
    sentence: str
    against: str
    at: datetime
    sides: tuple[Side, ...]


def count_cases() -> int:
    """How many cases wait for somebody."""
    return ReviewCase.objects.filter(resolved_at=None).count()


def open_cases() -> QuerySet[ReviewCase]:
    """Cases that wait for somebody, the latest first."""
    return ReviewCase.objects.filter(resolved_at=None).select_related("identifier").order_by("-at", "-pk")


def list_cases(*, page: int = 1, page_size: int = 20) -> list[OpenCase]:
    """Open cases in words, the latest first."""
    return tell_cases(list(open_cases()[(page - 1) * page_size : page * page_size]))


def tell_cases(cases: Sequence[ReviewCase]) -> list[OpenCase]:
    """Cases in words; those whose two sides have become one customer meanwhile are left out."""
    persons = {p for c in cases for p in (c.person_a_id, c.person_b_id) if p is not None}
    users = {c.pk: _users_of(c) for c in cases if c.reason == "shared"}
    sides = _sides(persons | {p for found in users.values() for p in found})
    customers = customers_of(persons)
    return [
        _told(c, [sides[p] for p in users.get(c.pk) or (c.person_a_id, c.person_b_id) if p is not None])
        for c in cases
        if c.person_b_id is None or customers[c.person_a_id] != customers[c.person_b_id]
    ]


def _users_of(case: ReviewCase) -> list[int]:
    """Persons that a shared identifier was seen with, its owner first."""
    if case.identifier is None:
        return [case.person_a_id]
    uses = case.identifier.uses.order_by("first_at", "pk").values_list("person_id", flat=True)
    return [case.person_a_id, *uses[:9]]


def _told(case: ReviewCase, sides: list[Side]) -> OpenCase:
    kind = case.identifier.kind if case.identifier else ""
    evidence = tell_evidence(kind, case.identifier, case.source, case.seen_at)
    if case.reason == "shared":
        sentence = _("%(evidence)s was seen with so many accounts that it joins nobody any more.")
        return OpenCase(case.pk, case.reason, sentence % {"evidence": evidence}, "", case.at, tuple(sides))
    places = _(", ").join(f"{kind_label(k)} ({ns})" if ns else kind_label(k) for k, ns in case.clashes)
    against = _("Each has a value of its own: %(places)s.") % {"places": places}
    sentence = _("Both were seen with %(evidence)s.") % {"evidence": evidence}
    return OpenCase(case.pk, case.reason, sentence, against, case.at, tuple(sides))


def _sides(persons: set[int]) -> dict[int, Side]:
    customers = customers_of(persons)
    members = members_of(customers.values())
    labels = customer_labels(persons)
    held: dict[int, list[tuple[str, str]]] = {}
    owner = {person: customer for customer, own in members.items() for person in own}
    for i in Identifier.objects.filter(person_id__in=owner).order_by("kind", "namespace", "value"):
        place = f"{kind_label(i.kind)} ({i.namespace})" if i.namespace else kind_label(i.kind)
        held.setdefault(owner[i.person_id], []).append((place, show_identifier(i.kind, i.value)))
    return {p: Side(p, labels.get(p, f"#{p}"), tuple(held.get(customers[p], []))) for p in persons}
