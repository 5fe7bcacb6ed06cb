"""What a connector is: a pure adapter that brings orders or members of an outside system in the columns of our files.

It knows how to ask and what the answers mean, and nothing of our store: what it brings goes the way of any file, with
the report, the refused rows and the counters of an import, and the same rules for orders.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol

from django.utils.functional import Promise

from huitou.core.clock import Clock
from huitou.sources.importing.options import ImportOptions

TEXT, CHOICE, DAY = "text", "choice", "day"
# An amount: kept in minor units, shown and typed in the currency's own unit.
MONEY = "money"


@dataclass(frozen=True)
class Setting:
    """One thing that somebody says about a connection. A secret one is kept sealed and never shown again."""

    name: str
    label: str | Promise
    hint: str | Promise = ""
    form: str = TEXT
    is_secret: bool = False
    required: bool = True
    choices: Callable[[], list[tuple[str, str]]] = list
    default: str = ""


@dataclass(frozen=True)
class Answer:
    """What an outside system answered; names of headers are lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes = b""


class Http(Protocol):
    """The way out. Both raise PullError where nothing answers, where one must not go, or where too much comes."""

    def ask(self, url: str, *, json: object) -> Answer:
        """Send a JSON body; the answer is held in memory, so it is limited."""

    def download(self, url: str, target: Path, *, headers: Mapping[str, str]) -> Answer:
        """Write the body of a good answer to `target`; of others it is kept short in the answer."""


@dataclass(frozen=True)
class Document:
    """All rows of one order, or of one member. Of several with one key the latest version counts."""

    key: str
    version: str
    rows: tuple[Mapping[str, str], ...]


@dataclass(frozen=True)
class Page:
    """A part of what there is: documents, or a whole file as the outside keeps it.

    With `cursor` everything up to there has come: it is imported, and only then the next pull begins from there.
    """

    documents: tuple[Document, ...] = ()
    file: Path | None = None
    file_name: str = ""
    cursor: Mapping[str, Any] | None = None
    done: int = 0
    total: int | None = None


@dataclass(frozen=True)
class Pull:
    """One pull: what was set, how far the last one came, and what may be used. `folder` takes downloaded files."""

    settings: Mapping[str, str]
    cursor: Mapping[str, Any]
    http: Http
    clock: Clock
    wait: Callable[[float], None]
    folder: Path


def _no_check(settings: Mapping[str, str]) -> None:
    """Nothing to object to."""


@dataclass(frozen=True)
class Connector:
    """One kind of outside system.

    `pull` yields pages, the last with a cursor; raises PullError. `reads` says which kind of file the settings bring,
    and how it is to be read. `columns` are those of the documents' rows. `check` raises DomainError for settings that
    cannot be used, `place` names the outside without secrets, `restart` is the cursor that begins at an instant.
    `permission` is what creating or changing one needs beside the right to change data.
    """

    kind: str
    label: str | Promise
    doc: str | Promise
    settings: tuple[Setting, ...]
    pull: Callable[[Pull], Iterator[Page]]
    reads: Callable[[Mapping[str, str]], tuple[str, ImportOptions]]
    place: Callable[[Mapping[str, str]], str]
    restart: Callable[[datetime], dict[str, Any]]
    columns: tuple[str, ...] = ()
    check: Callable[[Mapping[str, str]], None] = _no_check
    permission: str = ""
    secrets: frozenset[str] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "secrets", frozenset(s.name for s in self.settings if s.is_secret))
