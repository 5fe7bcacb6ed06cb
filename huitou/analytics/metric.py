"""What a metric is: its one published definition and how it is computed. Implementations lie in `metrics/`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import ibis

from huitou.analytics.metric_facts import Facts
from huitou.analytics.periods import Period, Periods

UNITS = ("rate", "minor", "count", "days", "ratio")
# Dimensions by name; attributes of persons are written attribute.<name>. Of messages there are others than of orders.
DIMENSIONS = ("channel", "store", "category", "attribute")
TOUCH_DIMENSIONS = ("message_channel", "source", "attribute")
CALENDAR_GRAINS = ("day", "week", "month", "quarter", "year")

Measures = Mapping[str, int | float | None]


@dataclass(frozen=True)
class Cell:
    """What the engine found for one period and one combination of dimension values.

    `measures` are the metric's own sums and counts, empty where nothing happened; `previous` those of the whole
    calendar period before, for metrics that compare; `today` is the brand's day at the as-of instant.
    """

    period: Period
    today: date
    measures: Measures
    previous: Measures


@dataclass(frozen=True)
class Figure:
    """One number of a cell.

    `value` is a share from 0 to 1 (rate), a plain quotient (ratio), minor units, a count or days, as `unit` says;
    an empty unit means the metric's own. `numerator` and `denominator` are what it was made of, where it was. The
    number is final `window_days` × 24 hours after the day `until` is over; None means the metric's own window, and
    the period's last day.
    """

    value: int | float | None
    numerator: int | None = None
    denominator: int | None = None
    series: str | None = None
    unit: str = ""
    until: date | None = None
    window_days: int | None = None


@dataclass(frozen=True)
class Target:
    """What a metric is held against, in its own unit: at least `value`, or at most."""

    value: float
    at_least: bool = True


@dataclass(frozen=True)
class Metric:
    """One named number over facts, with its definition in words and in Ibis.

    `compute(facts, periods, dims)` gives one row per period (column `period`, the index) and combination of the
    dimensions' values (columns `dim0`, `dim1`, ...), with the metric's measures as further columns; a metric that
    compares has `is_previous` beside `period`. Cells without a row had nothing happen. `figures(cell)` turns the
    measures of one cell into the published numbers.

    Attributes
    ----------
    kind : equals the module's name
    label, definition, not_to_confuse, series_doc : English, and translated where they are shown
    term_zh : what Chinese operators call it
    unit : rate (0 to 1), minor (smallest currency units), count, days
    uses_visits, uses_interactions, uses_touches : asks for `facts.visits`, `facts.interactions`, `facts.touches`
    window_days : days after a period's end until its figures are final
    grains, dimensions : what it can be asked by
    target : what it is held against where the brand has no target of its own
    is_own_record : of what the product itself did, so that no facts can be missing
    caveat : a sentence to print beside figures for which `needs_caveat` holds; translated too
    """

    kind: str
    label: str
    term_zh: str
    definition: str
    not_to_confuse: str
    unit: str
    compute: Callable[[Facts, Periods, tuple[str, ...]], ibis.Table]
    figures: Callable[[Cell], Sequence[Figure]]
    uses_visits: bool = False
    uses_interactions: bool = False
    uses_touches: bool = False
    window_days: int = 0
    grains: tuple[str, ...] = (*CALENDAR_GRAINS, "total")
    dimensions: tuple[str, ...] = DIMENSIONS
    target: Target | None = None
    is_own_record: bool = False
    series_doc: str = ""
    caveat: str = ""
    needs_caveat: Callable[[Sequence[Figure]], bool] = lambda _figures: False

    def texts(self) -> tuple[str, ...]:
        """Every English text that is shown to people."""
        texts = (self.label, self.definition, self.not_to_confuse, self.series_doc, self.caveat)
        return tuple(text for text in texts if text)

    def final_after(self, period: Period, figure: Figure) -> tuple[date, timedelta]:
        """When `figure` of `period` is final: so long after the end of that day."""
        days = self.window_days if figure.window_days is None else figure.window_days
        return figure.until or period.last, timedelta(days=days)


def whole(measures: Measures, name: str) -> int:
    """A count or sum among the measures; 0 where nothing happened."""
    return int(measures.get(name) or 0)


def quotient(cell: Cell, numerator: str = "numerator", denominator: str = "denominator") -> list[Figure]:
    """One figure: the share or quotient of two measures, empty where the denominator is 0."""
    top, bottom = whole(cell.measures, numerator), whole(cell.measures, denominator)
    return [Figure(top / bottom if bottom else None, top, bottom)]


def amount(cell: Cell, name: str = "numerator") -> list[Figure]:
    """One figure: a count or sum, 0 where nothing happened."""
    total = whole(cell.measures, name)
    return [Figure(total, total)]


def rounded_quotient(top: int, bottom: int) -> int | None:
    """`top / bottom` in whole minor units, rounded half up by magnitude; None where `bottom` is 0."""
    if not bottom:
        return None
    sign = -1 if (top < 0) != (bottom < 0) else 1
    return sign * ((2 * abs(top) + abs(bottom)) // (2 * abs(bottom)))
