"""The event at hand: what triggered a journey just now. It can be asked about one customer only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import ibis

from huitou.analytics.conditions.errors import ConditionError
from huitou.analytics.conditions.event_rows import EventRows
from huitou.analytics.conditions.facts import History
from huitou.analytics.conditions.json_shapes import closed
from huitou.analytics.conditions.kinds.event import read_events
from huitou.analytics.conditions.leaf import Columns, Leaf, LeafKind, told
from huitou.analytics.conditions.moment import Moment
from huitou.analytics.conditions.properties import filters_schema, names_schema
from huitou.analytics.conditions.reading import Reader


@dataclass(frozen=True)
class TriggerLeaf(Leaf):
    """The event at hand is one of these."""

    events: EventRows
    path: str

    def asks(self, moment: Moment) -> Columns:
        raise ConditionError("only_one_customer", self.path, kind="trigger")

    def met(self, values: Mapping[str, ibis.Value], moment: Moment) -> ibis.Value:
        raise ConditionError("only_one_customer", self.path, kind="trigger")

    def holds(self, history: History, moment: Moment) -> bool:
        return history.event is not None and self.events.meant(history.event, moment)

    def words(self, language: str) -> str:
        what = self.events.words(language)
        return told(language, f"what just happened is {what}", f"刚刚发生的是{what}")


def _read(data: Mapping[str, Any], path: str) -> TriggerLeaf:
    whole = Reader(data, path, ("trigger",))
    reader = Reader(whole.get("trigger", "an object"), whole.at("trigger"), ("event", "where"))
    return TriggerLeaf(read_events(reader), path)


KIND = LeafKind(
    kind="trigger",
    label="Event at hand",
    term_zh="当前事件",
    definition="The event that is being handled right now has one of these names and meets the filters.",
    read=_read,
    schema=lambda: closed(
        {"trigger": closed({"event": names_schema(), "where": filters_schema()}, ["event"])}, ["trigger"]
    ),
    needs="event",
    examples=({"trigger": {"event": "Order Completed", "where": [{"property": "total", "is": ">", "value": 300}]}},),
    audience=False,
)
