"""What commands print: JSON for programs on standard output, progress for people on standard error."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from decimal import Decimal
from typing import Protocol


class Report(Protocol):
    """How far a long task is: `done` of `total` units (None: unknown), in the step named `step`."""

    def __call__(self, done: int, total: int | None = None, step: str = "") -> None: ...


def silent(done: int, total: int | None = None, step: str = "") -> None:
    """A Report for callers that do not watch."""


def print_json(value: object) -> None:
    """`value` as one JSON document on standard output; dates in ISO form, decimals as exact strings."""
    sys.stdout.write(json.dumps(value, ensure_ascii=False, default=_plain) + "\n")
    sys.stdout.flush()


def confirmed(question: str) -> bool:
    """Whether the person at the terminal says yes; anything else, and the end of input, is a no."""
    from django.utils.translation import gettext as _

    sys.stdout.write(_("%(question)s [y/N] ") % {"question": question})
    sys.stdout.flush()
    return sys.stdin.readline().strip().lower() in ("y", "yes", "是", "是的")


def _plain(value: object) -> object:
    if isinstance(value, date):  # datetime included
        return value.isoformat()
    if isinstance(value, Decimal):
        return str(value)
    return str(value)


@contextmanager
def progress(label: str) -> Iterator[Report]:
    """A bar on standard error for as long as the block runs, silent where that is no terminal."""
    if not sys.stderr.isatty():
        yield silent
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=Console(stderr=True), transient=False) as bar:
        task = bar.add_task(label, total=None)

        def report(done: int, total: int | None = None, step: str = "") -> None:
            bar.update(task, completed=done, total=total, description=f"{label} · {step}" if step else label)

        yield report
