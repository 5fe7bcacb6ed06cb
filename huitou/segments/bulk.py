"""Tags given to and taken from many: everybody in a segment, or a pasted list."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from django.utils.translation import gettext as _

from huitou.accounts.models import User
from huitou.accounts.queries import get_brand
from huitou.core.clock import day_start
from huitou.customers.identifier_kind import IDENTIFIER_KINDS
from huitou.customers.models import Identifier, Person
from huitou.customers.queries import customers_of
from huitou.segments.counting import customer_ids_of
from huitou.segments.output import OneOfTwoError, product_clock
from huitou.segments.tagging import TagRefusedError, give_tags, take_tags

MOST_LINES = 20_000


@dataclass(frozen=True)
class Bulk:
    """How many gained or lost the tag, and lines that name nobody."""

    count: int
    unknown: list[str]


def give_to(
    *,
    tag: str,
    segment: str | None = None,
    lines: Iterable[str] | None = None,
    expires_at: datetime | None = None,
    actor: User | None = None,
    actor_label: str = "cli",
) -> Bulk:
    """Give a tag to everybody in a segment, or to those whom lines name.

    Raises OneOfTwoError, SegmentUnknownError, TagUnknownError, TagRefusedError.
    """
    people, unknown, told = _people(segment, lines)
    count = give_tags(
        customer_ids=people,
        tag=tag,
        expires_at=expires_at,
        clock=product_clock(),
        actor=actor,
        actor_label=actor_label,
        **told,
    )
    return Bulk(count, unknown)


def take_from(
    *,
    tag: str,
    segment: str | None = None,
    lines: Iterable[str] | None = None,
    actor: User | None = None,
    actor_label: str = "cli",
) -> Bulk:
    """Take a tag from everybody in a segment, or from those whom lines name; errors as `give_to`."""
    people, unknown, _told = _people(segment, lines)
    count = take_tags(customer_ids=people, tag=tag, clock=product_clock(), actor=actor, actor_label=actor_label)
    return Bulk(count, unknown)


def last_instant(day: str) -> datetime:
    """The first instant after a day in the brand's zone: until then something holds. Raises TagRefusedError."""
    try:
        return day_start(date.fromisoformat(day) + timedelta(days=1), get_brand().tz)
    except (ValueError, OverflowError) as error:
        raise TagRefusedError(_("%(text)s is not a date; write it like 2011-12-09.") % {"text": day}) from error


def _people(segment: str | None, lines: Iterable[str] | None) -> tuple[list[int], list[str], dict[str, Any]]:
    if (segment is None) == (lines is None):
        raise OneOfTwoError(_("Name a segment, or give a list of customers."))
    if segment is not None:
        return customer_ids_of(segment), [], {"origin_ref": f"segment:{segment}"}
    people, unknown = resolve_lines(lines or ())
    return people, unknown, {"origin": "import"}


def resolve_lines(lines: Iterable[str]) -> tuple[list[int], list[str]]:
    """Customers by lines of customer numbers, phones, other identifiers, or #person; and lines that name nobody.

    Raises TagRefusedError for more than MOST_LINES.
    """
    wanted = list(dict.fromkeys(line.strip().strip(",;\"'") for line in lines if line.strip()))
    if len(wanted) > MOST_LINES:
        text = _("The list has %(count)s lines; at most %(most)s at once.")
        raise TagRefusedError(text % {"count": len(wanted), "most": MOST_LINES})
    named = _customers_by_line(wanted)
    people = sorted({customer for line in wanted for customer in named.get(line, ())})
    return people, [line for line in wanted if not named.get(line)]


def _customers_by_line(lines: list[str]) -> dict[str, set[int]]:
    numbers = {line: int(line[1:]) for line in lines if line[:1] == "#" and line[1:].isdecimal() and len(line) < 19}
    known = set(Person.objects.filter(pk__in=numbers.values()).values_list("pk", flat=True))
    found: dict[str, set[int]] = {line: {number} for line, number in numbers.items() if number in known}
    read: dict[tuple[str, str], list[str]] = defaultdict(list)
    for line in lines:
        for kind in IDENTIFIER_KINDS if line not in numbers else ():
            if (value := kind.normalize(line[:200])) is not None:
                read[kind.kind, value].append(line)
    values = {value for _kind, value in read}
    for kind_name, value, person in Identifier.objects.filter(value__in=values).values_list("kind", "value", "person"):
        for line in read.get((kind_name, value), ()):
            found.setdefault(line, set()).add(person)
    for phone, person in Person.objects.filter(phone__in=lines).exclude(phone="").values_list("phone", "pk"):
        found.setdefault(phone, set()).add(person)
    owner = customers_of({person for persons in found.values() for person in persons})
    return {line: {owner[person] for person in persons} for line, persons in found.items()}
