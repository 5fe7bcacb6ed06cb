"""Figures as text: JSON and CSV for programs, tables for people."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from django.utils.translation import gettext as _

from huitou.analytics.metric import Metric, Target
from huitou.console.formats import format_value
from huitou.core.spreadsheets import safe_cell
from huitou.reports.queries import MetricResult, MetricRow

if TYPE_CHECKING:
    from rich.console import Console

    from huitou.orders.export import Exported
    from huitou.reports.contact_gap import ContactGap
    from huitou.reports.services import GapSegment


def metric_object(metric: Metric) -> dict[str, Any]:
    """A metric's declaration, without figures."""
    return {
        "metric": metric.kind,
        "label": _(metric.label),
        "term_zh": metric.term_zh,
        "definition": _(metric.definition),
        "not_to_confuse": _(metric.not_to_confuse),
        "unit": metric.unit,
        "grains": list(metric.grains),
        "dimensions": ["attribute.<name>" if name == "attribute" else name for name in metric.dimensions],
        "series": _(metric.series_doc) if metric.series_doc else None,
        "window_days": metric.window_days or None,
        "target": target_object(metric.target),
    }


def target_object(target: Target | None) -> dict[str, Any] | None:
    """What a metric is held against: at_least or at_most a value in its unit."""
    return None if target is None else {"at_least" if target.at_least else "at_most": target.value}


def target_words(target: Target, unit: str, currency: str = "") -> str:
    """The same for people."""
    text = _("at least %(value)s") if target.at_least else _("at most %(value)s")
    return text % {"value": format_value(target.value, unit, currency)}


def result_object(result: MetricResult) -> dict[str, Any]:
    """A result as plain values; dimension values stand in each row under the dimension's name."""
    return {
        "metric": result.metric,
        "label": result.label,
        "term_zh": result.term_zh,
        "definition": result.definition,
        "not_to_confuse": result.not_to_confuse,
        "caveat": result.caveat,
        "unit": result.unit,
        "target": target_object(result.target),
        "currency": result.currency,
        "exclusions": result.exclusions,
        "occasion": result.occasion,
        "as_of": result.as_of.isoformat(),
        "observed_until": result.observed_until.isoformat() if result.observed_until else None,
        "rows": [_row_object(result, row) for row in result.rows],
    }


def _row_object(result: MetricResult, row: MetricRow) -> dict[str, Any]:
    series = {"series": row.series} if row.series is not None else {}
    return {
        "period": row.period,
        **row.dims,
        **series,
        "value": row.value,
        "numerator": row.numerator,
        "denominator": row.denominator,
        "complete": row.complete,
        "covered": row.covered,
        "unit": row.unit,
        "from": row.first.isoformat() if row.first else None,
        "to": row.last.isoformat() if row.last else None,
    }


def json_text(result: MetricResult) -> str:
    """One JSON object and a line end."""
    return json.dumps(result_object(result), ensure_ascii=False) + "\n"


def csv_text(result: MetricResult) -> str:
    """One line per row below a header; the same names and values as in JSON, empty where JSON has null."""
    rows = [_row_object(result, row) for row in result.rows]
    has_series = any("series" in row for row in rows)
    names = ["period", *result.dims, *(["series"] if has_series else [])]
    names += ["value", "numerator", "denominator", "complete", "covered", "unit", "from", "to"]
    text = io.StringIO()
    writer = csv.DictWriter(text, names, lineterminator="\n")
    writer.writeheader()
    writer.writerows({name: _plain(row.get(name)) for name in names} for row in rows)
    return text.getvalue()


def _plain(value: object) -> object:
    return str(value).lower() if isinstance(value, bool) else safe_cell(value)


def print_result(result: MetricResult, out: Path | None = None) -> None:
    """The result as a table, with what must stand beside it."""
    if out is None:
        _print_result(result, _console())
        return
    from rich.console import Console

    with out.open("w", encoding="utf-8") as file:
        _print_result(result, Console(file=file, width=160))


def _console() -> Console:
    from rich.console import Console

    return Console(highlight=False)


def _print_result(result: MetricResult, console: Console) -> None:
    from rich.markup import escape
    from rich.table import Table

    from huitou.reports.dimensions import dimension_value
    from huitou.reports.figures import note, series_label

    has_series = any(row.series is not None for row in result.rows)
    # What no row has needs no column.
    has_period = any(row.period is not None for row in result.rows)
    columns = [_("Period")] if has_period else []
    columns += [*result.dims, *([_("Series")] if has_series else [])]
    table = Table(title=escape(f"{result.label} {result.metric}"), title_justify="left")
    for column in columns:
        table.add_column(escape(column), overflow="fold")
    for column in (_("Value"), _("Numerator"), _("Denominator")):
        table.add_column(column, justify="right")
    table.add_column(_("Note"), overflow="fold")
    for row in result.rows:
        places = [row.period or ""] if has_period else []
        places += [dimension_value(dim, value) for dim, value in row.dims.items()]
        places += [*([series_label(row.series or "")] if has_series else [])]
        table.add_row(
            *(escape(place) for place in places),
            format_value(row.value, row.unit, result.currency),
            "" if row.numerator is None else f"{row.numerator:,}",
            "" if row.denominator is None else f"{row.denominator:,}",
            note(row),
        )
    console.print(table)
    known = result.observed_until
    reach = _("As of %(as_of)s; order data until %(until)s.") % {
        "as_of": f"{result.as_of:%Y-%m-%d %H:%M}",
        "until": f"{known:%Y-%m-%d %H:%M}" if known else "–",
    }
    held = (
        _("Target: %(target)s") % {"target": target_words(result.target, result.unit, result.currency)}
        if result.target
        else ""
    )
    for line in (result.definition, held, result.caveat, result.exclusions, reach):
        if line:
            console.print(escape(line))


def print_metrics(metrics: Sequence[Metric]) -> None:
    """Every metric with its definition, as a table."""
    from rich.markup import escape
    from rich.table import Table

    table = Table(show_lines=True)
    for column in (_("Name"), _("Metric"), _("Definition")):
        table.add_column(column, overflow="fold")
    for metric in metrics:
        table.add_row(metric.kind, escape(_(metric.label)), escape(_(metric.definition)))
    _console().print(table)


def gap_object(gap: ContactGap, made: GapSegment | None) -> dict[str, Any]:
    """A month's contact gap as JSON, and the segment where one was made."""
    row = gap.row
    told: dict[str, Any] = {
        "month": gap.month,
        "rate": row.value if row else None,
        "silent": row.numerator if row else None,
        "buyers": row.denominator if row else None,
        "target": gap.target,
        "final": bool(row and row.complete and row.covered),
    }
    if made is not None:
        told |= {"segment": made.segment.name, "customers": made.customers, "added": made.added}
    return told


def print_gap(gap: ContactGap, written: Exported | None, made: GapSegment | None, *, as_json: bool) -> None:
    """The same for people, or as one JSON object."""
    from huitou.core.terminal import print_json

    if as_json:
        print_json(gap_object(gap, made) | ({"rows": written.rows} if written else {}))
        return
    console, row = _console(), gap.row
    if row is None:
        console.print(_("%(month)s: nobody bought.") % {"month": gap.month})
    else:
        values = {
            "month": gap.month,
            "rate": format_value(row.value, "rate"),
            "target": format_value(gap.target, "rate"),
        }
        values |= {"silent": str(row.numerator), "buyers": str(row.denominator)}
        told = _("%(month)s: %(rate)s out of contact, %(silent)s of %(buyers)s buyers; to stay below %(target)s.")
        console.print(told % values)
        if not (row.complete and row.covered):
            console.print(_("Not final: 30 days after the month are not over, or not covered by data."))
    if written is not None:
        console.print(_("%(count)s buyers written to %(path)s.") % {"count": written.rows, "path": written.path.name})
    if made is not None:
        values = {"name": made.segment.name, "count": str(made.customers)}
        console.print(_("Kept as the segment %(name)s of %(count)s customers; the next refresh counts it.") % values)
