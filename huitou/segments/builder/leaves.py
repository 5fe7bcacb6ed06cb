"""What the builder's menus can say of one customer, as fields and as the JSON of a leaf."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from huitou.analytics.conditions import ConditionError, parse_condition
from huitou.analytics.conditions.kinds.feature import family_of
from huitou.analytics.feature import FEATURES
from huitou.segments.builder.comparisons import Json, read_comparison, write_comparison
from huitou.segments.builder.events import read_event, write_event
from huitou.segments.builder.fields import (
    Fields,
    fields_of_names,
    major,
    minor,
    names_of,
    number,
    one_or_several,
)
from huitou.segments.builder.goods import read_orders, write_orders

JSON_LEAF = "json"


def json_of(what: str, fields: Fields) -> Any:
    """The JSON of a leaf; what is missing is missing in it as well."""
    if what == JSON_LEAF:
        try:
            return json.loads(fields.get("json", ""))
        except (json.JSONDecodeError, RecursionError):
            return fields.get("json", "")
    kind, _colon, subject = what.partition(":")
    made = _WRITERS.get(kind)
    return made(subject, fields) if made else {kind or "?": subject}


def fields_of(data: Mapping[str, Any]) -> tuple[str, dict[str, str]]:
    """What a leaf asks and its fields; empty where the menus have no words for it at all.

    The form says the same as the JSON, if not by the same letters: one name in a list is that name.
    """
    for kind, read in _READERS.items():
        if kind in data:
            try:
                what, fields = read(data)
                if _says_the_same(json_of(what, fields), data) and not any(
                    "\n" in v or "\r" in v for v in fields.values()
                ):
                    return what, fields
            except (KeyError, TypeError, ValueError, IndexError, AttributeError):
                pass
    return "", {}


def _says_the_same(written: Any, data: Any) -> bool:
    try:
        return bool(written == data or parse_condition(written) == parse_condition(data))
    except ConditionError:
        return False


def kept_fields(before: str, what: str, fields: Fields) -> Fields:
    """What goes on to hold when a leaf asks something else now."""
    if before == what:
        return fields
    kind, _colon, subject = what.partition(":")
    kind_before, _colon, subject_before = before.partition(":")
    if kind != kind_before:
        return {}
    if kind != "feature":
        return fields
    families = [family_of(FEATURES[name]) for name in (subject, subject_before) if name in FEATURES]
    # Texts are codes of their own feature.
    return fields if len(families) == 2 and families[0] == families[1] != "text" else {}


def _write_feature(name: str, fields: Fields) -> Any:
    leaf: Json = {"feature": name}
    if name not in FEATURES:
        return leaf | {"is": fields.get("is", ">=")}
    feature = FEATURES[name]
    return leaf | write_comparison(fields, family_of(feature), minor if feature.unit == "minor" else number)


def _read_feature(data: Mapping[str, Any]) -> tuple[str, dict[str, str]]:
    name = data["feature"]
    return f"feature:{name}", read_comparison(data, major if FEATURES[name].unit == "minor" else str)


def _write_segment(_subject: str, fields: Fields) -> Any:
    days = fields.get("days", "").strip()
    named = {"segment": one_or_several(names_of(fields))}
    return named | ({"entered_last_days": number(days)} if days else {})


def _read_segment(data: Mapping[str, Any]) -> tuple[str, dict[str, str]]:
    fields = fields_of_names(data["segment"])
    if "entered_last_days" in data:
        fields["days"] = str(data["entered_last_days"])
    return "segment", fields


def _write_date(kind: str, fields: Fields) -> Any:
    operator = fields.get("is", "in_next_days")
    value = {} if operator == "this_month" else {"value": number(fields.get("value", ""))}
    return {"date": kind, "is": operator} | value


def _read_date(data: Mapping[str, Any]) -> tuple[str, dict[str, str]]:
    value = {"value": str(data["value"])} if "value" in data else {}
    return f"date:{data['date']}", {"is": data["is"]} | value


def _write_consent(channel: str, fields: Fields) -> Any:
    own: Json = {"channel": channel, "purpose": fields.get("purpose", "marketing")}
    return {"consent": own | ({"granted": False} if fields.get("is") == "refused" else {})}


def _read_consent(data: Mapping[str, Any]) -> tuple[str, dict[str, str]]:
    own = data["consent"]
    said = "refused" if own.get("granted") is False else "granted"
    return f"consent:{own['channel']}", {"purpose": own["purpose"], "is": said}


def _write_identifier(kind: str, fields: Fields) -> Any:
    return {"identifier": kind or one_or_several(names_of(fields))}


def _read_identifier(data: Mapping[str, Any]) -> tuple[str, dict[str, str]]:
    kinds = data["identifier"]
    return (f"identifier:{kinds}", {}) if isinstance(kinds, str) else ("identifier:", fields_of_names(kinds))


def _points(text: str) -> Any:
    share = number(text)
    return round(share * 100) if isinstance(share, int | float) else share


def _write_bucket(_subject: str, fields: Fields) -> Any:
    salt = fields.get("name", "") or "sample"
    low, high = _points(fields.get("low", "") or "0"), _points(fields.get("high", ""))
    return {"bucket": {"salt": salt, "from": low, "to": high}}


def _read_bucket(data: Mapping[str, Any]) -> tuple[str, dict[str, str]]:
    own = data["bucket"]
    return "bucket", {"name": own["salt"], "low": f"{own['from'] / 100:g}", "high": f"{own['to'] / 100:g}"}


_WRITERS: dict[str, Callable[[str, Fields], Any]] = {
    "feature": _write_feature,
    "event": write_event,
    "orders": write_orders,
    "tag": lambda _subject, fields: {"tag": one_or_several(names_of(fields))},
    "segment": _write_segment,
    "date": _write_date,
    "consent": _write_consent,
    "identifier": _write_identifier,
    "bucket": _write_bucket,
}
_READERS: dict[str, Callable[[Mapping[str, Any]], tuple[str, dict[str, str]]]] = {
    "feature": _read_feature,
    "event": read_event,
    "orders": read_orders,
    "tag": lambda data: ("tag", fields_of_names(data["tag"])),
    "segment": _read_segment,
    "date": _read_date,
    "consent": _read_consent,
    "identifier": _read_identifier,
    "bucket": _read_bucket,
}
