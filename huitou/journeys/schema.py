"""The published JSON Schema of a definition, made of what steps and triggers declare."""

from __future__ import annotations

from typing import Any

from django.utils.translation import override

from huitou.journeys.definition import MOST_STEPS, SETTINGS, STEP_ID
from huitou.journeys.setting import Setting
from huitou.journeys.step import NEXT, STEPS
from huitou.journeys.steps.wait import TIMEOUT
from huitou.journeys.trigger import TRIGGERS

_CONDITION = {"type": "object", "minProperties": 1}
_ENDING = {
    "type": "object",
    "properties": {
        "events": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {"event": {"type": "string"}, "where": {"type": "array"}},
                "required": ["event"],
                "additionalProperties": False,
            },
        },
        "when": _CONDITION,
        "purchase": {"type": "boolean"},
    },
    "additionalProperties": False,
}


def definition_schema() -> dict[str, Any]:
    """JSON Schema 2020-12 of a definition, described in English."""
    with override("en"):
        return {
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "title": "Huitou journey",
            "type": "object",
            "properties": {
                "trigger": {"oneOf": [_object(t.kind, t.settings) for t in TRIGGERS]},
                "audience": _CONDITION,
                "steps": {
                    "type": "array",
                    "minItems": 1,
                    "maxItems": MOST_STEPS,
                    "items": {"oneOf": [_step(step.kind, step.settings) for step in STEPS]},
                },
                "goal": _ENDING,
                "exit_when": _ENDING,
                **{setting.name: setting.schema() for setting in SETTINGS},
            },
            "required": ["trigger", "steps"],
            "additionalProperties": False,
        }


def _object(kind: str, settings: tuple[Setting, ...], **more: Any) -> dict[str, Any]:
    always = [s.name for s in settings if s.required and s.when is None and s.default is None]
    return {
        "type": "object",
        "properties": {"kind": {"const": kind}, **more, **{s.name: s.schema() for s in settings}},
        "required": ["kind", *(["id"] if "id" in more else []), *always],
        "additionalProperties": False,
    }


def _step(kind: str, settings: tuple[Setting, ...]) -> dict[str, Any]:
    more: dict[str, Any] = {"id": {"type": "string", "pattern": STEP_ID.pattern}}
    if kind != "exit":
        more[NEXT] = {"type": "string"}
    if kind == "wait":
        more[TIMEOUT] = {"type": "string"}
    return _object(kind, settings, **more)
