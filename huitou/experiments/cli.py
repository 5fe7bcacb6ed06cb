"""`huitou experiments`: what is compared, and what came of it."""

from __future__ import annotations

from typing import Annotated

import typer

from huitou.core.boot import booted

app = typer.Typer(no_args_is_help=True, help="Show experiments, the global holdout and their readouts.")
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]
Key = Annotated[str, typer.Argument(help="The experiment, for example launch:12 or holdout:2026-Q4.")]


@app.command("list")
@booted
def list_(as_json: AsJson = False) -> None:
    """List every experiment, the newest first."""
    from huitou.accounts.queries import get_brand
    from huitou.console.formats import format_day
    from huitou.core.terminal import print_json
    from huitou.experiments.document import experiment_document
    from huitou.experiments.queries import list_experiments
    from huitou.experiments.words import STATES, title_of

    found = list(list_experiments())
    if as_json:
        print_json({"experiments": [experiment_document(experiment) for experiment in found]})
        return
    if found:
        brand = get_brand()
        for one in found:
            days = f"{format_day(one.starts_at, brand.tz)} – {format_day(one.ends_at, brand.tz)}"
            typer.echo(f"{one.key}\t{title_of(one)}\t{days}\t{STATES[one.state_at(brand.now())]}")


@app.command("show")
@booted
def show(key: Key, as_json: AsJson = False) -> None:
    """Show what was fixed when an experiment was opened, and how many were assigned so far."""
    from django.utils.translation import gettext as _

    from huitou.accounts.queries import get_brand
    from huitou.console.formats import format_day
    from huitou.core.terminal import print_json
    from huitou.experiments.document import experiment_document
    from huitou.experiments.queries import count_by_arm, get_experiment
    from huitou.experiments.words import STATES, arm_label, title_of

    found = get_experiment(key)
    counts = count_by_arm(found)
    if as_json:
        print_json(experiment_document(found) | {"assigned": dict(counts)})
        return
    brand = get_brand()
    typer.echo(f"{title_of(found)} ({found.key}): {STATES[found.state_at(brand.now())]}")
    typer.echo(
        _("From %(start)s to %(end)s; each customer is watched for %(days)s days.")
        % {
            "start": format_day(found.starts_at, brand.tz),
            "end": format_day(found.ends_at, brand.tz),
            "days": found.window_days,
        }
    )
    for arm in found.shares:
        typer.echo(f"  {arm_label(arm.code)}\t{arm.share_bp / 100:g} %\t{counts[arm.code]:,}")


@app.command("readout")
@booted
def readout(
    key: Key,
    as_of: Annotated[
        str | None, typer.Option("--as-of", help="A date: its first instant in the brand's zone, exclusive.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Say what a treatment caused beyond its control, once its end date has passed."""
    from huitou.accounts.queries import get_brand
    from huitou.core.terminal import print_json
    from huitou.experiments import queries
    from huitou.experiments.document import readout_document
    from huitou.experiments.words import arm_label, tell
    from huitou.orders.export import parse_as_of

    brand = get_brand()
    found = queries.readout(key, parse_as_of(as_of) if as_of else None)
    if as_json:
        print_json(readout_document(found, brand.tz))
        return
    for sentence in tell(found, brand.tz):
        typer.echo(sentence.text)
    for figures in found.arms:
        typer.echo(f"  {arm_label(figures.arm)}\t{figures.customers:,}\t{figures.buyers:,}")
