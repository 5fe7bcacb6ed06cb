"""What the customer did: how often, for the first time, in sequence, regularly, no more, again, and for how much."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from huitou.analytics.conditions.comparing import comparison_schemas, read_comparison
from huitou.analytics.conditions.event_counts import UNIT_DAYS, Done, FirstTime, Regularly, Restarted, Stopped
from huitou.analytics.conditions.event_rows import EventRows
from huitou.analytics.conditions.event_sequence import Sequence_, Step
from huitou.analytics.conditions.event_values import TAKES, Value
from huitou.analytics.conditions.json_shapes import closed
from huitou.analytics.conditions.leaf import Leaf, LeafKind
from huitou.analytics.conditions.properties import (
    FIELDS,
    family_of_value,
    filters_schema,
    names_schema,
    read_filters,
    read_subject,
    subject_shapes,
)
from huitou.analytics.conditions.reading import MOST_DAYS, Reader
from huitou.analytics.conditions.window import Window, read_window, window_schema

_OWN = ("event", "where", "window")
MOST_NAMES = 50
MOST_STEPS = 4
MOST_SPANS = 60
MOST_TIMES = 1_000_000
MOST_HOURS = MOST_DAYS * 24


def read_events(reader: Reader) -> EventRows:
    """`event` and `where` of a JSON object."""
    names = reader.texts("event")
    if len(names) > MOST_NAMES:
        reader.fail("not_a_list", "event", given=names, most=MOST_NAMES)
    return EventRows(names, read_filters(reader))


def _done(reader: Reader, events: EventRows, window: Window) -> Leaf:
    if "done" not in reader:
        return Done(events, window, 1, None)
    own = Reader(reader.data["done"], reader.at("done"), ("at_least", "at_most", "exactly"))
    given = tuple(own.data)
    if given == ("exactly",):
        times = own.whole("exactly", least=0, most=MOST_TIMES)
        return Done(events, window, times, times)
    if not given or not set(given) <= {"at_least", "at_most"}:
        reader.fail("one_of", "done", known=("at_least, at_most or both", "exactly"), given=given)
    low = own.whole("at_least", least=1, most=MOST_TIMES) if "at_least" in own else 0
    high = own.whole("at_most", least=0, most=MOST_TIMES) if "at_most" in own else None
    if high is not None and high < low:
        own.fail("not_a_range", "at_most", given=[low, high])
    return Done(events, window, low, high)


def _begun(reader: Reader, window: Window, key: str) -> Window:
    """The window, which must have a beginning."""
    if window.from_days is None and window.from_date is None:
        reader.fail("needs_window", "window" if "window" in reader else key, key=key)
    return window


def _first_time(reader: Reader, events: EventRows, window: Window) -> Leaf:
    if not reader.flag("first_time"):
        reader.fail("not_a_choice", "first_time", given=False, known=("true",))
    return FirstTime(events, _begun(reader, window, "first_time"))


def _regularly(reader: Reader, events: EventRows, window: Window) -> Leaf:
    if "window" in reader:
        reader.fail("no_window", "window", key="regularly")
    own = Reader(reader.data["regularly"], reader.at("regularly"), ("in", "of", "unit"))
    of = own.whole("of", least=1, most=MOST_SPANS)
    return Regularly(events, own.whole("in", least=1, most=of), of, own.choice("unit", tuple(UNIT_DAYS)))


def _stopped(reader: Reader, events: EventRows, window: Window) -> Leaf:
    own = Reader(reader.data["stopped"], reader.at("stopped"), ("at_least",))
    least = own.whole("at_least", least=1, most=MOST_TIMES) if "at_least" in own else 1
    return Stopped(events, _begun(reader, window, "stopped"), least)


def _restarted(reader: Reader, events: EventRows, window: Window) -> Leaf:
    own = Reader(reader.data["restarted"], reader.at("restarted"), ("gap_days",))
    return Restarted(events, window, own.whole("gap_days", least=1, most=MOST_DAYS))


def _then(reader: Reader, events: EventRows, window: Window) -> Leaf:
    listed = reader.data["then"]
    if not isinstance(listed, list | tuple) or not 1 <= len(listed) <= MOST_STEPS:
        reader.fail("not_a_list", "then", given=listed, most=MOST_STEPS)
    steps = [Step(events)]
    for n, data in enumerate(listed):
        own = Reader(data, f"{reader.at('then')}[{n}]", ("event", "where", "within_hours", "within_days"))
        if "within_hours" in own and "within_days" in own:
            own.fail(
                "one_of", "within_days", known=("within_hours", "within_days"), given=("within_hours", "within_days")
            )
        hours = own.whole("within_hours", least=1, most=MOST_HOURS) if "within_hours" in own else None
        if "within_days" in own:
            hours = 24 * own.whole("within_days", least=1, most=MOST_DAYS)
        steps.append(Step(read_events(own), hours))
    return Sequence_(tuple(steps), window)


def _value(reader: Reader, events: EventRows, window: Window) -> Leaf:
    own = Reader(reader.data["value"], reader.at("value"), ("take", "property", "field", "is", "value"))
    take = own.choice("take", TAKES)
    subject = read_subject(own)
    if take == "distinct":
        family = "whole"
    elif take in ("first", "last"):
        family = family_of_value(own, subject)
    else:
        family = "number"
        if not subject.is_property:
            own.fail("not_a_choice", "take", given=take, known=("first", "last", "distinct"))
    return Value(events, window, take, subject, read_comparison(own, family))


_ASKS: dict[str, Callable[[Reader, EventRows, Window], Leaf]] = {
    "done": _done,
    "first_time": _first_time,
    "regularly": _regularly,
    "stopped": _stopped,
    "restarted": _restarted,
    "then": _then,
    "value": _value,
}


def _read(data: Mapping[str, Any], path: str) -> Leaf:
    reader = Reader(data, path, (*_OWN, *_ASKS))
    asked = [key for key in _ASKS if key in reader]
    if len(asked) > 1:
        reader.fail("one_of", asked[1], known=tuple(_ASKS), given=asked)
    events, window = read_events(reader), read_window(reader)
    return _ASKS[asked[0] if asked else "done"](reader, events, window)


def _whole(least: int, most: int) -> dict[str, Any]:
    return {"type": "integer", "minimum": least, "maximum": most}


def _done_schema() -> dict[str, Any]:
    times = {"at_least": _whole(1, MOST_TIMES), "at_most": _whole(0, MOST_TIMES)}
    return {
        "oneOf": [
            closed(times, []) | {"minProperties": 1},
            closed({"exactly": _whole(0, MOST_TIMES)}, ["exactly"]),
        ]
    }


def _value_schema() -> dict[str, Any]:
    field = {"field": {"enum": list(FIELDS)}}
    wholes = comparison_schemas("whole")
    shapes = [
        *(_taken(shape, ("first", "last")) for shape in subject_shapes(("text", "number", "flag"))),
        *(_taken(_of_property(shape), ("sum", "min", "max")) for shape in comparison_schemas("number")),
        *(_taken(_of_property(shape), ("distinct",)) for shape in wholes),
        *(
            _taken({"properties": field | s["properties"], "required": ["field", *s["required"]]}, ("distinct",))
            for s in wholes
        ),
    ]
    return closed({}, [], shapes)


def _of_property(shape: dict[str, Any]) -> dict[str, Any]:
    named = subject_shapes(("text",))[0]["properties"]["property"]
    return {"properties": {"property": named} | shape["properties"], "required": ["property", *shape["required"]]}


def _taken(shape: dict[str, Any], takes: tuple[str, ...]) -> dict[str, Any]:
    return {
        "properties": {"take": {"enum": list(takes)}} | shape["properties"],
        "required": ["take", *shape["required"]],
    }


def _schema() -> dict[str, Any]:
    events = {"event": names_schema(), "where": filters_schema()}
    window = {"window": window_schema()}
    step = {"within_hours": _whole(1, MOST_HOURS), "within_days": _whole(1, MOST_DAYS)}
    steps = closed(events | step, ["event"]) | {"not": {"required": ["within_hours", "within_days"]}}
    unit = {"enum": list(UNIT_DAYS)}
    regular = closed({"in": _whole(1, MOST_SPANS), "of": _whole(1, MOST_SPANS), "unit": unit}, ["in", "of", "unit"])
    shapes: list[tuple[dict[str, Any], list[str]]] = [
        (window | {"done": _done_schema()}, []),
        (window | {"first_time": {"const": True}}, ["first_time", "window"]),
        ({"regularly": regular}, ["regularly"]),
        (window | {"stopped": closed({"at_least": _whole(1, MOST_TIMES)}, [])}, ["stopped", "window"]),
        (window | {"restarted": closed({"gap_days": _whole(1, MOST_DAYS)}, ["gap_days"])}, ["restarted"]),
        (window | {"then": {"type": "array", "items": steps, "minItems": 1, "maxItems": MOST_STEPS}}, ["then"]),
        (window | {"value": _value_schema()}, ["value"]),
    ]
    listed = [{"properties": properties, "required": required} for properties, required in shapes]
    return closed(events, ["event"], listed)


KIND = LeafKind(
    kind="event",
    label="Event",
    term_zh="行为事件",
    definition=(
        "What the customer did: `done` so many times (1 at least if nothing is said), `first_time` ever in the "
        "window, `then` other events in sequence with time limits, `regularly` in so many of the last days, weeks "
        "or months of 30 days, `stopped`: before the window but not in it, `restarted` after a gap, or a `value` "
        "over a property: sum, min, max, first, last, distinct."
    ),
    read=_read,
    schema=_schema,
    needs="events",
    examples=(
        {"event": "Product Viewed", "window": {"last_days": 30}, "done": {"at_least": 3}},
        {
            "event": ["Product Viewed", "Product Added"],
            "where": [
                {"property": "category", "is": "in", "value": ["tea", "cups"]},
                {"property": "price", "is": ">=", "value": 19.9},
                {"field": "channel", "is": "=", "value": "app"},
            ],
            "window": {"from_days_ago": 60, "to_days_ago": 30},
            "done": {"at_least": 1, "at_most": 5},
        },
        {"event": "Message Replied", "window": {"from_date": "2024-01-01"}, "done": {"exactly": 0}},
        {"event": "Page Viewed", "window": {"last_days": 7}, "first_time": True},
        {"event": "Page Viewed", "regularly": {"in": 3, "of": 4, "unit": "week"}},
        {"event": "Page Viewed", "window": {"last_days": 30}, "stopped": {"at_least": 5}},
        {"event": "Page Viewed", "window": {"last_days": 7}, "restarted": {"gap_days": 60}},
        {
            "event": "Product Viewed",
            "window": {"last_days": 90},
            "then": [
                {"event": "Product Added", "within_hours": 24},
                {"event": "Order Completed", "within_days": 3},
            ],
        },
        {"event": "Product Added", "value": {"take": "sum", "property": "price", "is": ">=", "value": 500}},
        {"event": "Page Viewed", "value": {"take": "last", "property": "utm_source", "is": "=", "value": "wecom"}},
        {"event": "Product Viewed", "value": {"take": "distinct", "field": "object_id", "is": ">=", "value": 5}},
    ),
)
