"""What somebody did, as fields and as JSON: how often, in sequence, regularly, and what a property adds up to."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from huitou.segments.builder.comparisons import (
    Json,
    read_comparison,
    read_filter,
    read_subject,
    read_window,
    write_comparison,
    write_filter,
    write_subject,
    write_window,
)
from huitou.segments.builder.fields import (
    Fields,
    fields_of_names,
    fields_of_rows,
    names_of,
    number,
    one_or_several,
    rows_of,
)

# How it was done, as the menu says it; the first three count.
COUNTS = ("at_least", "at_most", "exactly")
# Of these a window that has no beginning says nothing.
BEGUN = ("first_time", "stopped")
_ONE_NUMBER = {"stopped": "at_least", "restarted": "gap_days"}


def write_event(name: str, fields: Fields) -> Json:
    """The JSON of a condition on an event; without a name in the menu the rows name it."""
    leaf: Json = {"event": name or one_or_several(names_of(fields))} | write_where(fields)
    how, times = fields.get("how", "at_least"), number(fields.get("times", "") or "1")
    if how == "regularly":
        units = {"in": times, "of": number(fields.get("most", "")), "unit": fields.get("unit", "week")}
        return leaf | {"regularly": units}
    leaf |= write_window(fields)
    if how == "never":
        return leaf | {"done": {"exactly": 0}}
    if how == "first_time":
        return leaf | {"first_time": True}
    if how in _ONE_NUMBER:
        return leaf | {how: {_ONE_NUMBER[how]: times}}
    if how == "range":
        return leaf | {"done": {"at_least": times, "at_most": number(fields.get("most", ""))}}
    if how == "then":
        return leaf | {"then": [_write_step(row) for row in rows_of(fields, "s").values()]}
    if how == "value":
        return leaf | {"value": _write_value(fields)}
    return leaf | {"done": {how if how in COUNTS else "at_least": times}}


def read_event(data: Mapping[str, Any]) -> tuple[str, dict[str, str]]:
    """What is asked and its fields."""
    names, fields = data["event"], read_window(data) | _read_where(data)
    what = f"event:{names}" if isinstance(names, str) else "event:"
    if not isinstance(names, str):
        fields |= fields_of_names(names)
    return what, fields | _read_how(data)


def _read_how(data: Mapping[str, Any]) -> dict[str, str]:
    if "first_time" in data:
        return {"how": "first_time"}
    for how, key in _ONE_NUMBER.items():
        if how in data:
            return {"how": how, "times": str(data[how].get(key, 1))}
    if "regularly" in data:
        own = data["regularly"]
        return {"how": "regularly", "times": str(own["in"]), "most": str(own["of"]), "unit": own["unit"]}
    if "then" in data:
        return {"how": "then"} | fields_of_rows("s", [_read_step(step) for step in data["then"]])
    if "value" in data:
        return {"how": "value"} | _read_value(data["value"])
    done = data.get("done", {"at_least": 1})
    if len(done) == 2:
        return {"how": "range", "times": str(done["at_least"]), "most": str(done["at_most"])}
    ((how, times),) = done.items()
    return {"how": "never"} if (how, times) == ("exactly", 0) else {"how": how, "times": str(times)}


def write_where(fields: Fields) -> Json:
    """The filters, all of which must hold."""
    filters = [write_filter(row) for row in rows_of(fields, "f").values()]
    return {"where": filters} if filters else {}


def _read_where(data: Mapping[str, Any]) -> dict[str, str]:
    return fields_of_rows("f", [read_filter(one) for one in data.get("where", ())])


def _write_step(fields: Fields) -> Json:
    unit, limit = fields.get("unit", ""), number(fields.get("within", ""))
    within = {f"within_{unit}": limit} if unit in ("hours", "days") else {}
    return {"event": one_or_several(names_of(fields))} | write_where(fields) | within


def _read_step(data: Mapping[str, Any]) -> dict[str, str]:
    fields = fields_of_names(data["event"]) | _read_where(data) | {"unit": ""}
    for unit in ("hours", "days"):
        if f"within_{unit}" in data:
            fields |= {"unit": unit, "within": str(data[f"within_{unit}"])}
    return fields


def _write_value(fields: Fields) -> Json:
    take = fields.get("take", "sum")
    own = {key.removeprefix("v"): value for key, value in fields.items() if key.startswith("v")}
    if take in ("first", "last"):
        return {"take": take} | write_filter(own)
    family = "whole" if take == "distinct" else "number"
    return {"take": take} | write_subject(own, property_only=take != "distinct") | write_comparison(own, family)


def _read_value(data: Mapping[str, Any]) -> dict[str, str]:
    own = {key: value for key, value in data.items() if key != "take"}
    is_plain = data["take"] in ("first", "last")
    fields = read_filter(own) if is_plain else read_subject(own) | read_comparison(own)
    return {"take": data["take"]} | {f"v{key}": value for key, value in fields.items()}
