"""Comparisons and windows as fields and as JSON."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from huitou.analytics.conditions.comparing import OPERATORS, WITHOUT_VALUE
from huitou.segments.builder.fields import Fields, joined, listed, names_of, number

Json = dict[str, Any]
PAIRS = ("between", "between_days_ago")
LISTS = ("in", "not_in")
_ORDERED = ("<", "<=", ">", ">=", "between")
FLAGS = {"yes": True, "no": False}


def write_comparison(fields: Fields, family: str, read: Callable[[str], Any] = number) -> Json:
    """`is` and `value`; `read` makes a number of what was typed."""
    operator = fields.get("is", OPERATORS[family][0])
    if operator in WITHOUT_VALUE:
        return {"is": operator}
    text = fields.get("value", "")
    if operator in PAIRS:
        return {"is": operator, "value": [read(text), read(fields.get("upper", ""))]}
    if operator in LISTS:
        return {"is": operator, "value": names_of(fields) or listed(text)}
    if family == "flag":
        return {"is": operator, "value": FLAGS.get(text, text)}
    if family == "text" or operator in ("since", "before"):
        return {"is": operator, "value": text}
    return {"is": operator, "value": read(text)}


def read_comparison(data: Mapping[str, Any], shown: Callable[[Any], str] = str) -> dict[str, str]:
    """The fields of `is` and `value`."""
    operator, value = data["is"], data.get("value")
    fields = {"is": operator}
    if isinstance(value, bool):
        fields["value"] = "yes" if value else "no"
    elif operator in PAIRS:
        fields |= {"value": shown(data["value"][0]), "upper": shown(data["value"][1])}
    elif operator in LISTS:
        fields["value"] = joined(data["value"])
    elif value is not None:
        fields["value"] = value if isinstance(value, str) else shown(value)
    return fields


def write_window(fields: Fields) -> Json:
    """The window, or nothing for ever."""
    form = fields.get("win", "")
    if form == "last":
        return {"window": {"last_days": number(fields.get("days", ""))}}
    if form == "ago":
        ago = {"from_days_ago": number(fields.get("far", "")), "to_days_ago": number(fields.get("near", "") or "0")}
        return {"window": ago}
    if form == "dates":
        days = {"from_date": fields.get("from", ""), "to_date": fields.get("to", "")}
        return {"window": {name: day for name, day in days.items() if day}}
    return {}


def read_window(data: Mapping[str, Any]) -> dict[str, str]:
    """The fields of a window."""
    window = data.get("window")
    if window is None:
        return {"win": ""}
    if "last_days" in window:
        return {"win": "last", "days": str(window["last_days"])}
    if "from_days_ago" in window:
        return {"win": "ago", "far": str(window["from_days_ago"]), "near": str(window["to_days_ago"])}
    return {"win": "dates", "from": window.get("from_date", ""), "to": window.get("to_date", "")}


def write_filter(fields: Fields) -> Json:
    """A property or field of an event, compared. The comparison says as what it is read: `number >=`, `text in`."""
    subject = _subject(fields)
    told = fields.get("is", "text =")
    if told in FLAGS:
        return subject | {"is": "=", "value": FLAGS[told]}
    family, _gap, operator = told.rpartition(" ")
    return subject | write_comparison({**fields, "is": operator}, family or "text")


def read_filter(data: Mapping[str, Any]) -> dict[str, str]:
    """The fields of such a filter."""
    subject, fields = read_subject(data), read_comparison(data)
    operator, value = data["is"], data.get("value")
    if isinstance(value, bool):
        return subject | {"is": fields["value"]}
    if operator in WITHOUT_VALUE:
        return subject | fields
    is_number = operator == "between" or isinstance(value, int | float)
    return subject | fields | {"is": f"{'number' if is_number else 'text'} {operator}"}


def _subject(fields: Fields) -> Json:
    kind, _colon, name = fields.get("of", "p:").partition(":")
    if kind == "f":
        return {"field": name}
    return {"property": name or fields.get("name", "").strip()}


def read_subject(data: Mapping[str, Any]) -> dict[str, str]:
    """The fields that name a property or a field."""
    if "field" in data:
        return {"of": f"f:{data['field']}"}
    return {"of": f"p:{data['property']}"}


def write_subject(fields: Fields, *, property_only: bool = False) -> Json:
    """`property` or `field`."""
    subject = _subject(fields)
    return {"property": ""} if property_only and "field" in subject else subject


def has_blank(data: Any) -> bool:
    """Whether a field of the form is still empty; the reader of conditions would blame the kind of its value."""
    if isinstance(data, Mapping):
        data = list(data.values())
    return data == "" or data == [] or (isinstance(data, list) and any(has_blank(part) for part in data))


def no_number_in(data: Any) -> str | None:
    """The first text that is compared as a number; the reader of conditions would blame the comparison."""
    if isinstance(data, list):
        return next((found for part in data if (found := no_number_in(part)) is not None), None)
    if not isinstance(data, Mapping):
        return None
    value = data.get("value")
    if "property" in data and data.get("is") in _ORDERED:
        typed = value if isinstance(value, list) else [value]
        return next((text for text in typed if isinstance(text, str)), None)
    return no_number_in([part for part in data.values() if isinstance(part, list | Mapping)])
