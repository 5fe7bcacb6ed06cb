"""The published JSON Schema of conditions, put together from the kinds of leaves."""

from __future__ import annotations

from typing import Any

from huitou.analytics.conditions.comparing import text_schema, texts_schema
from huitou.analytics.conditions.leaf import KINDS, LeafKind
from huitou.analytics.conditions.properties import filters_schema, names_schema
from huitou.analytics.conditions.tree import MOST_DEPTH, MOST_LEAVES
from huitou.analytics.conditions.window import window_schema


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
    leaves = {kind.kind: {"title": f"{kind.label} {kind.term_zh}"} | _described(kind) for kind in kinds}
    shared = {
        "window": window_schema(),
        "filters": filters_schema(),
        "names": names_schema(),
        "texts": texts_schema(),
        "text": text_schema(),
    }
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Huitou condition",
        "description": f"At most {MOST_DEPTH} levels deep and {MOST_LEAVES} leaves in all.",
        "$ref": "#/$defs/condition",
        "$defs": {
            "condition": {"oneOf": [*joints, *({"$ref": f"#/$defs/{kind.kind}"} for kind in kinds)]},
            **{name: _by_reference(schema, shared) for name, schema in leaves.items()},
            **{name: _by_reference(schema, shared, but=name) for name, schema in shared.items()},
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


def _described(kind: LeafKind) -> dict[str, Any]:
    return {"description": kind.definition} | kind.schema()


def _by_reference(schema: Any, shared: dict[str, Any], but: str = "") -> Any:
    """The same schema, with what is shared named instead of written out."""
    for name, one in shared.items():
        if name != but and schema == one:
            return {"$ref": f"#/$defs/{name}"}
    if isinstance(schema, dict):
        return {key: _by_reference(value, shared) for key, value in schema.items()}
    return [_by_reference(value, shared) for value in schema] if isinstance(schema, list) else schema
