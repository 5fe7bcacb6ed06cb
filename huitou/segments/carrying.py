"""Which tags customers carry, as PostgreSQL knows it this moment or as it was."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from huitou.customers.groups import members_of
from huitou.segments.models import TagAssignment


@dataclass(frozen=True)
class HeldTag:
    """A tag that a customer carries: since when, until when, and every origin that gives it."""

    tag: str
    group: str
    since: datetime
    expires_at: datetime | None
    origins: tuple[str, ...]


def tags_of(customer_ids: Iterable[int], at: datetime) -> dict[int, list[HeldTag]]:
    """Tags by customer (canonical ids) that hold at the instant, by group and name."""
    members = members_of(customer_ids)
    owner = {person: customer for customer, persons in members.items() for person in persons}
    rows = TagAssignment.objects.filter(person_id__in=list(owner), given_at__lte=at).select_related("tag__group")
    reasons: dict[tuple[int, str], list[TagAssignment]] = defaultdict(list)
    for row in rows.order_by("given_at", "pk"):
        if all(end is None or end > at for end in (row.expires_at, row.taken_at)):
            reasons[owner[row.person_id], row.tag.name].append(row)
    found: dict[int, list[HeldTag]] = {customer: [] for customer in members}
    for (customer, name), standing in reasons.items():
        ends = [row.expires_at for row in standing if row.expires_at is not None]
        group = standing[0].tag.group
        found[customer].append(
            HeldTag(
                tag=name,
                group=group.name if group else "",
                since=standing[0].given_at,
                expires_at=max(ends) if len(ends) == len(standing) else None,
                origins=tuple(sorted({row.origin for row in standing})),
            )
        )
    for held in found.values():
        held.sort(key=lambda tag: (tag.group, tag.tag))
    return found


def tag_history(customer_id: int) -> list[TagAssignment]:
    """Every giving of a tag to the customer, the latest first."""
    persons = members_of([customer_id])[customer_id]
    rows = TagAssignment.objects.filter(person_id__in=persons).select_related("tag__group")
    return list(rows.order_by("-given_at", "-pk"))
