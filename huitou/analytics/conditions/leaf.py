"""What a leaf of a condition is: one question about a customer, asked of all customers at once or of one.

A kind of leaf is one file in `kinds/` with `KIND`: how its JSON is read, its schema, and a class of leaves.
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import ibis

from huitou.analytics.conditions.facts import Facts, History
from huitou.analytics.conditions.moment import Moment
from huitou.analytics.registry import Registry

Match = Callable[[ibis.Table], ibis.Value]
# Over the rows of a source, with the flag of those that the leaf looks at (None: all that are left).
Measure = Callable[[ibis.Table, ibis.Value | None], ibis.Value]


@dataclass(frozen=True)
class Columns:
    """Columns of feat_customers, or person_id itself."""

    names: tuple[str, ...] = ()


@dataclass(frozen=True)
class Summed:
    """Measures over the rows of a source that match. All leaves over one source share one pass over it.

    Parameters
    ----------
    source
        One of SOURCES.
    match
        Which rows; empty is a no.
    measures
        By name, an aggregate over those rows.
    needed
        A customer without any such row does not meet the leaf.
    exists
        Whoever has any such row meets the leaf, and nobody else does: no measure is looked at.
    names, since
        For events, what the rows have in common: their names, and the instant from which on they lie (None: any).
    """

    source: str
    match: Match
    measures: Mapping[str, Measure]
    needed: bool = True
    exists: bool = False
    names: tuple[str, ...] = ()
    since: datetime | None = None


@dataclass(frozen=True)
class Own:
    """A table of the leaf's own: `person_id`, once at most, and whatever columns `met` looks at."""

    build: Callable[[Facts], ibis.Table]
    columns: tuple[str, ...]
    needed: bool = True


class Leaf(ABC):
    """One question. `met` and `holds` give the same answer for the same facts; an empty `met` is a no."""

    @abstractmethod
    def asks(self, moment: Moment) -> Columns | Summed | Own:
        """What it needs to know about every customer."""

    @abstractmethod
    def met(self, values: Mapping[str, ibis.Value], moment: Moment) -> ibis.Value:
        """Whether customers meet it, from what it asked for: columns that are empty where there are no such rows."""

    @abstractmethod
    def holds(self, history: History, moment: Moment) -> bool:
        """Whether one customer meets it."""

    @abstractmethod
    def words(self, language: str) -> str:
        """As a part of a sentence, in zh-hans or en."""


@dataclass(frozen=True)
class LeafKind:
    """A kind of leaf.

    Parameters
    ----------
    kind
        Name of the module and of the key that tells its objects.
    label, term_zh
        English name and Chinese term.
    definition
        What it asks, in a sentence or two.
    read
        From a JSON object and its path; raises ConditionError.
    schema
        JSON Schema of its objects.
    needs
        Which facts it looks at: features, one of SOURCES, or event for the event at hand.
    audience
        Whether it can be asked of all customers at once; if not, of one customer only.
    examples
        JSON objects that it reads.
    """

    kind: str
    label: str
    term_zh: str
    definition: str
    read: Callable[[Mapping[str, Any], str], Leaf]
    schema: Callable[[], dict[str, Any]]
    needs: str
    examples: tuple[Mapping[str, Any], ...]
    audience: bool = True


KINDS = Registry("huitou.analytics.conditions.kinds", "KIND", LeafKind)


def told(language: str, english: str, chinese: str) -> str:
    """The text in the reader's language."""
    return chinese if language.lower().startswith("zh") else english


def spaced(chinese: str) -> str:
    """With numbers and Latin letters apart from the characters, but names somebody gave, which stand in quotes."""
    parts = _QUOTED.split(chinese)
    return "".join(part if _QUOTED.fullmatch(part) else _TOUCHING.sub(" ", part) for part in parts)


_QUOTED = re.compile(r"(“[^”]*”)")
_TOUCHING = re.compile(r"(?<=[\u4e00-\u9fff])(?=[A-Za-z0-9])|(?<=[A-Za-z0-9%])(?=[\u4e00-\u9fff])")
