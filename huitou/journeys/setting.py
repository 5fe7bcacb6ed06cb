"""Settings that steps and triggers declare: forms, schema and checks are made of them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from huitou.journeys.problems import Problem

LANGUAGES = ("zh", "en")
_DURATION = re.compile(r"^([1-9]\d{0,4})(m|h|d|w)$")
_UNITS = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_TIME = re.compile(r"^([01]\d|2[0-3]):[0-5]\d$")
_CODE = re.compile(r"^[A-Za-z0-9][A-Za-z0-9_.:-]{0,59}$")


@dataclass(frozen=True)
class Setting:
    """One declared setting. `type` is one of TYPES; `when` names the settings and values with which it applies."""

    name: str
    type: str
    label: str | Promise
    help: str | Promise = ""
    required: bool = False
    default: Any = None
    choices: tuple[tuple[str, str | Promise], ...] = ()
    least: int | None = None
    most: int | None = None
    when: tuple[str, tuple[str, ...]] | None = None

    def applies(self, settings: Mapping[str, Any]) -> bool:
        """Whether the setting means anything beside these others."""
        return self.when is None or settings.get(self.when[0]) in self.when[1]

    def check(self, settings: Mapping[str, Any], path: str) -> Iterator[Problem]:
        """What is wrong with its value."""
        value = settings.get(self.name)
        place = f"{path}.{self.name}"
        if value in (None, "", [], {}):
            if self.required and self.applies(settings):
                yield Problem(place, "missing", _("%(what)s is missing."), {"what": self.label})
            return
        if not self.applies(settings):
            yield Problem(place, "out_of_place", _("%(what)s does not go with what was chosen."), {"what": self.label})
            return
        yield from CHECKS[self.type](self, value, place)

    def schema(self) -> dict[str, Any]:
        """JSON Schema of its value."""
        found = dict(SCHEMAS[self.type])
        if self.choices:
            codes = [code for code, _label in self.choices]
            found = {"enum": codes} if self.type == "choice" else {**found, "items": {"enum": codes}}
        if self.type in ("whole", "share"):
            found |= {k: v for k, v in (("minimum", self.least), ("maximum", self.most)) if v is not None}
        return {**found, "description": f"{self.label}"}


def read_duration(value: str) -> timedelta:
    """A length of time such as 30m, 24h, 5d or 2w. Raises ValueError."""
    found = _DURATION.match(value)
    if found is None:
        raise ValueError(value)
    return timedelta(**{_UNITS[found[2]]: int(found[1])})


def read_time(value: str) -> time:
    """A time of day such as 10:00. Raises ValueError."""
    if not _TIME.match(value):
        raise ValueError(value)
    return time.fromisoformat(value)


def _check_text(setting: Setting, value: Any, place: str) -> Iterator[Problem]:
    if not isinstance(value, str):
        yield Problem(place, "no_text", _("%(what)s must be text."), {"what": setting.label})
    elif len(value) > (setting.most or 200) or "\0" in value:
        values = {"what": setting.label, "most": setting.most or 200}
        yield Problem(place, "too_long", _("%(what)s may have at most %(most)s characters."), values)


def _check_code(setting: Setting, value: Any, place: str) -> Iterator[Problem]:
    if not isinstance(value, str) or not _CODE.match(value):
        message = _("%(what)s is a short name of letters, digits, - and _.")
        yield Problem(place, "no_code", message, {"what": setting.label})


def _check_whole(setting: Setting, value: Any, place: str) -> Iterator[Problem]:
    if not isinstance(value, int) or isinstance(value, bool):
        yield Problem(place, "no_number", _("%(what)s must be a whole number."), {"what": setting.label})
    elif (setting.least is not None and value < setting.least) or (setting.most is not None and value > setting.most):
        values = {"what": setting.label, "least": setting.least, "most": setting.most}
        yield Problem(place, "out_of_range", _("%(what)s must be between %(least)s and %(most)s."), values)


def _check_choice(setting: Setting, value: Any, place: str) -> Iterator[Problem]:
    codes = [code for code, _label in setting.choices]
    if value not in codes:
        values = {"what": setting.label, "known": ", ".join(codes)}
        yield Problem(place, "unknown_choice", _("%(what)s must be one of: %(known)s."), values)


def _check_duration(setting: Setting, value: Any, place: str) -> Iterator[Problem]:
    try:
        read_duration(value)
    except (ValueError, TypeError):
        message = _("%(what)s is a length of time such as 30m, 24h, 5d or 2w.")
        yield Problem(place, "no_duration", message, {"what": setting.label})


def _check_time(setting: Setting, value: Any, place: str) -> Iterator[Problem]:
    try:
        read_time(value)
    except (ValueError, TypeError):
        yield Problem(place, "no_time", _("%(what)s is a time of day such as 10:00."), {"what": setting.label})


def _check_date(setting: Setting, value: Any, place: str) -> Iterator[Problem]:
    try:
        date.fromisoformat(value)
    except (ValueError, TypeError):
        yield Problem(place, "no_date", _("%(what)s is a date such as 2025-11-11."), {"what": setting.label})


def read_instant(value: str) -> datetime:
    """A moment with its offset, such as 2026-11-30T23:59:00+08:00. Raises ValueError."""
    found = datetime.fromisoformat(value)
    if found.tzinfo is None:
        raise ValueError(value)
    return found


def _check_instant(setting: Setting, value: Any, place: str) -> Iterator[Problem]:
    try:
        read_instant(value)
    except (ValueError, TypeError):
        told = _("Write the moment with its offset, like 2026-11-30T23:59:00+08:00.")
        yield Problem(place, "no_instant", told)


def _check_words(setting: Setting, value: Any, place: str) -> Iterator[Problem]:
    """A text in each language of the product."""
    if not isinstance(value, dict):
        yield Problem(place, "no_words", _("%(what)s is a text for each language."), {"what": setting.label})
        return
    for language in LANGUAGES:
        text = value.get(language)
        if not isinstance(text, str) or not text.strip():
            values = {"what": setting.label, "language": language}
            yield Problem(f"{place}.{language}", "language_missing", _("%(what)s lacks %(language)s."), values)
        elif len(text) > (setting.most or 2000):
            values = {"what": setting.label, "most": str(setting.most or 2000)}
            message = _("%(what)s may have at most %(most)s characters.")
            yield Problem(f"{place}.{language}", "too_long", message, values)
    for language in sorted(set(value) - set(LANGUAGES)):
        values = {"what": setting.label, "language": language}
        yield Problem(
            f"{place}.{language}", "unknown_language", _("%(what)s: %(language)s is no language of ours."), values
        )


def _check_open_list(setting: Setting, value: Any, place: str) -> Iterator[Problem]:
    """Names that others declare, such as channels and tags."""
    if not isinstance(value, list):
        yield Problem(place, "no_list", _("%(what)s is a list."), {"what": setting.label})
        return
    for position, entry in enumerate(value):
        if not isinstance(entry, str) or not 1 <= len(entry) <= 100 or "\0" in entry:
            yield Problem(f"{place}[{position}]", "no_text", _("%(what)s must be text."), {"what": setting.label})
    if len({str(entry) for entry in value}) < len(value):
        yield Problem(place, "repeated", _("%(what)s names something twice."), {"what": setting.label})


def _check_elsewhere(setting: Setting, value: Any, place: str) -> Iterator[Problem]:
    """The step itself checks it."""
    yield from ()


def _check_condition(setting: Setting, value: Any, place: str) -> Iterator[Problem]:
    from huitou.journeys.conditions import check_condition

    yield from check_condition(value, place)


def _check_filter(setting: Setting, value: Any, place: str) -> Iterator[Problem]:
    from huitou.journeys.filters import check_filter

    yield from check_filter(value, place)


CHECKS: dict[str, Callable[[Setting, Any, str], Iterator[Problem]]] = {
    "text": _check_text,
    "code": _check_code,
    "event": _check_text,
    "segment": _check_text,
    "whole": _check_whole,
    "share": _check_whole,
    "choice": _check_choice,
    "duration": _check_duration,
    "time": _check_time,
    "date": _check_date,
    "instant": _check_instant,
    "words": _check_words,
    "long_words": _check_words,
    "channels": _check_open_list,
    "tags": _check_open_list,
    "cases": _check_elsewhere,
    "arms": _check_elsewhere,
    "condition": _check_condition,
    "filter": _check_filter,
}
_WORDS = {
    "type": "object",
    "properties": {language: {"type": "string"} for language in LANGUAGES},
    "required": list(LANGUAGES),
    "additionalProperties": False,
}
_NAMES = {"type": "array", "items": {"type": "string"}, "uniqueItems": True}
SCHEMAS: dict[str, dict[str, Any]] = {
    "text": {"type": "string"},
    "code": {"type": "string", "pattern": _CODE.pattern},
    "event": {"type": "string"},
    "segment": {"type": "string"},
    "whole": {"type": "integer"},
    "share": {"type": "integer"},
    "choice": {"type": "string"},
    "duration": {"type": "string", "pattern": _DURATION.pattern},
    "time": {"type": "string", "pattern": _TIME.pattern},
    "date": {"type": "string", "format": "date"},
    "instant": {"type": "string", "format": "date-time"},
    "words": _WORDS,
    "long_words": _WORDS,
    "channels": _NAMES,
    "tags": _NAMES,
    "cases": {
        "type": "array",
        "minItems": 1,
        "items": {
            "type": "object",
            "properties": {
                "when": {"type": "object"},
                "data": {"type": "array"},
                "next": {"type": "string"},
                "label": {"type": "string"},
            },
            "additionalProperties": False,
        },
    },
    "arms": {
        "type": "array",
        "minItems": 2,
        "items": {
            "type": "object",
            "properties": {
                "share_bp": {"type": "integer", "minimum": 1, "maximum": 9999},
                "next": {"type": "string"},
                "label": {"type": "string"},
            },
            "required": ["share_bp"],
            "additionalProperties": False,
        },
    },
    "condition": {"type": "object"},
    "filter": {"type": "array"},
}
TYPES = tuple(CHECKS)
