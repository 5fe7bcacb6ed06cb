"""Charts as data. Queries return a `Chart`; one template draws it and gives the same numbers as a table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from django.utils.functional import Promise
from django.utils.translation import gettext as _

from huitou.console.formats import Number, format_value
from huitou.core.money import from_minor

Text = str | Promise


@dataclass(frozen=True)
class Series:
    """One line or set of bars. `values[i]` belongs to `Chart.labels[i]`; None is a gap.

    `notes[i]` is empty for a finished, covered period, else it says why the value may still change; such
    points are drawn hollow.
    """

    name: Text
    values: Sequence[Number | None]
    notes: Sequence[str] = ()
    # Lower and upper ends of an interval around each value, where the chart is one of intervals.
    lows: Sequence[Number | None] = ()
    highs: Sequence[Number | None] = ()

    def text(self, i: int, unit: str, currency: str) -> str:
        """A value in words, with its interval where it has one."""
        shown = format_value(self.values[i], unit, currency)
        if not self.lows or self.values[i] is None:
            return shown
        low, high = (format_value(ends[i], unit, currency) for ends in (self.lows, self.highs))
        return _("%(value)s (%(low)s to %(high)s)") % {"value": shown, "low": low, "high": high}


@dataclass(frozen=True)
class Chart:
    """What to draw. `unit` is rate, minor, count or days; `kind` line, bar,
    stacked or interval; `target` a level line."""

    title: Text
    labels: Sequence[str]
    series: Sequence[Series]
    unit: str
    currency: str = "CNY"
    kind: str = "line"
    target: Number | None = None
    label_title: Text = ""
    small: bool = False
    key: str = field(default="chart")

    @property
    def is_empty(self) -> bool:
        """Nothing to draw: no label, or not one value."""
        return not any(value is not None for series in self.series for value in series.values)

    def payload(self) -> dict[str, object]:
        """What chart.js reads: numbers in display scale (per cent, major units) and texts already formatted."""
        return {
            "kind": self.kind,
            "unit": self.unit,
            "currency": self.currency,
            "labels": list(self.labels),
            "labelTitle": str(self.label_title),
            "target": _scaled(self.target, self.unit, self.currency),
            "targetText": "" if self.target is None else format_value(self.target, self.unit, self.currency),
            "series": [
                {
                    "name": str(series.name),
                    "values": [_scaled(value, self.unit, self.currency) for value in series.values],
                    "texts": [series.text(i, self.unit, self.currency) for i in range(len(series.values))],
                    "notes": list(series.notes) or [""] * len(series.values),
                }
                | self._ends(series)
                for series in self.series
            ],
        }

    def _ends(self, series: Series) -> dict[str, object]:
        """The ends of the intervals, where the series has any."""
        if not series.lows:
            return {}
        ends = {"lows": series.lows, "highs": series.highs}
        return {name: [_scaled(value, self.unit, self.currency) for value in values] for name, values in ends.items()}

    def table(self) -> list[tuple[str, list[tuple[str, str]]]]:
        """Rows of the table alternative: the label, then (formatted value, note) for each series."""
        return [
            (
                label,
                [
                    (
                        series.text(i, self.unit, self.currency),
                        series.notes[i] if series.notes else "",
                    )
                    for series in self.series
                ],
            )
            for i, label in enumerate(self.labels)
        ]


def _scaled(value: Number | None, unit: str, currency: str) -> Number | None:
    if value is None:
        return None
    if unit == "rate":
        return round(value * 100, 4)
    if unit == "minor":
        return float(from_minor(round(value), currency))
    return value
