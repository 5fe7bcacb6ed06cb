"""Lists that stand by themselves in the definitions of other apps: filters on what an event told, and events.

They are drawn like a leaf without its first menu. What the rows have no words for stays as JSON.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from huitou.analytics.conditions import ConditionError
from huitou.analytics.conditions.kinds.event import read_events
from huitou.analytics.conditions.properties import read_filters
from huitou.analytics.conditions.reading import Reader
from huitou.segments.builder.comparisons import Json, read_filter
from huitou.segments.builder.events import write_where
from huitou.segments.builder.fields import Fields, fields_of_rows, rows_of

FILTERS, EVENTS, AS_JSON = "filters", "events", "list"


def write_list(what: str, fields: Fields) -> Any:
    """The list that the fields say."""
    if what == FILTERS:
        return write_where(fields).get("where", [])
    if what == EVENTS:
        return [{"event": row.get("v", "").strip()} | write_where(row) for row in rows_of(fields, "e").values()]
    try:
        return json.loads(fields.get("json", "") or "[]")
    except (json.JSONDecodeError, RecursionError):
        return fields["json"]


def read_list(what: str, data: Any) -> tuple[str, dict[str, str]]:
    """How the list is drawn, as rows or as JSON, and its fields."""
    try:
        fields = _READERS[what](data or [])
        if write_list(what, fields) == (data or []) and not any("\n" in v or "\r" in v for v in fields.values()):
            return what, fields
    except (KeyError, TypeError, ValueError, IndexError, AttributeError):
        pass
    return AS_JSON, {"json": json.dumps(data, ensure_ascii=False, indent=1)}


def check_list(what: str, fields: Fields) -> None:
    """Raise ConditionError where it cannot be read."""
    told = write_list(what, fields)
    if not isinstance(told, list):
        raise ConditionError("not_a_list", "$", given=told, most=10)
    if what == FILTERS and told:
        read_filters(Reader({"where": told}, "$", ("where",)))
    for entry in told if what == EVENTS else ():
        read_events(Reader(entry, "$", ("event", "where")))


def _read_where(entries: list[Mapping[str, Any]]) -> dict[str, str]:
    return fields_of_rows("f", [read_filter(one) for one in entries])


def _read_events(entries: list[Json]) -> dict[str, str]:
    return fields_of_rows("e", [{"v": one["event"]} | _read_where(one.get("where", [])) for one in entries])


_READERS: dict[str, Callable[[Any], dict[str, str]]] = {FILTERS: _read_where, EVENTS: _read_events}
