"""Values of requests: what forms they have, and what is said about one that cannot be used."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Annotated, Any

from django.utils.translation import gettext as _
from ninja import Schema
from pydantic import AfterValidator, BeforeValidator, ConfigDict, Field, StrictBool, StrictInt
from pydantic_core import PydanticCustomError

MAX_ID = 2**63 - 1
_FIRST_YEAR, _LAST_YEAR = 1900, 2199
_DAY = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
_INSTANT = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d", re.ASCII)
# Control characters that no database text or no terminal takes; tabs and line ends are fine.
_UNSTORABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")


class Body(Schema):
    """A body that says nothing the operation does not know: a misspelled name is refused instead of ignored."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)


def is_storable(text: str) -> bool:
    """Whether `text` has no NUL, no other control characters but tab and line ends, and no half of a character."""
    return _UNSTORABLE.search(text) is None


def _storable(text: str) -> str:
    if not is_storable(text):
        raise PydanticCustomError("unstorable", "control character")
    return text


def _filled(text: str) -> str:
    if not text.strip():
        raise PydanticCustomError("empty", "empty")
    return text


def _day_text(value: object) -> object:
    if isinstance(value, str) and not _DAY.fullmatch(value):
        raise PydanticCustomError("date_form", "not a day")
    if isinstance(value, int | float):
        raise PydanticCustomError("date_form", "not a day")
    return value


def _near_day(value: date) -> date:
    if not _FIRST_YEAR <= value.year <= _LAST_YEAR:
        raise PydanticCustomError("date_range", "too far")
    return value


def _instant_text(value: object) -> object:
    if isinstance(value, int | float) or (isinstance(value, str) and not _INSTANT.match(value)):
        raise PydanticCustomError("instant_form", "not an instant")
    return value


def _near_instant(value: datetime) -> datetime:
    if value.tzinfo is None:
        raise PydanticCustomError("instant_form", "no offset")
    if not _FIRST_YEAR < value.year < _LAST_YEAR:
        raise PydanticCustomError("date_range", "too far")
    return value.astimezone(UTC)


Text = Annotated[str, AfterValidator(_storable)]
# A name or word that must say something.
Word = Annotated[str, Field(min_length=1, pattern=r"\S"), AfterValidator(_storable), AfterValidator(_filled)]
Id = Annotated[int, Field(ge=1, le=MAX_ID)]
Whole = StrictInt
Flag = StrictBool
Day = Annotated[date, BeforeValidator(_day_text), AfterValidator(_near_day)]
Instant = Annotated[datetime, BeforeValidator(_instant_text), AfterValidator(_near_instant)]


def field_problems(errors: Sequence[Mapping[str, Any]]) -> list[dict[str, str]]:
    """Validation errors of the framework as place, field, code and a sentence that says how to mend it."""
    return [_field_problem(error) for error in errors]


def _field_problem(error: Mapping[str, Any]) -> dict[str, str]:
    place, *path = [str(part) for part in error["loc"]]
    # The body's own parameter name is ours, not the caller's.
    if place == "body" and path:
        path = path[1:] or path
    code = str(error["type"])
    return {"place": place, "field": ".".join(path), "code": code, "message": _mend(code, error.get("ctx") or {})}


def _mend(code: str, limits: Mapping[str, Any]) -> str:
    """What is wrong and what to give instead."""
    given = {name: str(value) for name, value in limits.items()}
    sentences = {
        "missing": _("This value is needed; give it."),
        "extra_forbidden": _("There is no such value; check the spelling in the reference, or leave it out."),
        "unknown_parameter": _("There is no such parameter; check the spelling in the reference, or leave it out."),
        "greater_than_equal": _("%(ge)s is the least; give a larger number."),
        "greater_than": _("Give a number above %(gt)s."),
        "less_than_equal": _("%(le)s is the most; give a smaller number."),
        "less_than": _("Give a number below %(lt)s."),
        "string_too_long": _("At most %(max_length)s characters; give a shorter text."),
        "string_too_short": _("At least %(min_length)s characters; give a longer text."),
        "too_long": _("At most %(max_length)s entries; give fewer."),
        "too_short": _("At least %(min_length)s entries; give more."),
        "literal_error": _("Give one of: %(expected)s."),
        "enum": _("Give one of: %(expected)s."),
        "unstorable": _("The text holds a control character, such as NUL; leave it out."),
        "empty": _("Give a text that is not empty."),
        "date_form": _("Write a day like 2025-03-31."),
        "date_range": _("Give a day between the years 1900 and 2199."),
        "instant_form": _("Write an instant with its offset, like 2025-03-31T09:00:00+08:00."),
        "string_pattern_mismatch": _("The text is not of the form %(pattern)s."),
        "finite_number": _("Give a finite number."),
        "json_invalid": _("The body cannot be read as JSON."),
    }
    try:
        return sentences[code] % given
    except KeyError:
        return _by_kind(code)


def _by_kind(code: str) -> str:
    """Errors that say which type was wanted."""
    if code.startswith("int"):
        return _("Give a whole number.")
    if code.startswith(("float", "decimal")):
        return _("Give a number.")
    if code.startswith("bool"):
        return _("Give true or false.")
    if code.startswith("string"):
        return _("Give a text.")
    if code.startswith(("datetime", "timezone")):
        return _("Write an instant with its offset, like 2025-03-31T09:00:00+08:00.")
    if code.startswith("date"):
        return _("Write a day like 2025-03-31.")
    if code.startswith(("list", "tuple", "set")):
        return _("Give a list.")
    if code.startswith(("dict", "model", "mapping")):
        return _("Give an object with named values.")
    return _("This value cannot be used; see the reference for its form.")
