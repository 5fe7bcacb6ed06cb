"""Members of a segment by pages of the last refresh."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from huitou.segments.counting import get_segment
from huitou.segments.evaluating import asking


@dataclass(frozen=True)
class Members:
    """Some members, (person_id, since when) by person_id; `last` is the number to go on after."""

    rows: list[tuple[int, datetime]]
    total: int
    more: bool

    @property
    def last(self) -> int:
        return self.rows[-1][0] if self.rows else 0


def page_of_members(name: str, *, after: int = 0, limit: int = 50) -> Members:
    """Members with numbers above `after`. Raises SegmentUnknownError, NotRefreshedError."""
    get_segment(name)
    with asking() as ask:
        rows = ask.segment(name)
        total = int(ask.engine.to_pyarrow(rows.aggregate(n=rows.count()))["n"][0].as_py())
        following = rows.filter(rows.person_id > after).select("person_id", "entered_at").order_by("person_id")
        found = ask.engine.to_pyarrow(following.limit(limit + 1)).to_pylist()
    told = [(int(row["person_id"]), row["entered_at"].astimezone(UTC)) for row in found[:limit]]
    return Members(told, total, len(found) > limit)
