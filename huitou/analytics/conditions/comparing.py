"""Comparing a value with what a condition names: as an expression, in plain Python, and in words."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import ibis

from huitou.analytics.conditions.errors import ConditionError
from huitou.analytics.conditions.moment import DAY, Moment
from huitou.analytics.conditions.naming import of_one
from huitou.analytics.conditions.reading import (
    MOST_DAYS,
    MOST_TEXT,
    MOST_VALUES,
    Reader,
    read_day_or_instant,
    read_number,
    read_text,
    read_texts,
    read_whole,
)

# What can be asked of a value, by the family that it belongs to.
OPERATORS = {
    "number": ("=", "!=", "<", "<=", ">", ">=", "between", "empty", "not_empty"),
    "whole": ("=", "!=", "<", "<=", ">", ">=", "between", "empty", "not_empty"),
    "text": ("=", "!=", "in", "not_in", "contains", "starts_with", "empty", "not_empty"),
    "flag": ("=", "empty", "not_empty"),
    "instant": (
        "since",
        "before",
        "in_last_days",
        "not_in_last_days",
        "in_next_days",
        "between_days_ago",
        "empty",
        "not_empty",
    ),
}
WITHOUT_VALUE = ("empty", "not_empty")
_MOST_WHOLE = 10**15

_WORDS = {
    "=": ("is {0}", "为{0}"),
    "!=": ("is not {0}", "不为{0}"),
    "<": ("is less than {0}", "小于{0}"),
    "<=": ("is at most {0}", "不超过{0}"),
    ">": ("is more than {0}", "大于{0}"),
    ">=": ("is at least {0}", "不少于{0}"),
    "between": ("is from {0} to {1}", "在{0}到{1}之间"),
    "in": ("is one of {0}", "为{0}之一"),
    "not_in": ("is none of {0}", "不是{0}中的任何一个"),
    "contains": ("contains {0}", "包含{0}"),
    "starts_with": ("begins with {0}", "以{0}开头"),
    "empty": ("is empty", "为空"),
    "not_empty": ("is filled", "不为空"),
    "since": ("is {0} or later", "在{0}及以后"),
    "before": ("is before {0}", "在{0}之前"),
    "in_last_days": ("lies in the last {0} days", "在最近{0}天内"),
    "not_in_last_days": ("lies more than {0} days back", "在{0}天以前"),
    "in_next_days": ("lies in the next {0} days", "在未来{0}天内"),
    "between_days_ago": ("lies between {0} and {1} days back", "在{0}到{1}天之前"),
}
Shown = Callable[[Any], str]


@dataclass(frozen=True)
class Comparison:
    """One value against what was named. An empty value meets no comparison but `empty`."""

    family: str
    operator: str
    value: Any = None

    def over(self, column: ibis.Value, moment: Moment) -> ibis.Value:
        """Whether each value of a column meets it; empty for no: no function hides the comparison from the engine."""
        if self.operator in WITHOUT_VALUE:
            return column.isnull() if self.operator == "empty" else column.notnull()
        if self.family == "instant":
            since, until = self.span(moment)
            met = [column >= ibis.literal(since)] if since else []
            met += [column < ibis.literal(until)] if until else []
            return ibis.and_(*met)
        return self._compared(column)

    def _compared(self, column: ibis.Value) -> ibis.Value:
        if self.operator in ("in", "not_in"):
            found = column.isin(list(self.value))
            return found if self.operator == "in" else ~found
        if self.operator == "between":
            low, high = (_like(column, value) for value in self.value)
            return (column >= low) & (column <= high)
        value = _like(column, self.value)
        compare: dict[str, Callable[[], ibis.Value]] = {
            "=": lambda: column == value,
            "!=": lambda: column != value,
            "<": lambda: column < value,
            "<=": lambda: column <= value,
            ">": lambda: column > value,
            ">=": lambda: column >= value,
            "contains": lambda: column.contains(value),
            "starts_with": lambda: column.startswith(value),
        }
        return compare[self.operator]()

    def holds(self, value: Any, moment: Moment) -> bool:
        """The same for one value; None is the empty one."""
        if self.operator in WITHOUT_VALUE:
            return (value is None) == (self.operator == "empty")
        if value is None:
            return False
        if self.family == "instant":
            since, until = self.span(moment)
            return (since is None or value >= since) and (until is None or value < until)
        named = self.value
        if isinstance(value, float):
            named = tuple(map(float, named)) if isinstance(named, tuple) else float(named)
        compare: dict[str, Callable[[], bool]] = {
            "=": lambda: value == named,
            "!=": lambda: value != named,
            "<": lambda: value < named,
            "<=": lambda: value <= named,
            ">": lambda: value > named,
            ">=": lambda: value >= named,
            "between": lambda: named[0] <= value <= named[1],
            "in": lambda: value in named,
            "not_in": lambda: value not in named,
            "contains": lambda: named in value,
            "starts_with": lambda: value.startswith(named),
        }
        return bool(compare[self.operator]())

    def span(self, moment: Moment) -> tuple[datetime | None, datetime | None]:
        """For instants: from which instant on, and before which."""
        now, value = moment.as_of, self.value
        if self.operator in ("since", "before"):
            at = value if isinstance(value, datetime) else moment.start_of(value)
            return (at, None) if self.operator == "since" else (None, at)
        if self.operator == "between_days_ago":
            return moment.ago(value[1]), moment.ago(value[0])
        spans: dict[str, tuple[datetime | None, datetime | None]] = {
            "in_last_days": (now - value * DAY, now),
            "not_in_last_days": (None, now - value * DAY),
            "in_next_days": (now, now + value * DAY),
        }
        return spans[self.operator]

    def words(self, language: str, shown: Shown | None = None, *, of_many: bool = False) -> str:
        """As the end of a sentence; `of_many` says that what is compared is a plural."""
        chinese = language.startswith("zh")
        shown = shown or (lambda value: show(value, language))
        text = _WORDS[self.operator][chinese]
        if of_many and not chinese:
            text = re.sub(r"^is\b", "are", text)
        if self.operator == "between_days_ago":
            return of_one(text.format(*map(shown, self.value)))
        if self.operator == "between":
            return text.format(*map(shown, self.value))
        if isinstance(self.value, tuple):
            return text.format(("、" if chinese else ", ").join(map(shown, self.value)))
        if self.value is None:
            return text
        told = text.format(shown(self.value))
        return of_one(told) if self.operator.endswith("_days") else told


def show(value: Any, language: str) -> str:
    """A value in a sentence."""
    chinese = language.startswith("zh")
    if isinstance(value, bool):
        return ("否", "是")[value] if chinese else ("no", "yes")[value]
    if isinstance(value, str):
        return f"“{value}”"
    if isinstance(value, datetime | date):
        return value.isoformat()
    return format(value.normalize(), "f") if isinstance(value, Decimal) else str(value)


def _like(column: ibis.Value, value: Any) -> ibis.Value:
    """The named value as a literal of the column's own kind, so that engines compare alike."""
    kind = column.type()
    if kind.is_floating():
        return ibis.literal(float(value), "float64")
    if kind.is_decimal():
        return ibis.literal(Decimal(value), "decimal(18, 6)")
    if kind.is_integer():
        return ibis.literal(int(value), "int64")
    return ibis.literal(value)


def read_comparison(reader: Reader, family: str) -> Comparison:
    """`is` and `value` of a JSON object.

    Raises
    ------
    ConditionError
        The operator is none of the family's, or the value not of its shape.
    """
    operator = reader.choice("is", OPERATORS[family])
    if operator in WITHOUT_VALUE:
        if "value" in reader:
            reader.fail("unknown_key", "value", given="value", known=("is",))
        return Comparison(family, operator)
    value, path = reader.get("value", _wanted(family, operator)), reader.at("value")
    if operator in ("between", "between_days_ago"):
        return Comparison(family, operator, _pair(value, path, family))
    if operator in ("in", "not_in"):
        return Comparison(family, operator, read_texts(value, path))
    return Comparison(family, operator, _single(value, path, family, operator, reader))


def _single(value: object, path: str, family: str, operator: str, reader: Reader) -> Any:
    if family == "flag":
        return reader.flag("value")
    if family == "text":
        return read_text(value, path)
    if family == "instant":
        days = operator.endswith("_days")
        return read_whole(value, path, least=1, most=MOST_DAYS) if days else read_day_or_instant(value, path)
    return _amount(value, path, family)


def _amount(value: object, path: str, family: str) -> int | Decimal:
    if family == "whole":
        return read_whole(value, path, least=-_MOST_WHOLE, most=_MOST_WHOLE)
    return read_number(value, path)


def _pair(value: object, path: str, family: str) -> tuple[Any, Any]:
    if not isinstance(value, list | tuple) or len(value) != 2:
        raise ConditionError("not_a_range", path, given=value)
    read: Callable[[object, str], Any] = (
        (lambda v, p: read_whole(v, p, least=0, most=MOST_DAYS))
        if family == "instant"
        else (lambda v, p: _amount(v, p, family))
    )
    low, high = read(value[0], f"{path}[0]"), read(value[1], f"{path}[1]")
    if low > high or (family == "instant" and low == high):
        raise ConditionError("not_a_range", path, given=value)
    return low, high


def _wanted(family: str, operator: str) -> str:
    if operator in ("between", "between_days_ago"):
        return "[low, high]"
    if operator.endswith("_days"):
        return "a number of days"
    return {
        "flag": "true or false",
        "text": "a list of texts" if operator in ("in", "not_in") else "a text",
        "instant": "a day or an instant",
    }.get(family, "a number")


def comparison_schemas(family: str) -> list[dict[str, Any]]:
    """JSON Schema of `is` and `value`, one object per shape of value; each lists its required keys."""
    number: dict[str, Any] = {"type": "integer" if family == "whole" else "number"}
    one = {
        "number": number,
        "whole": number,
        "text": text_schema(),
        "flag": {"type": "boolean"},
        "instant": {"type": "string", "description": "2024-03-31, or an instant with its offset"},
    }[family]
    days = {"type": "integer", "minimum": 1, "maximum": MOST_DAYS}
    ago = {"type": "integer", "minimum": 0, "maximum": MOST_DAYS}
    shapes: dict[str, tuple[list[str], dict[str, Any] | None]] = {"single": ([], one)}
    for operator in OPERATORS[family]:
        if operator in WITHOUT_VALUE:
            shapes.setdefault("none", ([], None))[0].append(operator)
        elif operator in ("between", "between_days_ago"):
            item = ago if family == "instant" else number
            pair = {"type": "array", "items": item, "minItems": 2, "maxItems": 2}
            shapes.setdefault("pair", ([], pair))[0].append(operator)
        elif operator in ("in", "not_in"):
            shapes.setdefault("list", ([], texts_schema()))[0].append(operator)
        elif operator.endswith("_days"):
            shapes.setdefault("days", ([], days))[0].append(operator)
        else:
            shapes["single"][0].append(operator)
    return [
        {
            "properties": {"is": {"enum": operators}} | ({"value": value} if value else {}),
            "required": ["is", "value"] if value else ["is"],
        }
        for operators, value in shapes.values()
    ]


def text_schema() -> dict[str, Any]:
    return {"type": "string", "minLength": 1, "maxLength": MOST_TEXT}


def texts_schema() -> dict[str, Any]:
    return {"type": "array", "items": text_schema(), "minItems": 1, "maxItems": MOST_VALUES, "uniqueItems": True}
