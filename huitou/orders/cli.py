"""`huitou features`, and what `huitou refresh` does once waiting events are taken in."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from huitou.core.boot import booted

features_app = typer.Typer(help="Named columns about customers, as of any instant.")
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]


def refresh_and_tell(*, force: bool, as_json: bool) -> None:
    """Refresh, and print what was done."""
    from django.conf import settings
    from django.utils.translation import gettext as _

    from huitou.accounts.queries import get_brand
    from huitou.core.terminal import print_json, progress
    from huitou.orders.refresh import refresh as run

    brand = get_brand()
    with progress(_("Refreshing")) as report:
        done = run(home=settings.HOME, brand=brand, clock=brand.clock, progress=report, force=force)
    tables = done.run.detail["tables"]
    as_of = done.run.as_of.astimezone(brand.tz)
    if as_json:
        print_json({"as_of": as_of, "skipped": done.skipped, "tables": tables})
        return
    if done.skipped:
        typer.echo(_("Nothing has changed since the refresh of %(at)s.") % {"at": f"{as_of:%Y-%m-%d %H:%M}"})
        return
    for name, table in tables.items():
        typer.echo(f"{name}\t{table['rows']}\t{table['seconds']:.1f} s")


@features_app.command("list")
@booted
def list_features(as_json: AsJson = False) -> None:
    """Every feature with its unit and definition."""
    from django.utils.translation import gettext as _

    from huitou.analytics.feature import FEATURES
    from huitou.core.terminal import print_json

    if as_json:
        rows = [
            {
                "name": f.kind,
                "label": _(f.label),
                "term_zh": f.term_zh,
                "unit": f.unit,
                "grain": "customer",
                "definition": _(f.definition),
            }
            for f in FEATURES
        ]
        print_json({"features": rows})
        return
    for feature in FEATURES:
        typer.echo(f"{feature.kind}\t{feature.unit}\t{_(feature.label)}: {_(feature.definition)}")


@features_app.command("export")
@booted
def export(
    out: Annotated[Path, typer.Option("--out", help="A .parquet or .csv file.")],
    as_of: Annotated[
        str | None, typer.Option("--as-of", help="A date: its first instant in the brand's zone, exclusive.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """One row per customer: person_id, the source's own customer number in external_id, and every feature."""
    from django.utils.translation import gettext as _

    from huitou.core.terminal import print_json
    from huitou.orders.export import export_features, parse_as_of

    done = export_features(out=out, as_of=parse_as_of(as_of) if as_of else None)
    if as_json:
        print_json({"as_of": done.as_of, "rows": done.rows, "out": str(done.path)})
    else:
        typer.echo(_("%(rows)d customers written to %(path)s.") % {"rows": done.rows, "path": done.path})


COMMANDS = {"features": features_app}
