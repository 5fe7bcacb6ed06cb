"""Filters on what an event told: a list of {"property", "is", "value"}, all of which must hold. Plain Python."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from django.utils.translation import gettext_lazy as _

from huitou.journeys.problems import Problem

Filter = Sequence[Mapping[str, Any]]
_NUMBERS: dict[str, Callable[[Any, Any], bool]] = {
    "<": lambda told, named: told < named,
    "<=": lambda told, named: told <= named,
    ">": lambda told, named: told > named,
    ">=": lambda told, named: told >= named,
}
_TEXTS: dict[str, Callable[[str, str], bool]] = {
    "contains": lambda told, named: named in told,
    "starts_with": lambda told, named: told.startswith(named),
}
_EMPTY = ("empty", "not_empty")
OPERATORS = ("=", "!=", *_NUMBERS, "in", "not_in", *_TEXTS, *_EMPTY)
_PLAIN = (str, int, float, bool)


def passes(where: Filter | None, told: Mapping[str, Any]) -> bool:
    """Whether every condition of the filter holds of these properties. A value that is not there meets only `empty`."""
    return all(_holds(entry["is"], _find(told, entry["property"]), entry.get("value")) for entry in where or ())


def _find(told: Mapping[str, Any], name: str) -> Any:
    """A property by its name, or one inside another by a.b."""
    if name in told:
        return told[name]
    value: Any = told
    for part in name.split("."):
        if not isinstance(value, Mapping):
            return None
        value = value.get(part)
    return value


def _holds(operator: str, told: Any, named: Any) -> bool:
    if operator in _EMPTY:
        return (told in (None, "")) == (operator == "empty")
    if told in (None, "") or not isinstance(told, _PLAIN):
        return False
    if operator in ("=", "!="):
        return _same(told, named) == (operator == "=")
    if operator in ("in", "not_in"):
        return any(_same(told, one) for one in named) == (operator == "in")
    if operator in _NUMBERS:
        number = _number(told)
        return number is not None and _NUMBERS[operator](number, named)
    return isinstance(told, str) and _TEXTS[operator](told, named)


def _number(value: Any) -> float | int | None:
    if isinstance(value, bool):
        return None
    if isinstance(value, int | float):
        return value
    try:
        return float(value)
    except (TypeError, ValueError):
        return None


def _same(told: Any, named: Any) -> bool:
    if isinstance(told, bool) or isinstance(named, bool):
        return told is named
    if isinstance(named, int | float):
        return _number(told) == named
    return str(told) == str(named)


def check_filter(where: object, path: str) -> Iterator[Problem]:
    """What keeps it from being read."""
    if not isinstance(where, list):
        yield Problem(path, "no_list", _("A filter is a list of conditions."))
        return
    for position, entry in enumerate(where):
        place = f"{path}[{position}]"
        if not isinstance(entry, dict) or set(entry) - {"property", "is", "value"}:
            yield Problem(place, "no_condition", _('Write {"property": ..., "is": ..., "value": ...}.'))
            continue
        name, operator = entry.get("property"), entry.get("is")
        if not isinstance(name, str) or not 1 <= len(name) <= 200:
            yield Problem(f"{place}.property", "missing", _("Name the property."))
        if operator not in OPERATORS:
            known = ", ".join(OPERATORS)
            yield Problem(f"{place}.is", "unknown_choice", _("Use one of: %(known)s."), {"known": known})
        elif not _fits(operator, entry.get("value")):
            message = _("The value does not go with %(operator)s.")
            yield Problem(f"{place}.value", "wrong_value", message, {"operator": operator})


def _fits(operator: str, value: Any) -> bool:
    if operator in _EMPTY:
        return value is None
    if operator in ("in", "not_in"):
        return isinstance(value, list) and bool(value) and all(isinstance(one, _PLAIN) for one in value)
    if operator in _NUMBERS:
        return isinstance(value, int | float) and not isinstance(value, bool)
    if operator in _TEXTS:
        return isinstance(value, str) and bool(value)
    return isinstance(value, _PLAIN)
