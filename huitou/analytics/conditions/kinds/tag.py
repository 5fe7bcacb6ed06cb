"""A tag that the customer has."""

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
from huitou.analytics.conditions.reading import Reader


@dataclass(frozen=True)
class TagLeaf(Leaf):
    """One of some tags, given before the instant and not expired at it."""

    tags: tuple[str, ...]

    def asks(self, moment: Moment) -> Summed:
        now = ibis.literal(moment.as_of)

        def match(rows: ibis.Table) -> ibis.Value:
            lasts = rows.expires_at.isnull() | (rows.expires_at > now)
            return rows.tag.isin(list(self.tags)) & (rows.since <= now) & lasts

        return Summed("tags", match, {"count": lambda rows, flag: rows.count(where=flag)}, exists=True)

    def met(self, values: Mapping[str, ibis.Value], moment: Moment) -> ibis.Value:
        return values["count"] > 0

    def holds(self, history: History, moment: Moment) -> bool:
        return any(
            row["tag"] in self.tags
            and row["since"] <= moment.as_of
            and (row["expires_at"] is None or row["expires_at"] > moment.as_of)
            for row in history.tags
        )

    def words(self, language: str) -> str:
        names = told(language, " or ", "或").join(f"“{tag}”" for tag in self.tags)
        return told(language, f"has the tag {names}", f"有标签{names}")


def _read(data: Mapping[str, Any], path: str) -> TagLeaf:
    return TagLeaf(Reader(data, path, ("tag",)).texts("tag"))


KIND = LeafKind(
    kind="tag",
    label="Tag",
    term_zh="标签",
    definition="The customer has the tag, or one of several: given by now and not expired.",
    read=_read,
    schema=lambda: closed({"tag": {"anyOf": [text_schema(), texts_schema()]}}, ["tag"]),
    needs="tags",
    examples=({"tag": "vip"}, {"tag": ["vip", "new"]}),
)
