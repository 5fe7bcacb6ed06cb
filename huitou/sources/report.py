"""The report of an import, for people at a terminal."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.utils.translation import gettext as _

from huitou.sources.importing.preview import DryRun


def of_dry_run(found: DryRun, *, kind: str, path: Path, source: str) -> dict[str, Any]:
    """The report of a dry run, in the form of a real one."""
    return {
        "import": None,
        "dry_run": True,
        "kind": kind,
        "source": source or "file",
        "file": path.name,
        "rows": found.counts.rows,
        "accepted": found.counts.accepted,
        "rejected": found.counts.rejected,
        "orders": found.counts.orders,
        "customers": found.counts.customers,
        "reject_file": found.reject_path or None,
        "batch_id": None,
        "mapping": found.mapping,
        "detected": found.detected,
        "problems": found.problems,
        "warnings": found.warnings,
        "understood": found.understood,
    }


def show(told: dict[str, Any]) -> None:
    """Print the report: what was read how, the mapping, the counts, and what was not taken and why."""
    from rich.console import Console
    from rich.table import Table

    console = Console()
    detected = told["detected"]
    form = [detected.get("format"), detected.get("encoding"), _named(detected.get("separator")), detected.get("sheet")]
    console.print(f"[bold]{told['file']}[/bold]  " + " · ".join(str(part) for part in form if part))
    for name, time in detected.get("times", {}).items():
        for one in time["forms"]:
            console.print(_("%(field)s is written as %(form)s") % {"field": name, "form": one["like"]})
    columns = Table(_("Field"), _("Column"), _("How"), box=None)
    for name, column in told["mapping"].get("columns", {}).items():
        columns.add_row(name, column, _("guessed") if name in told["mapping"]["guessed"] else _("given"))
    for name, value in told["mapping"].get("constants", {}).items():
        columns.add_row(name, value, _("for all rows"))
    console.print(columns)
    counts = Table(box=None, show_header=False)
    for label, name in (
        (_("Rows"), "rows"),
        (_("Accepted"), "accepted"),
        (_("Rejected"), "rejected"),
        (_("Orders"), "orders"),
        (_("Customers"), "customers"),
    ):
        counts.add_row(label, f"{told[name]:,}")
    console.print(counts)
    if told["problems"]:
        problems = Table(_("Rows"), _("Column"), _("Reason"), _("Example"), box=None)
        for problem in told["problems"]:
            example = problem["example"]
            shown = _("row %(row)s") % {"row": example["row"]} + (f": {example['value']}" if example["value"] else "")
            problems.add_row(f"{problem['count']:,}", problem["column"] or "", problem["message"], shown)
        console.print(problems)
    for warning in told["warnings"]:
        console.print(f"[yellow]{warning['message']}[/yellow]")
    if told["reject_file"]:
        console.print(_("Rejected rows: %(path)s") % {"path": told["reject_file"]})
    if told.get("dry_run"):
        console.print(_("Nothing was stored."))


def _named(separator: str | None) -> str:
    return {",": _("comma"), "\t": _("tab"), ";": _("semicolon"), "|": _("vertical bar")}.get(separator or "", "")
