"""Writes that follow from reports: the buyers of a report as a segment."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from django.db import transaction
from django.utils.translation import gettext as _

from huitou.accounts.models import User
from huitou.core.clock import Clock
from huitou.reports.contact_gap import silent_ids
from huitou.segments.models import Segment
from huitou.segments.queries import find_segment
from huitou.segments.services import create_segment, create_tag, give_tags


@dataclass(frozen=True)
class GapSegment:
    """The segment of a month's buyers out of contact, how many there are, and how many came to it now."""

    segment: Segment
    customers: int
    added: int


def make_gap_segment(*, month: date, clock: Clock, actor: User | None = None, actor_label: str = "cli") -> GapSegment:
    """Tag a month's buyers out of contact and keep who carries the tag as a segment; the next refresh counts it.

    Again it adds who has become one since; nobody is taken out. Raises NoBrandError, NotRefreshedError and
    SegmentRefusedError where the name is taken by another segment.
    """
    people = silent_ids(month)
    name = f"contact_gap_{month:%Y_%m}"
    values = {"month": f"{month:%Y-%m}"}
    with transaction.atomic():
        there = find_segment(name)
        tag = _tag_of(there) if there else _("Contact gap %(month)s") % values
        create_tag(name=tag, clock=clock, actor=actor, actor_label=actor_label)
        added = give_tags(
            customer_ids=people,
            tag=tag,
            origin_ref=name,
            clock=clock,
            actor=actor,
            actor_label=actor_label,
        )
        segment = create_segment(
            name=name,
            title=there.title if there else _("Out of contact after buying in %(month)s") % values,
            definition={"tag": tag},
            clock=clock,
            actor=actor,
            actor_label=actor_label,
        )
    return GapSegment(segment, len(people), added)


def _tag_of(segment: Segment) -> str:
    definition = segment.versions.order_by("-number")[0].definition
    return str(definition["tag"]) if isinstance(definition, dict) and "tag" in definition else segment.name
