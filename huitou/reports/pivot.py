"""Figures of several groups as a table of two ways: cohorts by steps, or groups by periods."""

from __future__ import annotations

from dataclasses import dataclass

from django.utils.translation import gettext as _

from huitou.console.formats import format_value
from huitou.reports.figures import is_curve, note, row_label, series_label
from huitou.reports.queries import MetricResult, MetricRow

# Steps of shading for rates of a cohort table: class heat-0 to heat-9.
_SHADES = 10


@dataclass(frozen=True)
class Cell:
    """One figure. `detail` says what it was made of, `note` why it may still change, `shade` how dark it is drawn."""

    text: str = ""
    detail: str = ""
    note: str = ""
    shade: int | None = None


@dataclass(frozen=True)
class Pivot:
    """Rows and columns in the order in which the metric gives them; missing figures are empty cells."""

    corner: str
    columns: list[str]
    rows: list[tuple[str, list[Cell]]]


def pivot_of(result: MetricResult) -> Pivot | None:
    """The table of two ways, or None where there is one figure a period (or one a group) only."""
    curve = is_curve(result)
    places = [_place(row, curve=curve) for row in result.rows]
    columns = list(dict.fromkeys(column for _row, column in places))
    labels = list(dict.fromkeys(label for label, _column in places))
    if len(columns) < 2 or (len(labels) < 2 and not curve):
        return None
    found = dict(zip(places, result.rows, strict=True))
    return Pivot(
        corner=_("Period") if curve else _("Group"),
        columns=columns,
        rows=[(label, [_cell(result, found.get((label, column)), curve) for column in columns]) for label in labels],
    )


def _place(row: MetricRow, *, curve: bool) -> tuple[str, str]:
    """Row and column of a figure."""
    if not curve:
        return row_label(row), row.period or _("Whole range")
    parts = [row.period or "", *map(series_label, row.dims.values())]
    return " · ".join(part for part in parts if part) or _("Whole range"), row.series or ""


def _cell(result: MetricResult, row: MetricRow | None, curve: bool) -> Cell:
    if row is None:
        return Cell()
    unit = row.unit or result.unit
    detail = ""
    if row.denominator is not None:
        part = "minor" if unit == "minor" else "count"
        detail = f"{format_value(row.numerator, part, result.currency)} / {format_value(row.denominator, 'count')}"
    shade = None
    if curve and unit == "rate" and row.value is not None and row.complete:
        shade = min(_SHADES - 1, int(row.value * _SHADES))
    return Cell(format_value(row.value, unit, result.currency), detail, note(row), shade)
