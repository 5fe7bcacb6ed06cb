"""Conditions and lists of events as fields of other apps' forms.

A page that has them loads `segments/builder.js`; without it, its form posts `act` when one of their buttons is pressed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from django import forms
from django.template.loader import render_to_string
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from huitou.segments.builder.drawing import drawn
from huitou.segments.builder.lists import EVENTS, FILTERS
from huitou.segments.builder.menus import Subjects, settled
from huitou.segments.builder.tree import Node, acted, checked, errors_in, from_json, from_list, read_form

CONDITION = "condition"
Menus = Callable[[], Subjects]


def is_pressed(data: Mapping[str, Any] | None) -> bool:
    """Whether what was posted is a button of a tree, and nothing is to be saved."""
    return bool(data and data.get("act"))


class TreeWidget(forms.Widget):
    """The builder's tree; its value is JSON, or the Node that a form was posted with."""

    use_fieldset = True

    def __init__(self, menus: Menus, what: str, about: str) -> None:
        super().__init__()
        self._menus, self._what, self._about = menus, what, about

    def value_from_datadict(self, data: Mapping[str, Any], files: Any, name: str) -> Node:
        """The tree that was posted, after the buttons that were pressed."""
        read = read_form(data, _root(name))
        if read.is_group and self._what != CONDITION:
            read = self._node([], name)
        return acted(read, data.get("act", ""))[0]

    def render(self, name: str, value: Any, attrs: Any = None, renderer: Any = None) -> SafeString:
        """The tree in its fields; what is wrong stands beside each part once it was posted."""
        node = checked(value) if isinstance(value, Node) else self._node(value, name)
        menus = self._menus()
        return render_to_string("segments/builder_tree.html", drawn(settled(node, menus), menus))

    def _node(self, value: Any, name: str) -> Node:
        if self._what == CONDITION:
            return from_json(value, _root(name)) if value else Node(join="all", path=_root(name))
        return from_list(value, self._what, _root(name), about=self._about)

    def id_for_label(self, id_: str) -> str:
        """No field of the tree is the one that the label belongs to."""
        return ""


class TreeField(forms.Field):
    """A condition, or a list of filters (FILTERS) or of events with filters (EVENTS), in rows of menus.

    Its value is the JSON; None where nothing is asked.
    """

    def __init__(self, *, menus: Menus, what: str = CONDITION, about: str = "", **options: Any) -> None:
        assert what in (CONDITION, FILTERS, EVENTS)
        self.what = what
        super().__init__(widget=TreeWidget(menus, what, about), required=False, **options)

    def clean(self, value: Any) -> Any:
        """The JSON of a tree. Raises ValidationError; what is wrong stands beside the fields."""
        if errors_in(checked(value)):
            raise forms.ValidationError(_("Mend what is marked here."))
        return value.to_condition()


def _root(name: str) -> str:
    return name.replace("-", "_")
