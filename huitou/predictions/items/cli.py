"""`huitou predict items`: which products or categories every customer buys again."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from huitou.core.boot import booted
from huitou.predictions.recommending.cli import Key

if TYPE_CHECKING:
    from huitou.predictions.items.predicting import PredictedItems


@booted
def items(
    out: Annotated[Path, typer.Option("--out", help="A .parquet or .csv file.")],
    key: Annotated[Key, typer.Option("--key", help="Products or categories.")] = Key.CATEGORY,
    as_of: Annotated[
        str | None, typer.Option("--as-of", help="A date: its first instant in the brand's zone, exclusive.")
    ] = None,
    horizon_days: Annotated[int, typer.Option("--horizon-days", help="Days ahead from there on.")] = 28,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
) -> None:
    """Which products or categories are bought again, when, and how much: one row per customer and key bought before."""
    from django.utils.translation import gettext as _

    from huitou.core.terminal import print_json, progress
    from huitou.orders.export import parse_as_of
    from huitou.predictions.items.predicting import predict_items
    from huitou.predictions.items.words import item_sentences

    with progress(_("Predicting")) as report:
        done = predict_items(
            out=out,
            as_of=parse_as_of(as_of) if as_of else None,
            horizon_days=horizon_days,
            key=key.value,
            report=report,
        )
    if as_json:
        print_json(_object(done, key.value))
        return
    typer.echo(
        _("%(rows)d pairs of a customer and an item written to %(path)s, %(dated)d of them with a date.")
        % {"rows": done.rows, "path": done.path, "dated": done.dated}
    )
    for sentence in item_sentences(done.forecast):
        typer.echo(sentence)


def _object(done: PredictedItems, key: str) -> dict[str, Any]:
    forecast, timing = done.forecast, done.forecast.timing
    return {
        "as_of": done.as_of,
        "horizon_days": done.horizon_days,
        "key": key,
        "rows": done.rows,
        "dated": done.dated,
        "out": str(done.path),
        "form": forecast.form,
        "cautions": list(forecast.cautions),
        "backtest": [
            {
                "form": one.form,
                "days_before": forecast.end - one.origin,
                "horizon_days": one.horizon,
                "pairs": one.pairs,
                "bought_again": one.hits,
                "auc": one.auc if one.auc == one.auc else None,
                "log_loss": one.log_loss,
                "gain": one.gain,
                "gain_error": one.error,
                "calibration_error": one.calibration_error,
                "groups": [
                    {"pairs": group.pairs, "expected": group.expected, "happened": group.happened}
                    for group in one.groups
                ],
            }
            for one in forecast.tested
        ],
        "dates": timing
        and {
            "least_purchases": timing.least_count,
            "pairs": timing.pairs,
            "mean_error_days": timing.mean_error,
            "one_day_for_all_error_days": timing.constant_error,
            "cover": timing.cover,
        },
    }
