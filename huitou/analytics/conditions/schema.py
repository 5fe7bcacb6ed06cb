"""The published JSON Schema of conditions, put together from the kinds of leaves."""

from __future__ import annotations

from typing import Any

from huitou.analytics.conditions.leaf import KINDS
from huitou.analytics.conditions.tree import MOST_DEPTH, MOST_LEAVES


def condition_schema() -> dict[str, Any]:
    """JSON Schema (2020-12) of the JSON form of a condition.

    What a schema cannot say is checked when a condition is read: names of features, that ranges ascend, and that at
    most MOST_DEPTH levels and MOST_LEAVES leaves are nested.
    """
    part = {"$ref": "#/$defs/condition"}
    joints: list[dict[str, Any]] = [
        _joint("all", {"type": "array", "items": part, "maxItems": MOST_LEAVES}, "Every part is met; none: everybody."),
        _joint("any", {"type": "array", "items": part, "minItems": 1, "maxItems": MOST_LEAVES}, "One part is met."),
        _joint("not", part, "The part is not met."),
    ]
    kinds = sorted(KINDS, key=lambda kind: kind.kind)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Huitou condition",
        "description": f"At most {MOST_DEPTH} levels deep and {MOST_LEAVES} leaves in all.",
        "$ref": "#/$defs/condition",
        "$defs": {
            "condition": {"oneOf": [*joints, *({"$ref": f"#/$defs/{kind.kind}"} for kind in kinds)]},
            **{
                kind.kind: {"title": f"{kind.label} {kind.term_zh}", "description": kind.definition} | kind.schema()
                for kind in kinds
            },
        },
    }


def _joint(name: str, schema: dict[str, Any], doc: str) -> dict[str, Any]:
    return {
        "type": "object",
        "description": doc,
        "properties": {name: schema},
        "required": [name],
        "additionalProperties": False,
    }


def closed(own: dict[str, Any], required: list[str], shapes: list[dict[str, Any]] | None = None) -> dict[str, Any]:
    """An object with `own` properties, combined with one of several shapes of others, and nothing else."""
    if not shapes:
        return {"type": "object", "properties": own, "required": required, "additionalProperties": False}
    return {
        "type": "object",
        "oneOf": [
            {
                "properties": own | shape["properties"],
                "required": [*required, *shape["required"]],
                "additionalProperties": False,
            }
            for shape in shapes
        ],
    }
