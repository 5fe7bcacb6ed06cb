"""A play's settings in an address or a form, and back: what was previewed is what is launched."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

from django.http import QueryDict

from huitou.journeys.named_choices import PLACES, channel_choices, place_words
from huitou.journeys.play import Parameter, Play, in_language
from huitou.journeys.setting import LANGUAGES
from huitou.segments.layering import shown
from huitou.segments.queries import list_segments


@dataclass(frozen=True)
class Input:
    """One field of the form."""

    name: str
    label: str
    type: str
    value: Any
    help: str = ""
    least: int | None = None
    most: int | None = None
    choices: tuple[tuple[str, str], ...] = ()


def read_parameters(play: Play, given: QueryDict) -> dict[str, Any]:
    """The settings that a form or address holds; what it leaves out keeps its default."""
    found: dict[str, Any] = {}
    for parameter in play.parameters:
        value = _read(parameter, given)
        if value is not None:
            found[parameter.name] = value
    return found


def _read(parameter: Parameter, given: QueryDict) -> Any:
    name = parameter.name
    if parameter.type == "channels":
        told = [value for n in range(1, PLACES + 1) if (value := given.get(f"{name}_{n}", ""))]
        return list(dict.fromkeys(told)) or None
    if parameter.type in ("words", "long_words"):
        words = {language: given.get(f"{name}_{language}", "").strip() for language in LANGUAGES}
        defaults: Mapping[str, str] = parameter.default
        return {k: v or defaults[k] for k, v in words.items()} if any(words.values()) else None
    told_text = given.get(name, "").strip()
    if not told_text:
        return None
    if parameter.type == "whole":
        return int(told_text) if told_text.lstrip("-").isdecimal() else told_text
    return told_text


def inputs_of(play: Play, values: Mapping[str, Any]) -> list[Input]:
    """The fields of a play's settings, filled in."""
    found: list[Input] = []
    for parameter in play.parameters:
        label, help_text = in_language(parameter.label), in_language(parameter.help) if parameter.help else ""
        value = values[parameter.name]
        if parameter.type == "channels":
            found += _channel_inputs(parameter.name, label, list(value))
        elif parameter.type in ("words", "long_words"):
            for language, name in zip(LANGUAGES, ("中文", "English"), strict=True):
                place = f"{parameter.name}_{language}"
                found.append(Input(place, f"{label} ({name})", "area", value[language], help_text))
        elif parameter.type == "segment":
            known = tuple((one.segment.name, shown(one.segment)[0] or one.segment.name) for one in list_segments())
            found.append(Input(parameter.name, label, "select", value, help_text, choices=(("", "–"), *known)))
        else:
            choices = tuple((code, in_language(words)) for code, words in parameter.choices)
            kind = "select" if choices else "number" if parameter.type == "whole" else "text"
            found.append(Input(parameter.name, label, kind, value, help_text, parameter.least, parameter.most, choices))
    return found


def _channel_inputs(name: str, label: str, chosen: list[str]) -> list[Input]:
    choices = tuple(channel_choices(chosen))
    return [
        Input(
            f"{name}_{n}",
            place_words(label, n),
            "select",
            chosen[n - 1] if n <= len(chosen) else "",
            choices=((("", "–"),) if n > 1 else ()) + choices,
        )
        for n in range(1, PLACES + 1)
    ]


def read_share(told: str) -> int | None:
    """A control share in per cent, in basis points; None where nothing, or no share, is told."""
    try:
        percent = Decimal(told.strip().rstrip("%"))
    except InvalidOperation:
        return None
    return int(percent * 100) if 0 <= percent <= 90 else None


def read_days(told: str) -> int | None:
    """For how many days customers come in; None where nothing is told."""
    return int(told) if told.isdecimal() and 1 <= int(told) <= 366 else None
