"""The report of an import, for people at a terminal."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from django.utils.translation import gettext as _
from rich.markup import escape

from huitou.sources.canonical import label_of
from huitou.sources.importing.mapping import map_flag, quoted
from huitou.sources.importing.preview import DryRun
from huitou.sources.importing.times import form_words

if TYPE_CHECKING:
    from rich.console import Console


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
        "skipped": found.counts.skipped,
        "orders": found.counts.orders,
        "customers": found.counts.customers,
        "reject_file": found.reject_path or None,
        "batch_id": None,
        "mapping": found.mapping,
        "unused_columns": found.mapping.get("unused", []),
        "detected": found.detected,
        "problems": found.problems,
        "warnings": found.warnings,
        "understood": found.understood,
    }


def show(told: dict[str, Any], *, unchanged: bool = False) -> None:
    """Print the report: what was read how, the mapping, the counts, and what was not taken and why.

    `unchanged`: the file was imported before, and this time nothing was done.
    """
    from rich.console import Console

    console = Console()
    detected = told["detected"]
    form = [detected.get("format"), detected.get("encoding"), _named(detected.get("separator")), detected.get("sheet")]
    console.print(f"[bold]{escape(told['file'])}[/bold]  " + escape(" · ".join(str(part) for part in form if part)))
    _show_reading(console, told)
    _show_columns(console, told)
    _show_counts(console, told)
    _show_problems(console, _("Refused rows"), [p for p in told["problems"] if not p["skipped"]])
    _show_problems(console, _("Skipped rows, which are no sales"), [p for p in told["problems"] if p["skipped"]])
    for warning in told["warnings"]:
        remedy = warning.get("at_terminal")
        console.print(f"[yellow]! {escape(warning['message'])}[/yellow]" + (f"  {escape(remedy)}" if remedy else ""))
    if told["reject_file"]:
        console.print(escape(_("These rows are in: %(path)s") % {"path": told["reject_file"]}), soft_wrap=True)
    if told.get("dry_run"):
        console.print(_("Nothing was stored."))
    elif unchanged:
        console.print(_("This very file was imported before; nothing changes."))


def _show_reading(console: Console, told: dict[str, Any]) -> None:
    """How times are written, what the shop's words were understood as, and which other sheets there are."""
    detected, kind = told["detected"], told["kind"]
    words = form_words()
    for name, time in detected.get("times", {}).items():
        for one in time["forms"]:
            values = {"field": label_of(kind, name), "form": words.get(one["form"], one["form"]), "like": one["like"]}
            console.print(escape(_("%(field)s: %(form)s, for example %(like)s") % values))
    for name, understood in detected.get("words", {}).items():
        pairs = " · ".join(f"{word} → {meaning}" for word, meaning in understood.items())
        if pairs:
            console.print(escape(f"{label_of(kind, name)}: {pairs}"))
    others = [sheet for sheet in detected.get("sheets", ()) if sheet != detected.get("sheet")]
    if others:
        named = ", ".join(f"--sheet {quoted(sheet)}" for sheet in others)
        console.print(escape(_("Other sheets: %(flags)s") % {"flags": named}))


def _show_columns(console: Console, told: dict[str, Any]) -> None:
    """Which column is which field, and which columns nobody uses."""
    from rich.table import Table

    columns = Table(box=None)
    for heading in (_("Field"), _("Column"), _("How")):
        columns.add_column(heading, overflow="fold")
    mapping = told["mapping"]
    for name, column in mapping.get("columns", {}).items():
        columns.add_row(name, escape(column), _("guessed") if name in mapping["guessed"] else _("given"))
    for name, value in mapping.get("constants", {}).items():
        columns.add_row(name, escape(value), _("for all rows"))
    console.print(columns)
    unknown = [one["column"] for one in told["unused_columns"] if not one["field"]]
    known = [one for one in told["unused_columns"] if one["field"]]
    if unknown:
        console.print(escape(_("Columns not used: %(columns)s") % {"columns": ", ".join(unknown)}))
    if known:
        flags = " ".join(map_flag(one["field"], one["column"]) for one in known)
        console.print(escape(_("Recognized, but not used because columns were named: %(flags)s") % {"flags": flags}))


def _show_counts(console: Console, told: dict[str, Any]) -> None:
    from rich.table import Table

    counts = Table(box=None, show_header=False)
    listed = [
        (_("Rows"), told["rows"]),
        (_("Taken"), told["accepted"]),
        (_("Refused"), told["rejected"] - told["skipped"]),
        (_("Skipped (no sales)"), told["skipped"]),
        (_("Orders"), told["orders"]),
        (_("Customers"), told["customers"]),
    ]
    for label, count in listed:
        counts.add_row(label, f"{count:,}")
    console.print(counts)


def _show_problems(console: Console, heading: str, problems: list[dict[str, Any]]) -> None:
    """Each reason in full, wrapped to the terminal, with how many rows it concerns and the first of them."""
    if not problems:
        return
    from rich.table import Table

    console.print(f"[bold]{heading}[/bold]")
    table = Table(box=None)
    table.add_column(_("Count"), justify="right", no_wrap=True)
    table.add_column(_("Reason"), overflow="fold")
    for problem in problems:
        example = problem["example"]
        place = [_("row %(row)s") % {"row": example["row"]}, problem["column"], example["value"]]
        lines = [problem["message"], " · ".join(str(part) for part in place if part), problem.get("at_terminal")]
        table.add_row(f"{problem['count']:,}", escape("\n".join(line for line in lines if line)))
    console.print(table)


def _named(separator: str | None) -> str:
    return {",": _("comma"), "\t": _("tab"), ";": _("semicolon"), "|": _("vertical bar")}.get(separator or "", "")
