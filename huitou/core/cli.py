"""`huitou doctor`: every part of the deployment, and how to mend what is wrong."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from huitou.core.doctor import Finding

_MARKS = {"ok": ("green", "✓"), "warn": ("yellow", "!"), "fail": ("red", "✗"), "skipped": ("dim", "–")}


def doctor(as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False) -> None:
    """Look at every part, and say how to mend what is wrong. Exit code 1 where something fails."""
    from huitou.core.boot import boot
    from huitou.core.clock import SystemClock
    from huitou.core.doctor import FAIL, as_object, examine
    from huitou.core.errors import DomainError
    from huitou.core.terminal import print_json

    trouble: DomainError | None = None
    try:
        boot(to_examine=True)
    except DomainError as error:
        trouble = error
    findings = examine(SystemClock(), database_error=trouble)
    if as_json:
        print_json(as_object(findings))
    else:
        _print(findings)
    if any(finding.state == FAIL for finding in findings):
        raise typer.Exit(1)


def _print(findings: list[Finding]) -> None:
    from django.utils.translation import gettext as _
    from rich.cells import cell_len
    from rich.console import Console
    from rich.text import Text

    console = Console(highlight=False)
    width = max(cell_len(finding.title) for finding in findings) + 2
    for finding in findings:
        color, mark = _MARKS[finding.state]
        line = Text.assemble(
            (f"{mark} ", color), (finding.title, "bold"), " " * (width - cell_len(finding.title)), finding.detail
        )
        console.print(line, soft_wrap=True)
        if finding.mend:
            console.print(Text.assemble(" " * (width + 2), ("→ ", color), finding.mend), soft_wrap=True)
    wrong = sum(finding.state == "fail" for finding in findings)
    doubtful = sum(finding.state == "warn" for finding in findings)
    console.print()
    if wrong or doubtful:
        console.print(_("%(fail)s to mend, %(warn)s to watch.") % {"fail": wrong, "warn": doubtful})
    else:
        console.print(_("Everything is in order."))


COMMANDS = {"doctor": doctor}
