"""What an event says of itself, compared with values: properties out of its JSON, channel, object and feed.

A property is read as text, number or flag as the comparison wants it: a shop's `"12"` and `12` are the same number.
Objects and lists, and texts that look like their beginnings, have no value here.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

import ibis

from huitou.analytics.conditions.comparing import (
    WITHOUT_VALUE,
    Comparison,
    comparison_schemas,
    read_comparison,
    show,
    text_schema,
)
from huitou.analytics.conditions.json_shapes import closed
from huitou.analytics.conditions.moment import Moment
from huitou.analytics.conditions.naming import names
from huitou.analytics.conditions.reading import NAME_PATTERN, Reader

FIELDS = ("channel", "object_type", "object_id", "source")
_FIELD_WORDS = {
    "channel": ("channel", "渠道"),
    "object_type": ("kind of object", "对象类型"),
    "object_id": ("object", "对象"),
    "source": ("feed", "来源"),
}
# Digits before the point are limited so that every engine's decimals hold them.
NUMBER_PATTERN = r"^-?[0-9]{1,12}([.][0-9]+)?$"
_NUMBER = re.compile(NUMBER_PATTERN.replace("$", r"\Z"))
_LIMIT = Decimal(10) ** 12
_PARTS = ("{", "[")


@ibis.udf.scalar.builtin  # type: ignore[untyped-decorator]  # ibis is untyped
def json_extract_string(document: str, path: str) -> str:  # type: ignore[empty-body]
    """The value at a path of a JSON object as text, in DuckDB's words; see engines/spark_words.py for Spark's."""


def property_text(rows: ibis.Table, name: str) -> ibis.Value:
    """One property of events as text; objects and lists as their JSON."""
    return json_extract_string(rows.properties, f'$."{name}"')


@dataclass(frozen=True)
class Subject:
    """A property of an event, or one of its FIELDS."""

    name: str
    is_property: bool

    def column(self, rows: ibis.Table, family: str) -> ibis.Value:
        """Its values as `family` wants them; empty where there is none of that kind."""
        if not self.is_property:
            return rows[self.name]
        text = property_text(rows, self.name)
        if family == "flag":
            return ibis.cases((text == "true", True), (text == "false", False))
        if family == "number":
            return text.re_search(NUMBER_PATTERN).ifelse(text.try_cast("decimal(18, 6)"), ibis.null("decimal(18, 6)"))
        return text.substr(0, 1).isin(list(_PARTS)).ifelse(ibis.null("string"), text)

    def value(self, row: Mapping[str, Any], family: str) -> Any:
        """The same of one event."""
        if not self.is_property:
            return row[self.name]
        text = _told_text(row["properties"], self.name)
        if text is None:
            return None
        if family == "flag":
            return {"true": True, "false": False}.get(text)
        if family == "number":
            if not _NUMBER.match(text):
                return None
            number = Decimal(text).quantize(Decimal("0.000001"), ROUND_HALF_UP)
            return number if abs(number) < _LIMIT else None
        return None if text.startswith(_PARTS) else text

    def words(self, language: str) -> str:
        if self.is_property:
            return names().properties.get(self.name) or self.name
        return _FIELD_WORDS[self.name][language.startswith("zh")]


def _told_text(properties: str | None, name: str) -> str | None:
    if not properties:
        return None
    value = json.loads(properties, parse_float=str, parse_int=str).get(name)
    if isinstance(value, bool):
        return "true" if value else "false"
    return None if value is None or isinstance(value, dict | list) else str(value)


@dataclass(frozen=True)
class Filter:
    """One comparison that an event must meet."""

    subject: Subject
    comparison: Comparison

    def over(self, rows: ibis.Table, moment: Moment) -> ibis.Value:
        subject, comparison = self.subject, self.comparison
        named = comparison.value if isinstance(comparison.value, tuple) else (comparison.value,)
        plain = subject.is_property and comparison.family == "text" and comparison.operator in ("=", "in")
        if plain and not any(str(value).startswith(_PARTS) for value in named):
            # Equal to such a text: that it is no object or list needs no look.
            return comparison.over(property_text(rows, subject.name), moment)
        return comparison.over(subject.column(rows, comparison.family), moment)

    def holds(self, row: Mapping[str, Any], moment: Moment) -> bool:
        return self.comparison.holds(self.subject.value(row, self.comparison.family), moment)

    def words(self, language: str) -> str:
        gap = "" if language.startswith("zh") else " "
        return f"{self.subject.words(language)}{gap}{self.comparison.words(language, self._shown(language))}"

    def _shown(self, language: str) -> Callable[[Any], str]:
        """Values of the channel have names; what a property holds stands for itself."""
        column = "" if self.subject.is_property else self.subject.name

        def shown(value: Any) -> str:
            return show(names().value(column, value) if isinstance(value, str) else value, language)

        return shown


def read_subject(reader: Reader) -> Subject:
    """`property` or `field` of a JSON object."""
    if ("property" in reader) == ("field" in reader):
        given = [key for key in ("property", "field") if key in reader]
        raise_path = "property" if given else "field"
        reader.fail("one_of", raise_path, known=("property", "field"), given=given)
    if "field" in reader:
        return Subject(reader.choice("field", FIELDS), is_property=False)
    name = reader.text("property")
    if not re.fullmatch(NAME_PATTERN, name):
        reader.fail("bad_name", "property", given=name)
    return Subject(name, is_property=True)


def read_filters(reader: Reader, key: str = "where") -> tuple[Filter, ...]:
    """A list of filters, all of which an event must meet; none where the key is missing.

    Raises
    ------
    ConditionError
        One names neither a property nor a field, or compares with what cannot be.
    """
    if key not in reader:
        return ()
    listed = reader.data[key]
    if not isinstance(listed, list | tuple) or not 1 <= len(listed) <= 10:
        reader.fail("not_a_list", key, given=listed, most=10)
    return tuple(_read_filter(one, f"{reader.at(key)}[{n}]") for n, one in enumerate(listed))


def _read_filter(data: object, path: str) -> Filter:
    reader = Reader(data, path, ("property", "field", "is", "value"))
    subject = read_subject(reader)
    return Filter(subject, read_comparison(reader, family_of_value(reader, subject)))


def family_of_value(reader: Reader, subject: Subject) -> str:
    """As what a property is read: as what it is compared with. Fields are texts."""
    value = reader.data.get("value")
    if not subject.is_property or reader.data.get("is") in WITHOUT_VALUE:
        return "text"
    if isinstance(value, bool):
        return "flag"
    is_number = isinstance(value, int | float) or reader.data.get("is") == "between"
    return "number" if is_number else "text"


def subject_shapes(families: tuple[str, ...]) -> list[dict[str, Any]]:
    """JSON Schema of a subject with its comparison, by shapes that never overlap."""
    named = {"type": "string", "pattern": NAME_PATTERN.replace(r"\x00-\x1f", r"\u0000-\u001f")}
    shapes: list[dict[str, Any]] = []
    for family in families:
        for shape in comparison_schemas(family):
            operators = [op for op in shape["properties"]["is"]["enum"] if family == "text" or op not in WITHOUT_VALUE]
            if not operators:
                continue
            is_one_of = shape["properties"] | {"is": {"enum": operators}}
            shapes.append({"properties": {"property": named} | is_one_of, "required": ["property", *shape["required"]]})
            if family == "text":
                field = {"field": {"enum": list(FIELDS)}}
                shapes.append({"properties": field | is_one_of, "required": ["field", *shape["required"]]})
    return shapes


def filters_schema() -> dict[str, Any]:
    """JSON Schema of a list of filters."""
    one = closed({}, [], subject_shapes(("text", "number", "flag")))
    return {"type": "array", "items": one, "minItems": 1, "maxItems": 10, "description": "All of them are met."}


def names_schema() -> dict[str, Any]:
    """JSON Schema of one event name or of several."""
    several = {"type": "array", "items": text_schema(), "minItems": 1, "maxItems": 50, "uniqueItems": True}
    return {"anyOf": [text_schema(), several]}
