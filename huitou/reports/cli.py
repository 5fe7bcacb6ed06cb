"""`huitou metrics`: the figures of the product, for people and for scripts."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from huitou.core.boot import booted

if TYPE_CHECKING:
    from datetime import date

    from huitou.reports.queries import MetricResult

app = typer.Typer(no_args_is_help=True, help="Figures with their definitions.")
COMMANDS = {"metrics": app}


class Format(StrEnum):
    """How figures are written."""

    TABLE = "table"
    JSON = "json"
    CSV = "csv"


class Occasion(StrEnum):
    """What counts as one purchase."""

    ORDER = "order"
    DAY = "day"


@app.command("list")
@booted
def list_(as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False) -> None:
    """List every metric with its definition."""
    from huitou.core.terminal import print_json
    from huitou.reports.output import metric_object, print_metrics
    from huitou.reports.queries import list_metrics

    if as_json:
        print_json({"metrics": [metric_object(metric) for metric in list_metrics()]})
    else:
        print_metrics(list_metrics())


@app.command("show")
@booted
def show(
    name: Annotated[str, typer.Argument(help="Name of the metric, for example repurchase_rate.")],
    from_: Annotated[str, typer.Option("--from", help="First day, YYYY-MM-DD in the brand's zone.")],
    to: Annotated[str, typer.Option("--to", help="Last day, included.")],
    by: Annotated[
        list[str] | None,
        typer.Option(
            help="day, week, month, quarter, year or total; and any of channel, store, category, attribute.NAME. "
            "May be repeated. Nothing means month; only dimensions mean total."
        ),
    ] = None,
    as_of: Annotated[str | None, typer.Option(help="Look at nothing from this day on, YYYY-MM-DD.")] = None,
    occasion: Annotated[
        Occasion, typer.Option(help="order: each purchase; day: one customer's purchases of a day are one.")
    ] = Occasion.ORDER,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
    format_: Annotated[
        Format | None, typer.Option("--format", help="table, json or csv; by default what --out's name says.")
    ] = None,
    out: Annotated[Path | None, typer.Option(help="Write to this file instead of standard output.")] = None,
) -> None:
    """Show a metric over a range of days."""
    from huitou.accounts.queries import get_brand
    from huitou.core.clock import day_start
    from huitou.reports.queries import show_metric

    result = show_metric(
        name,
        from_date=_day("--from", from_),
        to_date=_day("--to", to),
        by=by or (),
        as_of=day_start(_day("--as-of", as_of), get_brand().tz) if as_of else None,
        occasion=occasion.value,
    )
    _write(result, Format.JSON if as_json else format_ or _format_of(out), out)


@app.command("gap")
@booted
def gap(
    month: Annotated[str, typer.Option(help="Month of the purchase, YYYY-MM; by default the last that is final.")] = "",
    out: Annotated[Path | None, typer.Option(help="Write the buyers to this .csv or .parquet file.")] = None,
    segment: Annotated[bool, typer.Option("--segment", help="Keep the buyers as a segment.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Show with how many buyers nothing happened in the 30 days after they bought; write them, or keep a segment."""
    from huitou.accounts.queries import get_brand
    from huitou.core.clock import SystemClock
    from huitou.reports.contact_gap import contact_gap, export_silent, read_month
    from huitou.reports.output import print_gap
    from huitou.reports.services import make_gap_segment

    brand = get_brand()
    asked = read_month(month, brand)
    found = contact_gap(asked)
    written = export_silent(month=asked, out=out, clock=SystemClock()) if out else None
    made = make_gap_segment(month=asked, clock=brand.clock) if segment else None
    print_gap(found, written, made, as_json=as_json)


def _day(option: str, text: str) -> date:
    from datetime import date

    from django.utils.translation import gettext as _

    from huitou.reports.questions import QuestionError

    try:
        return date.fromisoformat(text.strip())
    except ValueError as error:
        raise QuestionError(
            _("%(option)s %(text)s is not a day; write it like 2017-03-31.") % {"option": option, "text": text},
            code="bad_date",
        ) from error


def _format_of(out: Path | None) -> Format:
    suffix = out.suffix.lower().removeprefix(".") if out else ""
    return Format(suffix) if suffix in {"json", "csv"} else Format.TABLE


def _write(result: MetricResult, form: Format, out: Path | None) -> None:
    from huitou.reports.output import csv_text, json_text, print_result

    if form is Format.TABLE:
        print_result(result, out)
        return
    text = json_text(result) if form is Format.JSON else csv_text(result)
    if out is None:
        typer.echo(text, nl=False)
    else:
        # A byte order mark makes spreadsheets read Chinese as such.
        out.write_text(text, encoding="utf-8-sig" if form is Format.CSV else "utf-8")
