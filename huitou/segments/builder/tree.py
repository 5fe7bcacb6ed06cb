"""A condition as a tree of form fields, and back to its JSON form.

Every node has a path: the root is 0, its children 0-0, 0-1 and so on. Fields are named after what they say and the
path they belong to: `g-0` is how the root joins its parts, `w-0-1` what the second part asks, `value-0-1` with which
value. A leaf that the menus cannot say is kept as JSON text, so that nothing that was saved gets lost.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from django.utils.translation import get_language
from django.utils.translation import gettext as _

from huitou.analytics.conditions import ConditionError, parse_condition
from huitou.segments.builder.leaves import JSON_LEAF, fields_of, json_of

ROOT = "0"
JOINS = ("all", "any", "none")
_KEY = re.compile(r"([gw]|[a-z]+)-(0(?:-\d{1,3}){0,8})")
_MOST = 100
# As deep as conditions go, less the `not` of groups that exclude.
MOST_DEPTH = 4


@dataclass(frozen=True)
class Node:
    """A group (`join` is one of JOINS) or a leaf (`what` says of which kind and about what)."""

    join: str = ""
    what: str = ""
    fields: Mapping[str, str] = field(default_factory=dict)
    children: tuple[Node, ...] = ()
    path: str = ROOT
    error: str = ""

    @property
    def is_group(self) -> bool:
        return bool(self.join)

    @property
    def depth(self) -> int:
        return self.path.count("-")

    def to_json(self) -> Any:
        """The condition's JSON form; a leaf that lacks something is what it is, for the reader to refuse."""
        if not self.is_group:
            return json_of(self.what, self.fields)
        parts = [child.to_json() for child in self.children]
        return {"not": {"any": parts}} if self.join == "none" else {self.join: parts}


def numbered(node: Node, path: str = ROOT) -> Node:
    """The tree with paths from the top."""
    children = tuple(numbered(child, f"{path}-{n}") for n, child in enumerate(node.children))
    return replace(node, path=path, children=children)


def read_form(data: Mapping[str, str]) -> Node:
    """The tree that a posted form holds; an empty group where it holds none."""
    found: dict[str, dict[str, str]] = {}
    for key, value in data.items():
        if (match := _KEY.fullmatch(key)) and len(found) <= _MOST:
            found.setdefault(match[2], {})[match[1]] = value[:20_000]
    return _node(ROOT, found) or Node(join="all")


def _node(path: str, found: Mapping[str, Mapping[str, str]]) -> Node | None:
    own = found.get(path)
    if own is None:
        return None
    if "g" not in own:
        return Node(what=own.get("w", ""), fields={k: v for k, v in own.items() if k != "w"}, path=path)
    depth = path.count("-") + 1
    below = [p for p in found if p.startswith(f"{path}-") and p.count("-") == depth]
    children = [_node(p, found) for p in sorted(below, key=lambda p: int(p.rsplit("-", 1)[1]))]
    join = own["g"] if own["g"] in JOINS else "all"
    return Node(join=join, children=tuple(c for c in children if c is not None), path=path)


def from_json(data: Any) -> Node:
    """The tree of a condition's JSON form; the root is always a group."""
    node = _from_json(data)
    return numbered(node if node.is_group else Node(join="all", children=(node,)))


def _from_json(data: Any, depth: int = 0) -> Node:
    if isinstance(data, Mapping) and len(data) == 1 and depth < MOST_DEPTH:
        ((key, inside),) = data.items()
        if key in ("all", "any") and isinstance(inside, list):
            return Node(join=key, children=tuple(_from_json(part, depth + 1) for part in inside))
        if key == "not" and isinstance(inside, Mapping):
            parts = inside["any"] if set(inside) == {"any"} and isinstance(inside["any"], list) else [inside]
            return Node(join="none", children=tuple(_from_json(part, depth + 1) for part in parts))
    if isinstance(data, Mapping):
        what, fields = fields_of(data)
        if what and json_of(what, fields) == data:
            return Node(what=what, fields=fields)
    text = json.dumps(data, ensure_ascii=False, indent=1)
    return Node(what=JSON_LEAF, fields={"json": text})


def acted(root: Node, act: str) -> tuple[Node, str]:
    """The tree after a button was pressed, and the path of what is to have the focus.

    `act` is add:PATH (a condition into that group), group:PATH or remove:PATH.
    """
    verb, _colon, path = act.partition(":")
    if verb in ("add", "group"):
        new = Node(what="feature:order_count", fields={"is": ">="}) if verb == "add" else Node(join="any")
        if verb == "group":
            new = replace(new, children=(Node(what="feature:order_count", fields={"is": ">="}),))
        changed = _changed(root, path, lambda node: replace(node, children=(*node.children, new)))
        place = next((len(n.children) for n in _walk(root) if n.path == path), 0)
        return numbered(changed), f"{path}-{place}" if verb == "add" else f"{path}-{place}-0"
    if verb == "remove":
        above = path.rpartition("-")[0]
        gone = _changed(
            root, above, lambda node: replace(node, children=tuple(c for c in node.children if c.path != path))
        )
        return numbered(gone), above
    return numbered(root), ""


def _changed(node: Node, path: str, change: Any) -> Node:
    if node.path == path and node.is_group:
        changed: Node = change(node)
        return changed
    return replace(node, children=tuple(_changed(child, path, change) for child in node.children))


def _walk(node: Node) -> list[Node]:
    return [node, *(below for child in node.children for below in _walk(child))]


def checked(node: Node) -> Node:
    """The tree with what is wrong beside each leaf and each empty group, in the reader's language."""
    if node.is_group:
        error = "" if node.children or node.join == "all" else _("Add a condition here, or remove the group.")
        return replace(node, children=tuple(checked(child) for child in node.children), error=error)
    try:
        parse_condition(node.to_json())
    except ConditionError as error:
        sentence = error.sentence(get_language() or "en")
        # The path within the leaf says nothing to somebody who looks at the field.
        told = re.split(r"[:：]\s*", sentence, maxsplit=1)[-1]
        return replace(node, error=told)
    return replace(node, error="")


def errors_in(node: Node) -> list[Node]:
    """Nodes with an error, in order."""
    return [below for below in _walk(node) if below.error]


def leaves_in(node: Node) -> list[Node]:
    """Every node, in order."""
    return _walk(node)
