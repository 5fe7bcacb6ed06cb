"""What the builder's menus can say of one customer, as fields and as the JSON of a leaf."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

from huitou.analytics.conditions.kinds.feature import family_of
from huitou.analytics.feature import FEATURES
from huitou.core.money import exponent

JSON_LEAF = "json"
Fields = Mapping[str, str]
# How often something happened, as the menu says it.
HOW = ("at_least", "at_most", "exactly", "never", "first_time", "stopped", "restarted")
_WHOLE = re.compile(r"[+-]?\d{1,16}")


def currency_digits() -> int:
    """Decimals of the brand's currency; amounts are typed in its major unit."""
    from huitou.accounts.queries import find_brand

    brand = find_brand()
    return exponent(brand.currency if brand else "CNY")


def number(text: str) -> Any:
    """A number as it is meant; what is none stays text, which the reader of conditions refuses with a reason."""
    text = text.strip().replace(",", "").replace("，", "")
    if _WHOLE.fullmatch(text):
        return int(text)
    try:
        return float(Decimal(text))
    except (InvalidOperation, OverflowError):
        return text


def minor(text: str) -> Any:
    """An amount in minor units from one in major units."""
    try:
        amount = Decimal(text.strip().replace(",", "").replace("，", "")).scaleb(currency_digits())
        return int(amount) if amount == amount.to_integral_value() else text
    except (InvalidOperation, OverflowError, ValueError):
        return text


def major(value: Any) -> str:
    """An amount in major units as it is typed."""
    if isinstance(value, bool) or not isinstance(value, int):
        return str(value)
    return f"{Decimal(value).scaleb(-currency_digits()).normalize():f}"


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
    """What a leaf asks and its fields; empty where the menus have no words for it at all."""
    for kind, read in _READERS.items():
        if kind in data:
            try:
                return read(data)
            except (KeyError, TypeError, ValueError, IndexError, AttributeError):
                return "", {}
    return "", {}


def _listed(text: str) -> Any:
    parts = [part.strip() for part in re.split(r"[,，\n]", text) if part.strip()]
    return parts[0] if len(parts) == 1 else parts


def _write_feature(name: str, fields: Fields) -> Any:
    leaf: dict[str, Any] = {"feature": name, "is": fields.get("is", ">=")}
    if name not in FEATURES or leaf["is"] in ("empty", "not_empty"):
        return leaf
    return leaf | {"value": _feature_value(name, leaf["is"], fields)}


def _feature_value(name: str, operator: str, fields: Fields) -> Any:
    feature, text = FEATURES[name], fields.get("value", "")
    family = family_of(feature)
    read: Callable[[str], Any] = minor if feature.unit == "minor" else number
    if operator in ("between", "between_days_ago"):
        return [read(text), read(fields.get("upper", ""))]
    if family in ("whole", "number"):
        return read(text)
    if family == "flag":
        return {"yes": True, "no": False}.get(text, text)
    if family == "instant":
        return text if operator in ("since", "before") else number(text)
    if operator in ("in", "not_in"):
        listed = _listed(text)
        return listed if isinstance(listed, list) else [listed]
    return text


def _read_feature(data: Mapping[str, Any]) -> tuple[str, dict[str, str]]:
    name, operator, value = data["feature"], data["is"], data.get("value")
    shown = major if FEATURES[name].unit == "minor" else str
    fields = {"is": operator}
    if isinstance(value, bool):
        fields["value"] = "yes" if value else "no"
    elif isinstance(value, list) and operator in ("between", "between_days_ago"):
        fields |= {"value": shown(value[0]), "upper": shown(value[1])}
    elif isinstance(value, list):
        fields["value"] = ", ".join(value)
    elif value is not None:
        fields["value"] = shown(value)
    return f"feature:{name}", fields


def _window(fields: Fields) -> dict[str, Any]:
    days = fields.get("days", "").strip()
    return {"window": {"last_days": number(days)}} if days else {}


def _read_window(data: Mapping[str, Any]) -> dict[str, str]:
    return {"days": str(data["window"]["last_days"])} if "window" in data else {}


def _write_event(name: str, fields: Fields) -> Any:
    leaf: dict[str, Any] = {"event": name or _listed(fields.get("name", ""))} | _window(fields)
    how, times = fields.get("how", "at_least"), number(fields.get("times", "") or "1")
    if how == "never":
        return leaf | {"done": {"exactly": 0}}
    if how == "first_time":
        return leaf | {"first_time": True}
    if how == "stopped":
        return leaf | {"stopped": {"at_least": times}}
    if how == "restarted":
        return leaf | {"restarted": {"gap_days": times}}
    return leaf | {"done": {how if how in HOW else "at_least": times}}


def _read_event(data: Mapping[str, Any]) -> tuple[str, dict[str, str]]:
    names, fields = data["event"], _read_window(data)
    what = f"event:{names}" if isinstance(names, str) else "event:"
    if not isinstance(names, str):
        fields["name"] = ", ".join(names)
    if data.get("first_time") is True:
        return what, fields | {"how": "first_time"}
    for how, key in (("stopped", "at_least"), ("restarted", "gap_days")):
        if how in data:
            return what, fields | {"how": how, "times": str(data[how][key])}
    done = data.get("done", {"at_least": 1})
    ((how, times),) = done.items()
    if (how, times) == ("exactly", 0):
        return what, fields | {"how": "never"}
    return what, fields | {"how": how, "times": str(times)}


def _write_orders(take: str, fields: Fields) -> Any:
    read = minor if take in ("sum", "avg") else number
    where = {name: _listed(fields[name]) for name in ("category", "brand", "sku") if fields.get(name, "").strip()}
    operator = fields.get("is", ">=")
    value = read(fields.get("value", ""))
    own: dict[str, Any] = {"take": take} | ({"where": where} if where else {}) | _window(fields)
    return {
        "orders": own
        | {"is": operator, "value": [value, read(fields.get("upper", ""))] if operator == "between" else value}
    }


def _read_orders(data: Mapping[str, Any]) -> tuple[str, dict[str, str]]:
    own = data["orders"]
    take, value = own.get("take", "count"), own["value"]
    shown = major if take in ("sum", "avg") else str
    fields = {"is": own["is"]} | _read_window(own)
    for name, told in own.get("where", {}).items():
        fields[name] = told if isinstance(told, str) else ", ".join(told)
    if isinstance(value, list):
        return f"orders:{take}", fields | {"value": shown(value[0]), "upper": shown(value[1])}
    return f"orders:{take}", fields | {"value": shown(value)}


def _write_segment(_subject: str, fields: Fields) -> Any:
    days = fields.get("days", "").strip()
    return {"segment": _listed(fields.get("name", ""))} | ({"entered_last_days": number(days)} if days else {})


def _read_segment(data: Mapping[str, Any]) -> tuple[str, dict[str, str]]:
    names = data["segment"]
    fields = {"name": names if isinstance(names, str) else ", ".join(names)}
    if "entered_last_days" in data:
        fields["days"] = str(data["entered_last_days"])
    return "segment", fields


def _read_tag(data: Mapping[str, Any]) -> tuple[str, dict[str, str]]:
    names = data["tag"]
    return "tag", {"name": names if isinstance(names, str) else ", ".join(names)}


def _write_date(kind: str, fields: Fields) -> Any:
    operator = fields.get("is", "in_next_days")
    value = {} if operator == "this_month" else {"value": number(fields.get("value", ""))}
    return {"date": kind, "is": operator} | value


def _read_date(data: Mapping[str, Any]) -> tuple[str, dict[str, str]]:
    value = {"value": str(data["value"])} if "value" in data else {}
    return f"date:{data['date']}", {"is": data["is"]} | value


def _write_consent(channel: str, fields: Fields) -> Any:
    own: dict[str, Any] = {"channel": channel, "purpose": fields.get("purpose", "marketing")}
    return {"consent": own | ({"granted": False} if fields.get("is") == "refused" else {})}


def _read_consent(data: Mapping[str, Any]) -> tuple[str, dict[str, str]]:
    own = data["consent"]
    said = "refused" if own.get("granted") is False else "granted"
    return f"consent:{own['channel']}", {"purpose": own["purpose"], "is": said}


def _write_bucket(_subject: str, fields: Fields) -> Any:
    share = number(fields.get("value", ""))
    points = round(share * 100) if isinstance(share, int | float) else share
    return {"bucket": {"salt": fields.get("name", "").strip() or "sample", "from": 0, "to": points}}


def _read_bucket(data: Mapping[str, Any]) -> tuple[str, dict[str, str]]:
    own = data["bucket"]
    return "bucket", {"name": own["salt"], "value": f"{own['to'] / 100:g}"}


_WRITERS: dict[str, Callable[[str, Fields], Any]] = {
    "feature": _write_feature,
    "event": _write_event,
    "orders": _write_orders,
    "tag": lambda _subject, fields: {"tag": _listed(fields.get("name", ""))},
    "segment": _write_segment,
    "date": _write_date,
    "consent": _write_consent,
    "identifier": lambda kind, _fields: {"identifier": kind},
    "bucket": _write_bucket,
}
_READERS: dict[str, Callable[[Mapping[str, Any]], tuple[str, dict[str, str]]]] = {
    "feature": _read_feature,
    "event": _read_event,
    "orders": _read_orders,
    "tag": _read_tag,
    "segment": _read_segment,
    "date": _read_date,
    "consent": _read_consent,
    "identifier": lambda data: (f"identifier:{data['identifier']}", {}),
    "bucket": _read_bucket,
}
