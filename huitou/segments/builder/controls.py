"""What the builder draws for a leaf: controls, and sections of rows that can be added and taken out."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from django.utils.translation import gettext as _

from huitou.segments.builder.fields import Fields, rows_of

Choices = list[tuple[str, str]]
_CLEAR = re.compile(r"(value|within|[ne]\d+v)$")


@dataclass(frozen=True)
class Control:
    """One field of a condition.

    `form` is select, number, text, date or area; `after` stands behind it. `redraws`: other controls follow from it.
    `open`: what was saved and is not in the menu stays as it is. `suggested` are offered while somebody types.
    """

    name: str
    label: str
    form: str
    value: str = ""
    choices: Choices = field(default_factory=list)
    groups: list[tuple[str, Choices]] = field(default_factory=list)
    after: str = ""
    redraws: bool = False
    open: bool = False
    suggested: Choices = field(default_factory=list)
    is_section: bool = False

    @property
    def label_is_clear(self) -> bool:
        """Whether the place of the field says what it is, so that only screen readers are told."""
        return bool(_CLEAR.search(self.name))

    @property
    def codes(self) -> list[str]:
        """What the menu offers."""
        return [code for code, _word in [*self.choices, *(c for _title, choices in self.groups for c in choices)]]


@dataclass(frozen=True)
class Row:
    """One row of a section; `drop` is its place for the button that takes it out, empty where it must stay."""

    items: list[Item]
    drop: str = ""


@dataclass(frozen=True)
class Section:
    """Rows of the same controls. `add` is the place of the button for one row more, empty where there is no room."""

    label: str
    rows: list[Row]
    add: str
    add_label: str
    inline: bool = False
    is_section: bool = True


Item = Control | Section
Draw = Callable[[str, Mapping[str, str]], list[Item]]


def section(
    fields: Fields, prefix: str, name: str, draw: Draw, label: str, add_label: str, *, least: int, most: int
) -> Section:
    """The rows under a name, at least so many of them; `draw` says what stands in one.

    `prefix` is where the section stands, such as s0 for the filters of the first step.
    """
    held: dict[str, Mapping[str, str]] = dict(rows_of(fields, name))
    place = 0
    while len(held) < least:
        held.setdefault(f"{name}{place}", {})
        place += 1
    can_drop = len(held) > least
    rows = [
        Row(_under(f"{prefix}{row}", draw(f"{prefix}{row}", own)), f"{prefix}{row}" if can_drop else "")
        for row, own in held.items()
    ]
    return Section(label, rows, f"{prefix}{name}" if len(held) < most else "", add_label, inline=name == "n")


def _under(place: str, items: list[Item]) -> list[Item]:
    return [replace(item, name=place + item.name) if isinstance(item, Control) else item for item in items]


def names_section(fields: Fields, prefix: str, label: str, choices: Choices, *, typed: bool = False) -> Section:
    """One name or several of which one will do: from a menu, or typed where they may be unknown."""

    def draw(_place: str, own: Mapping[str, str]) -> list[Item]:
        if typed or not choices:
            return [Control("v", label, "text", suggested=choices)]
        return [Control("v", label, "select", choices=choices, open=True)]

    return section(fields, prefix, "n", draw, label, _("or another"), least=1, most=50)


def flat(items: Iterable[Item]) -> Iterator[Control]:
    """Every control, in order."""
    for item in items:
        if isinstance(item, Control):
            yield item
        else:
            for row in item.rows:
                yield from flat(row.items)


def filled(items: Sequence[Item], fields: Fields) -> list[Item]:
    """The controls with what the fields hold; a menu that is open offers that too."""
    found: list[Item] = []
    for item in items:
        if isinstance(item, Section):
            found.append(replace(item, rows=[replace(row, items=filled(row.items, fields)) for row in item.rows]))
            continue
        value = fields.get(item.name, item.value)
        extra = [(value, value)] if item.open and value and value not in item.codes else []
        found.append(replace(item, value=value, choices=[*item.choices, *extra]))
    return found
