"""`huitou classify`: what texts say."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from huitou.core.boot import booted

app = typer.Typer(no_args_is_help=True, help="Understand Chinese texts.")
COMMANDS: dict[str, Any] = {"classify": app}


@app.command("text")
@booted
def text(
    file: Annotated[
        Path, typer.Argument(help="File with texts: .csv, .tsv, .xlsx, .parquet, or .txt with one a line.")
    ],
    out: Annotated[Path, typer.Option("--out", help="File to write: .parquet or .csv.")],
    column: Annotated[str, typer.Option("--column", help="Column with the texts; default: found by its name.")] = "",
    shipped: Annotated[
        bool, typer.Option("--shipped", help="The model as it came, without what corrections taught.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
) -> None:
    """Praise or blame with its probability, intents and keywords of every text."""
    from django.utils.translation import gettext as _

    from huitou.core.terminal import print_json, progress
    from huitou.predictions.text.files import classify_file
    from huitou.predictions.text.queries import brand_reader

    reader = brand_reader(shipped=shipped)
    with progress(_("Reading texts")) as report:
        done = classify_file(file, out, reader, column=column, report=report)
    if as_json:
        print_json({"rows": done.rows, "column": done.column, "sentiments": done.sentiments, "file": str(out)})
        return
    told = _(
        "%(rows)s texts of column %(column)s: %(positive)s praise, %(neutral)s neutral, %(negative)s blame. %(file)s"
    )
    typer.echo(told % {"rows": done.rows, "column": done.column, "file": out, **done.sentiments})
