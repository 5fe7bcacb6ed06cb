"""The builder's tree: read from a form or from JSON, changed by buttons, checked leaf by leaf, written as JSON.

A tree's fields are named NAME-PATH: `g` of a group is how it is joined, `w` of a leaf what it asks, other names are the
controls of that question. The path begins with the name of the tree, 0 where a page has one; its third part's first is
0-2-0.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from django.utils.translation import get_language
from django.utils.translation import gettext as _

from huitou.analytics.conditions import ConditionError, parse_condition
from huitou.analytics.conditions.tree import MOST_DEPTH as MOST_LEVELS
from huitou.segments.builder.comparisons import has_blank, no_number_in
from huitou.segments.builder.fields import with_row, without_row
from huitou.segments.builder.leaves import JSON_LEAF, fields_of, json_of, kept_fields
from huitou.segments.builder.lists import AS_JSON, EVENTS, FILTERS, check_list, read_list, write_list

ROOT = "0"
JOINS = ("all", "any", "none")
_KEY = re.compile(r"([a-z][a-z0-9]{0,40})-([a-z0-9_]{1,60}(?:-\d{1,3}){0,9})")
# More than conditions may have, so that theirs is the refusal.
_MOST_NODES = 400
# Fields of one form; a larger condition is shown as JSON, since forms that are too long are not read at all.
_MOST_FIELDS = 1_500


@dataclass(frozen=True)
class Node:
    """A group (`join` is one of JOINS) or a leaf (`what` says of which kind and about what)."""

    join: str = ""
    what: str = ""
    fields: Mapping[str, str] = field(default_factory=dict)
    children: tuple[Node, ...] = ()
    path: str = ""
    error: str = ""

    @property
    def is_group(self) -> bool:
        return bool(self.join)

    @property
    def is_list(self) -> bool:
        """Whether it stands by itself and is no condition on customers."""
        return self.what in (FILTERS, EVENTS, AS_JSON)

    def to_json(self) -> Any:
        """The condition's JSON form; a leaf that lacks something is what it is, for the reader to refuse."""
        if self.is_list:
            return write_list(self.what, self.fields)
        if not self.is_group:
            return json_of(self.what, self.fields)
        parts = [child.to_json() for child in self.children]
        if self.join != "none":
            return {self.join: parts}
        return {"not": parts[0] if len(parts) == 1 else {"any": parts}}

    def to_condition(self) -> Any:
        """The same, without a group around a single condition; None of what is empty."""
        if self.is_list:
            return self.to_json() or None
        if self.join in ("all", "any") and len(self.children) == 1:
            return self.children[0].to_json()
        return self.to_json() if self.children or not self.is_group else None


_NEW_LEAF = Node(what="feature:order_count", fields={"is": ">="})


@dataclass(frozen=True)
class Focus:
    """Where the next key stroke goes: a leaf or group by its path, and within a leaf a row of fields."""

    path: str = ""
    row: str = ""


def numbered(node: Node, path: str = ROOT) -> Node:
    """The tree with paths from the top."""
    children = tuple(numbered(child, f"{path}-{n}") for n, child in enumerate(node.children))
    return replace(node, path=path, children=children)


def read_form(data: Mapping[str, str], root: str = ROOT) -> Node:
    """The tree that a posted form holds under a name; an empty group where it holds none."""
    found: dict[str, dict[str, str]] = {}
    for key, value in data.items():
        match = _KEY.fullmatch(key)
        if match and (match[2] == root or match[2].startswith(f"{root}-")) and len(found) <= _MOST_NODES:
            found.setdefault(match[2], {})[match[1]] = value[:500_000]
    return _node(root, found) or Node(join="all", path=root)


def _node(path: str, found: Mapping[str, Mapping[str, str]]) -> Node | None:
    own = found.get(path)
    if own is None:
        return None
    if "g" not in own:
        what, before = own.get("w", ""), own.get("was", "")
        fields = {k: v for k, v in own.items() if k not in ("w", "was")}
        return Node(what=what, fields=kept_fields(before, what, fields) if before else fields, path=path)
    depth = path.count("-") + 1
    below = [p for p in found if p.startswith(f"{path}-") and p.count("-") == depth]
    children = [_node(p, found) for p in sorted(below, key=lambda p: int(p.rsplit("-", 1)[1]))]
    join = own["g"] if own["g"] in JOINS else "all"
    return Node(join=join, children=tuple(c for c in children if c is not None), path=path)


def from_json(data: Any, root: str = ROOT) -> Node:
    """The tree of a condition's JSON form; the root is always a group."""
    node = _from_json(data)
    node = node if node.is_group else Node(join="all", children=(node,))
    if sum(len(below.fields) + 2 for below in _walk(node)) > _MOST_FIELDS:
        node = Node(join="all", children=(_as_json(data),))
    return numbered(node, root)


def from_list(data: Any, what: str, root: str, *, about: str = "") -> Node:
    """A list of another app's definition, FILTERS or EVENTS; `about` is the event whose properties are offered."""
    drawn_as, fields = read_list(what, data)
    return Node(what=drawn_as, fields=fields | ({"about": about} if about else {}), path=root)


def _from_json(data: Any, depth: int = 0) -> Node:
    if isinstance(data, Mapping) and len(data) == 1 and depth < MOST_LEVELS:
        ((key, inside),) = data.items()
        if key in ("all", "any") and isinstance(inside, list):
            return Node(join=key, children=tuple(_from_json(part, depth + 1) for part in inside))
        if key == "not" and isinstance(inside, Mapping):
            parts = inside["any"] if set(inside) == {"any"} and isinstance(inside["any"], list) else [inside]
            return Node(join="none", children=tuple(_from_json(part, depth + 1) for part in parts))
    if isinstance(data, Mapping):
        what, fields = fields_of(data)
        if what:
            return Node(what=what, fields=fields)
    return _as_json(data)


def _as_json(data: Any) -> Node:
    return Node(what=JSON_LEAF, fields={"json": json.dumps(data, ensure_ascii=False, indent=1)})


def acted(root: Node, acts: str) -> tuple[Node, Focus]:
    """The tree after buttons were pressed, and what is to have the focus.

    `acts` are add:PATH (a condition into that group), group:PATH, remove:PATH, more:PATH:ROWS (one row more in a leaf)
    and less:PATH:ROW, with spaces between; all paths are those of the tree as it was drawn.
    """
    focus = Focus()
    for act in acts.split()[:50]:
        verb, _colon, place = act.partition(":")
        path, _colon, row = place.partition(":")
        if verb in _VERBS and re.fullmatch(r"[a-z0-9]{0,20}", row):
            root, focus = _VERBS[verb](root, path, row)
    return numbered(root, root.path or ROOT), focus


def _add(root: Node, path: str, _row: str) -> tuple[Node, Focus]:
    return _grow(root, path, _NEW_LEAF), Focus(f"{path}-{_size(root, path)}")


def _add_group(root: Node, path: str, _row: str) -> tuple[Node, Focus]:
    new = Node(join="any", children=(_NEW_LEAF,))
    return _grow(root, path, new), Focus(f"{path}-{_size(root, path)}-0")


def _remove(root: Node, path: str, _row: str) -> tuple[Node, Focus]:
    above = path.rpartition("-")[0]

    def without(node: Node) -> Node:
        return replace(node, children=tuple(child for child in node.children if child.path != path))

    return _changed(root, above, without), Focus(above)


def _more(root: Node, path: str, row: str) -> tuple[Node, Focus]:
    leaf = next((n for n in _walk(root) if n.path == path and not n.is_group), None)
    if leaf is None or not row:
        return root, Focus()
    fields, new = with_row(leaf.fields, row)
    return _changed(root, path, lambda node: replace(node, fields=fields)), Focus(path, new)


def _less(root: Node, path: str, row: str) -> tuple[Node, Focus]:
    def without(node: Node) -> Node:
        return replace(node, fields=without_row(node.fields, row)) if row else node

    return _changed(root, path, without), Focus(path)


_VERBS: dict[str, Callable[[Node, str, str], tuple[Node, Focus]]] = {
    "add": _add,
    "group": _add_group,
    "remove": _remove,
    "more": _more,
    "less": _less,
}


def _size(root: Node, path: str) -> int:
    return next((len(node.children) for node in _walk(root) if node.path == path), 0)


def _grow(root: Node, path: str, new: Node) -> Node:
    return _changed(root, path, lambda node: replace(node, children=(*node.children, new)) if node.is_group else node)


def _changed(node: Node, path: str, change: Callable[[Node], Node]) -> Node:
    if node.path == path:
        return change(node)
    return replace(node, children=tuple(_changed(child, path, change) for child in node.children))


def _walk(node: Node) -> list[Node]:
    return [node, *(below for child in node.children for below in _walk(child))]


def checked(node: Node) -> Node:
    """The tree with what is wrong beside each leaf and each empty group, in the reader's language."""
    if node.is_group:
        error = "" if node.children or node.join == "all" else _("Add a condition here, or remove the group.")
        return replace(node, children=tuple(checked(child) for child in node.children), error=error)
    try:
        if node.is_list:
            check_list(node.what, node.fields)
        else:
            parse_condition(node.to_json())
    except ConditionError as error:
        if has_blank(node.to_json()):
            return replace(node, error=_("Fill in what is empty here."))
        if (text := no_number_in(node.to_json())) is not None:
            return replace(node, error=_("“%(text)s” is no number.") % {"text": text})
        sentence = error.sentence(get_language() or "en")
        # The path within the leaf says nothing to somebody who looks at the field.
        told = re.split(r"[:：]\s*", sentence, maxsplit=1)[-1]
        return replace(node, error=told)
    return replace(node, error="")


def errors_in(node: Node) -> list[Node]:
    """Nodes with an error, in order."""
    return [below for below in _walk(node) if below.error]


def nodes_in(node: Node) -> list[Node]:
    """Every node, in order."""
    return _walk(node)
