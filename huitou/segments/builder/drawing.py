"""The tree as templates draw it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _

from huitou.analytics.conditions.tree import MOST_DEPTH
from huitou.segments.builder.controls import Choices, Control, Item, flat
from huitou.segments.builder.menus import Subjects, controls_of, left_over
from huitou.segments.builder.tree import Focus, Node


@dataclass(frozen=True)
class Shown:
    """A node as the template draws it. `groups` is the first menu, `focus` the id of the field that gets the focus."""

    node: Node
    parts: list[Shown]
    items: list[Item]
    groups: list[tuple[str, Choices]]
    kept: Choices
    focus: str
    can_nest: bool
    is_root: bool


def drawn(root: Node, subjects: Subjects, focus: Focus | None = None) -> dict[str, Any]:
    """Context of the template of a tree; it has been settled."""
    joins = [
        ("all", _("All of these hold")),
        ("any", _("At least one of these holds")),
        ("none", _("None of these holds")),
    ]
    shown = _shown(root, subjects, focus or Focus(), 1)
    return {"tree": shown, "joins": joins, "lists": _suggested(shown)}


def _shown(node: Node, subjects: Subjects, focus: Focus, level: int) -> Shown:
    inside = level + (2 if node.join == "none" else 1)
    items = [] if node.is_group else controls_of(node, subjects)
    return Shown(
        node=node,
        parts=[_shown(child, subjects, focus, inside) for child in node.children],
        items=items,
        groups=[] if node.is_group or node.is_list else _menu(node, subjects),
        kept=[] if node.is_group else left_over(node, items),
        focus=_focused(node, items, focus) if node.path == focus.path else "",
        # A group in it may be turned round, which is a level of its own.
        can_nest=inside + 2 <= MOST_DEPTH,
        is_root="-" not in node.path,
    )


def _menu(node: Node, subjects: Subjects) -> list[tuple[str, Choices]]:
    """What can be asked; what was saved stays in it, even where the brand's data have it no more."""
    if node.what in subjects.words():
        return subjects.groups
    return [(_("As it was saved"), [(node.what, node.what.partition(":")[2] or node.what)]), *subjects.groups]


def _focused(node: Node, items: list[Item], focus: Focus) -> str:
    if node.is_group:
        return f"a-{node.path}"
    first = next((c.name for c in flat(items) if focus.row and re.match(rf"{focus.row}[a-z]", c.name)), "w")
    return f"{first}-{node.path}"


def _suggested(shown: Shown) -> list[tuple[str, Choices]]:
    """Lists that text fields suggest from, each once."""
    found: dict[str, Choices] = {}
    for control in _controls(shown):
        if control.suggested:
            found.setdefault("events", control.suggested)
    return list(found.items())


def _controls(shown: Shown) -> Iterator[Control]:
    yield from flat(shown.items)
    for part in shown.parts:
        yield from _controls(part)
