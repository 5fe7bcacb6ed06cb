"""Shapes of JSON Schema that kinds of leaves are made of."""

from __future__ import annotations

from typing import Any


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
