"""What is wrong with a definition, and where: the place is a path in its JSON."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from huitou.core.errors import DomainError

_STEP = re.compile(r"^\$\.steps\[(\d+)\]")


@dataclass(frozen=True)
class Problem:
    """One thing that keeps a definition from being published. `path` is like $.steps[2].content.en."""

    path: str
    code: str
    message: str | Promise
    values: Mapping[str, Any] = field(default_factory=dict)

    @property
    def text(self) -> str:
        """In the reader's language."""
        return str(self.message) % {name: str(value) for name, value in self.values.items()}

    @property
    def step_place(self) -> int | None:
        """Position of the step that it is about."""
        found = _STEP.match(self.path)
        return int(found[1]) if found else None


class DefinitionError(DomainError):
    """A definition that cannot run; `problems` say what and where."""

    code = "definition_invalid"
    status = 422

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = list(problems)
        told = "; ".join(f"{p.path}: {p.text}" for p in self.problems[:5])
        super().__init__(_("The journey cannot run: %(problems)s") % {"problems": told})
