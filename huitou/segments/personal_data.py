"""What segments and tags keep of a person: the tags that they carry, and which segments they are in."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from huitou.customers.identifier_kind import Key
from huitou.segments.models import TagAssignment

PERSONAL = ("TagAssignment",)
IMPERSONAL = {
    "Segment": "names of audiences",
    "SegmentVersion": "conditions over what anybody does",
    "Tag": "words that many carry",
    "TagGroup": "words that many carry",
    "TagRule": "conditions over what anybody does",
    "TagBatch": "keys of callers and numbers",
    "Strategy": "what a segment gets",
}


def export(person_ids: Sequence[int], identifiers: Sequence[Key]) -> dict[str, Any]:
    """Every tag ever given, with its origin, and the segments that the customer is in since when."""
    rows = TagAssignment.objects.filter(person_id__in=person_ids).select_related("tag").order_by("given_at", "pk")
    return {
        "tags": [
            {
                "person": row.person_id,
                "tag": row.tag.name,
                "origin": row.origin,
                "given_at": row.given_at.isoformat(),
                "expires_at": row.expires_at and row.expires_at.isoformat(),
                "taken_at": row.taken_at and row.taken_at.isoformat(),
            }
            for row in rows
        ],
    }


def erase(person_ids: Sequence[int], identifiers: Sequence[Key]) -> dict[str, int]:
    """The tags of these persons, those that they had before included."""
    return {"tags": TagAssignment.objects.filter(person_id__in=person_ids).delete()[0]}
