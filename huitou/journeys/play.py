"""A play 打法: a ready strategy as a template of a journey. `library/` holds them, one folder with `play.yaml` each.

The template holds `${name}` where an operator's parameter goes: alone it becomes the value itself, inside a text its
words; inside a text in several languages the words of that language.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from jsonschema import Draft202012Validator

from huitou.core.errors import DomainError
from huitou.experiments.models import Experiment
from huitou.journeys.definition import Definition, find_problems, parse_definition
from huitou.journeys.problems import Problem
from huitou.journeys.setting import LANGUAGES, Setting

LIBRARY = Path(__file__).parent / "library"
FILE = "play.yaml"
STAGES = ("reach", "activate", "retain", "convert")
_PARAMETER_TYPES = ("whole", "words", "long_words", "channels", "segment", "text", "time", "choice")
_NAME = re.compile(r"^[a-z][a-z0-9_]{0,59}$")
_PLACE = re.compile(r"\$\{([a-z][a-z0-9_]*)\}")
_WORDS = {
    "type": "object",
    "properties": {language: {"type": "string", "minLength": 1} for language in LANGUAGES},
    "required": list(LANGUAGES),
    "additionalProperties": False,
}
SCHEMA: dict[str, Any] = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "title": "Huitou play",
    "type": "object",
    "properties": {
        "title": _WORDS,
        "summary": _WORDS,
        "stage": {"enum": list(STAGES)},
        "order": {"type": "integer"},
        "enroll_days": {"type": "integer", "minimum": 1, "maximum": 366},
        "target": {
            "type": "object",
            "properties": {
                "metric": {"enum": [code for code, _label in Experiment.OUTCOMES]},
                "value": {"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 1},
            },
            "required": ["metric", "value"],
            "additionalProperties": False,
        },
        "parameters": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {
                    "name": {"type": "string", "pattern": _NAME.pattern},
                    "type": {"enum": list(_PARAMETER_TYPES)},
                    "label": _WORDS,
                    "help": _WORDS,
                    "default": {},
                    "least": {"type": "integer"},
                    "most": {"type": "integer"},
                    "choices": {
                        "type": "array",
                        "items": {
                            "type": "object",
                            "properties": {"value": {"type": "string"}, "label": _WORDS},
                            "required": ["value", "label"],
                            "additionalProperties": False,
                        },
                    },
                },
                "required": ["name", "type", "label", "default"],
                "additionalProperties": False,
            },
        },
        "journey": {"type": "object"},
    },
    "required": ["title", "summary", "stage", "order", "enroll_days", "target", "parameters", "journey"],
    "additionalProperties": False,
}


class PlayFileError(Exception):
    """A play of the library that cannot be read: the file, the place in it, and what is wrong."""

    def __init__(self, file: Path, path: str, message: str) -> None:
        super().__init__(f"{file}: {path}: {message}")
        self.file, self.path = file, path


class PlayUnknownError(DomainError):
    """The library has no play of that name."""

    code = "play_unknown"
    status = 404


class PlayParametersError(DomainError):
    """Parameters that the play does not have, or values that they cannot have."""

    code = "play_parameters"
    status = 422

    def __init__(self, problems: list[Problem]) -> None:
        self.problems = problems
        told = "; ".join(f"{problem.path}: {problem.text}" for problem in problems[:5])
        super().__init__(_("The play cannot run with these settings: %(problems)s") % {"problems": told})


def in_language(words: Mapping[str, str], language: str | None = None) -> str:
    """The text in the reader's language."""
    chosen = language or get_language() or "zh"
    return words["zh" if chosen.startswith("zh") else "en"]


@dataclass(frozen=True)
class Parameter:
    """One thing that an operator may change about a play before it is launched."""

    name: str
    type: str
    label: Mapping[str, str]
    default: Any
    help: Mapping[str, str] = field(default_factory=dict)
    least: int | None = None
    most: int | None = None
    choices: tuple[tuple[str, Mapping[str, str]], ...] = ()

    @property
    def setting(self) -> Setting:
        """As a declared setting, for checks and forms, in the reader's language."""
        return Setting(
            self.name,
            self.type,
            in_language(self.label),
            in_language(self.help) if self.help else "",
            required=True,
            default=self.default,
            choices=tuple((value, in_language(label)) for value, label in self.choices),
            least=self.least,
            most=self.most,
        )


@dataclass(frozen=True)
class Target:
    """What a launch is held against: the outcome that its experiment measures, and the rate to reach, 0 to 1."""

    metric: str
    value: float


@dataclass(frozen=True)
class Play:
    """One ready play. `enroll_days`: how long a launch lets customers in, unless the operator says otherwise."""

    name: str
    title: Mapping[str, str]
    summary: Mapping[str, str]
    stage: str
    order: int
    enroll_days: int
    target: Target
    parameters: tuple[Parameter, ...]
    template: Mapping[str, Any]

    def values(self, given: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """Every parameter's value, the operator's where given. Raises PlayParametersError."""
        chosen = {p.name: p.default for p in self.parameters} | dict(given or {})
        known = [p.name for p in self.parameters]
        message = _("The play has no such setting; it has %(known)s.")
        problems = [
            Problem(f"$.{name}", "unknown_key", message, {"known": ", ".join(known)})
            for name in chosen
            if name not in known
        ]
        for parameter in self.parameters:
            problems += parameter.setting.check(chosen, "$")
        if problems:
            raise PlayParametersError(problems)
        return chosen

    def definition_json(self, given: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """The journey's definition with these parameters put in. Raises PlayParametersError."""
        values = self.values(given)
        made = _filled(self.template, values, None)
        assert isinstance(made, dict)
        if problems := find_problems(made):
            raise PlayParametersError(problems)
        return made

    def definition(self, given: Mapping[str, Any] | None = None) -> Definition:
        """The same, ready to run."""
        return parse_definition(self.definition_json(given))


def _filled(value: Any, values: Mapping[str, Any], language: str | None) -> Any:
    if isinstance(value, dict):
        return {k: _filled(v, values, k if k in LANGUAGES else language) for k, v in value.items()}
    if isinstance(value, list):
        return [_filled(entry, values, language) for entry in value]
    if not isinstance(value, str):
        return value
    alone = _PLACE.fullmatch(value)
    if alone and language is None:
        return values[alone[1]]
    return _PLACE.sub(lambda found: _as_text(values[found[1]], language), value)


def _as_text(value: Any, language: str | None) -> str:
    return str(value[language or LANGUAGES[0]]) if isinstance(value, dict) else str(value)


@cache
def library() -> Mapping[str, Play]:
    """The plays of this release by name, in their order."""
    return read_library(LIBRARY)


def read_library(folder: Path) -> dict[str, Play]:
    """Every play below a folder. Raises PlayFileError with the file and the place of the first mistake."""
    found = [_read(place / FILE) for place in sorted(folder.iterdir()) if (place / FILE).is_file()]
    return {play.name: play for play in sorted(found, key=lambda play: (play.order, play.name))}


def get_play(name: str) -> Play:
    """The play of that name; raises PlayUnknownError."""
    found = library().get(name)
    if found is None:
        known = ", ".join(library())
        raise PlayUnknownError(_("There is no play %(name)s; there are %(known)s.") % {"name": name, "known": known})
    return found


def _read(file: Path) -> Play:
    try:
        told = yaml.safe_load(file.read_text(encoding="utf-8"))
    except yaml.YAMLError as error:
        raise PlayFileError(file, "$", f"not YAML: {error}") from error
    for wrong in sorted(Draft202012Validator(SCHEMA).iter_errors(told), key=lambda e: list(map(str, e.path))):
        raise PlayFileError(file, wrong.json_path, wrong.message)
    if not _NAME.match(file.parent.name):
        raise PlayFileError(file, "$", "the folder's name is the play's: lower-case letters, digits and _")
    parameters = tuple(_parameter(entry) for entry in told["parameters"])
    known = {parameter.name for parameter in parameters}
    for path, name in _places(told["journey"], "$.journey"):
        if name not in known:
            raise PlayFileError(file, path, f"no parameter {name}; there are {', '.join(sorted(known))}")
    play = Play(
        name=file.parent.name,
        title=told["title"],
        summary=told["summary"],
        stage=told["stage"],
        order=told["order"],
        enroll_days=told["enroll_days"],
        target=Target(**told["target"]),
        parameters=parameters,
        template=told["journey"],
    )
    try:
        play.definition_json()
    except PlayParametersError as error:
        problem = error.problems[0]
        raise PlayFileError(file, problem.path.replace("$", "$.journey", 1), problem.text) from error
    return play


def _parameter(told: Mapping[str, Any]) -> Parameter:
    choices = tuple((entry["value"], entry["label"]) for entry in told.get("choices", ()))
    return Parameter(**{**told, "choices": choices})


def _places(value: Any, path: str) -> Iterator[tuple[str, str]]:
    if isinstance(value, dict):
        for key, entry in value.items():
            yield from _places(entry, f"{path}.{key}")
    elif isinstance(value, list):
        for position, entry in enumerate(value):
            yield from _places(entry, f"{path}[{position}]")
    elif isinstance(value, str):
        yield from ((path, name) for name in _PLACE.findall(value))
