"""Membership in another segment."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import ibis

from huitou.analytics.conditions.comparing import text_schema, texts_schema
from huitou.analytics.conditions.facts import History
from huitou.analytics.conditions.json_shapes import closed
from huitou.analytics.conditions.leaf import Leaf, LeafKind, Summed, told
from huitou.analytics.conditions.moment import Moment
from huitou.analytics.conditions.naming import names, of_one
from huitou.analytics.conditions.reading import MOST_DAYS, Reader


@dataclass(frozen=True)
class SegmentLeaf(Leaf):
    """A member of one of some segments, as last refreshed; perhaps only one who came in lately."""

    segments: tuple[str, ...]
    entered_days: int | None = None

    def asks(self, moment: Moment) -> Summed:
        def match(rows: ibis.Table) -> ibis.Value:
            found = rows.segment.isin(list(self.segments)) & (rows.entered_at <= ibis.literal(moment.as_of))
            if self.entered_days is not None:
                found = found & (rows.entered_at >= ibis.literal(moment.ago(self.entered_days)))
            return found

        return Summed("segments", match, {"count": lambda rows, flag: rows.count(where=flag)}, exists=True)

    def met(self, values: Mapping[str, ibis.Value], moment: Moment) -> ibis.Value:
        return values["count"] > 0

    def holds(self, history: History, moment: Moment) -> bool:
        since = None if self.entered_days is None else moment.ago(self.entered_days)
        return any(
            row["segment"] in self.segments
            and row["entered_at"] <= moment.as_of
            and (since is None or row["entered_at"] >= since)
            for row in history.segments
        )

    def words(self, language: str) -> str:
        titles = names().segments
        listed = told(language, " or ", "或").join(f"“{titles.get(name) or name}”" for name in self.segments)
        if self.entered_days is None:
            return told(language, f"is in the segment {listed}", f"属于分群{listed}")
        return told(
            language,
            f"came into the segment {listed} " + of_one(f"in the last {self.entered_days} days"),
            f"最近{self.entered_days}天内进入分群{listed}",
        )


def _read(data: Mapping[str, Any], path: str) -> SegmentLeaf:
    reader = Reader(data, path, ("segment", "entered_last_days"))
    days = reader.whole("entered_last_days", least=1, most=MOST_DAYS) if "entered_last_days" in reader else None
    return SegmentLeaf(reader.texts("segment"), days)


def _schema() -> dict[str, Any]:
    days = {"type": "integer", "minimum": 1, "maximum": MOST_DAYS}
    return closed(
        {"segment": {"anyOf": [text_schema(), texts_schema()]}, "entered_last_days": days},
        ["segment"],
    )


KIND = LeafKind(
    kind="segment",
    label="Segment",
    term_zh="所在分群",
    definition="The customer is a member of a segment, or of one of several, as it was last refreshed.",
    read=_read,
    schema=_schema,
    needs="segments",
    examples=({"segment": "winback"}, {"segment": ["winback", "vip"], "entered_last_days": 7}),
)
