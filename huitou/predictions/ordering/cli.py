"""`huitou predict`: what to expect of every customer."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from huitou.core.boot import booted

predict_app = typer.Typer(
    invoke_without_command=True, no_args_is_help=False, help="Who orders again, how often, when, and for how much."
)


@predict_app.callback()
@booted
def predict(
    context: typer.Context,
    out: Annotated[Path | None, typer.Option("--out", help="A .parquet or .csv file.")] = None,
    as_of: Annotated[
        str | None, typer.Option("--as-of", help="A date: its first instant in the brand's zone, exclusive.")
    ] = None,
    horizon_days: Annotated[int, typer.Option("--horizon-days", help="Days ahead from there on.")] = 90,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
) -> None:
    """Who orders again, how often, when, and for how much: one row per customer with a purchase."""
    if context.invoked_subcommand:
        return
    if out is None:
        typer.echo(context.get_help())
        raise typer.Exit(2)
    from django.utils.translation import gettext as _

    from huitou.core.terminal import print_json, progress
    from huitou.orders.export import parse_as_of
    from huitou.predictions.ordering.forecasting import predict_orders
    from huitou.predictions.ordering.words import caution_sentences, test_sentences

    with progress(_("Predicting")) as report:
        done = predict_orders(
            out=out, as_of=parse_as_of(as_of) if as_of else None, horizon_days=horizon_days, report=report
        )
    if as_json:
        print_json(_object(done))
        return
    typer.echo(_("%(rows)d customers written to %(path)s.") % {"rows": done.rows, "path": done.path})
    for sentence in [*test_sentences(done.forecast), *caution_sentences(done.forecast)]:
        typer.echo(sentence)


def _object(done: Any) -> dict[str, Any]:
    forecast = done.forecast
    return {
        "as_of": done.as_of,
        "horizon_days": done.horizon_days,
        "rows": done.rows,
        "out": str(done.path),
        "model": forecast.name,
        "parameters": forecast.model.parameters,
        "cautions": list(forecast.cautions),
        "backtest": [
            {
                "model": one.model,
                "days_before": forecast.calendar.end - one.origin,
                "horizon_days": one.horizon,
                "customers": one.customers,
                "expected": one.expected,
                "happened": one.happened,
                "deviance": one.deviance,
                "mae": one.mae,
                "auc": one.auc if one.auc == one.auc else None,
            }
            for one in forecast.tested
        ],
    }
