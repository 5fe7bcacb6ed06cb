"""Which tags customers carry, as PostgreSQL knows it this moment or as it was."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.db import connection

from huitou.customers.groups import members_of
from huitou.segments import sql
from huitou.segments.models import Tag, TagAssignment, TagGroup, TagRule
from huitou.segments.where import in_words


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


@dataclass(frozen=True)
class ListedTag:
    """One tag of the list: how many customers carry it, and its rule, if there is one, as JSON and in words."""

    name: str
    group: str
    description: str
    carriers: int
    rule: object | None
    sentence: str
    archived: bool


def list_tags(at: datetime, *, archived: bool = False) -> list[ListedTag]:
    """Tags by group and name, with the customers who carry them at the instant."""
    with connection.cursor() as cursor:
        cursor.execute(sql.CARRIERS, {"at": at})
        carriers = dict(cursor.fetchall())
    rules = {r.tag_id: r for r in TagRule.objects.filter(stopped_at=None)}
    tags = Tag.objects.filter(archived_at__isnull=not archived).select_related("group")
    return [
        ListedTag(
            name=tag.name,
            group=tag.group.name if tag.group else "",
            description=tag.description,
            carriers=carriers.get(tag.pk, 0),
            rule=rules[tag.pk].definition if tag.pk in rules else None,
            sentence=in_words(rules[tag.pk].definition) if tag.pk in rules else "",
            archived=tag.archived_at is not None,
        )
        for tag in sorted(tags, key=lambda t: (t.group.position if t.group else 10**6, t.name))
    ]


def list_groups() -> list[TagGroup]:
    """Groups of tags in their order."""
    return list(TagGroup.objects.order_by("position", "name"))
