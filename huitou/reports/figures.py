"""Metric results for pages: each computed once per refresh, and turned into charts and rows of text."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime
from typing import TypeVar

from django.core.cache import cache
from django.utils import translation
from django.utils.translation import gettext as _

from huitou.accounts.models import Brand
from huitou.console.charts import Chart, Series
from huitou.console.formats import Number
from huitou.core.clock import local_day
from huitou.orders.queries import last_refresh
from huitou.reports.queries import MetricResult, MetricRow, show_metric

K = TypeVar("K")
R = TypeVar("R")
# A chart with more lines than this cannot be read.
SERIES_LIMIT = 8
BARS_LIMIT = 30
# A rate of a group with fewer people than this is as much chance as habit.
SMALL_GROUP = 30
# Metrics whose series add up.
_STACKED = {"new_vs_returning_revenue", "revenue_equation"}
# Steps (days, for the second-order curve) that a cohort must reach to be drawn beside longer ones.
_SHORTEST_CURVE = 30
_KEEP_SECONDS = 6 * 3600


def cached_metric(
    brand: Brand,
    name: str,
    *,
    from_date: date,
    to_date: date,
    by: Sequence[str] = ("month",),
    as_of: datetime | None = None,
    occasion: str = "order",
) -> MetricResult:
    """`show_metric`, remembered."""

    def compute() -> MetricResult:
        return show_metric(name, from_date=from_date, to_date=to_date, by=by, as_of=as_of, occasion=occasion)

    return remembered(brand, compute, "metric", name, from_date, to_date, tuple(by), as_of, occasion)


def remembered(brand: Brand, compute: Callable[[], R], *parts: object) -> R:
    """What `compute` gives, kept under `parts` until the next refresh, change of settings, day or language."""
    run = last_refresh()
    today = local_day(brand.now(), brand.tz)
    rules = json.dumps([brand.exclusions, brand.thresholds, brand.zone, brand.currency], sort_keys=True)
    basis = (run.pk if run else None, today, rules, translation.get_language(), parts)
    key = "figures." + hashlib.sha256(repr(basis).encode()).hexdigest()
    found: R | None = cache.get(key)
    if found is None:
        found = compute()
        cache.set(key, found, _KEEP_SECONDS)
    return found


def note(row: MetricRow) -> str:
    """Why a figure may still change or cannot be trusted; empty if it is final."""
    if not row.over:
        return _("not over yet")
    if not row.covered:
        return _("not covered by data")
    if not row.complete:
        return _("only part of the period")
    return _("too few to judge") if is_small(row) else ""


def is_small(row: MetricRow) -> bool:
    """Whether a group's rate rests on so few that chance decides it."""
    return bool(row.dims) and row.unit == "rate" and 0 < (row.denominator or 0) < SMALL_GROUP


def series_label(code: str) -> str:
    """The name of a metric's series in the reader's language; values that we have no words for stay as they are."""
    words = {
        "new": _("New customers"),
        "returning": _("Returning customers"),
        "anonymous": _("Anonymous"),
        "revenue": _("Revenue"),
        "anonymous_revenue": _("Anonymous revenue"),
        "identified_revenue": _("Revenue of known customers"),
        "traffic": _("Visitor traffic"),
        "conversion": _("Conversion"),
        "buyers": _("Buyers"),
        "orders_per_buyer": _("Orders per buyer"),
        "aov": _("Average order value"),
        "repurchase_rate": _("Repurchase rate"),
        "change": _("Change"),
        "money_without_purchases": _("Money without purchases"),
        "clicked": _("Clicked"),
        "bought": _("Bought"),
        "unknown": _("Unknown"),
    }
    if code.startswith("contribution."):
        return _("Contribution of %(factor)s") % {"factor": series_label(code.removeprefix("contribution."))}
    return words.get(code, code)


def row_label(row: MetricRow) -> str:
    """What tells a row from the others of its period: dimension values and series."""
    names = [series_label(value) for value in row.dims.values()]
    return " · ".join([*names, *([series_label(row.series)] if row.series else [])])


def is_curve(result: MetricResult) -> bool:
    """The series are steps along an axis (days, periods since), not things beside each other."""
    return bool(result.rows) and all(row.series is not None and row.series.isdigit() for row in result.rows)


def chart_of(result: MetricResult, *, key: str, title: str = "", target: Number | None = None) -> Chart:
    """The chart that fits the rows: lines over periods, bars over dimension values, lines over steps."""
    heading = title or result.label
    if is_curve(result):
        return _curves(result, key, heading)
    rows = [row for row in result.rows if (row.unit or result.unit) == result.unit]
    periods = list(dict.fromkeys(row.period for row in rows if row.period is not None))
    if not periods:
        return _bars(result, rows, key, heading, target)
    if result.metric == "revenue_equation":
        rows, periods = _contributions(rows, periods)
    lines: dict[str, dict[str, MetricRow]] = {}
    for row in rows:
        lines.setdefault(row_label(row), {})[row.period or ""] = row
    weights = {label: sum(map(_weight, found.values())) for label, found in lines.items()}
    # The largest groups, in the order in which the metric gives them; what never happened needs no line.
    largest = set(sorted(weights, key=lambda label: -weights[label])[:SERIES_LIMIT])
    chosen = [label for label in lines if label in largest and (weights[label] or len(lines) == 1)]
    return Chart(
        title=heading,
        labels=periods,
        series=[
            Series(
                label or result.label,
                *_points(lines[label], periods),
            )
            for label in chosen
        ],
        unit=result.unit,
        currency=result.currency,
        kind="stacked" if result.metric in _STACKED else "line",
        target=target,
        key=key,
    )


def _weight(row: MetricRow) -> Number:
    """How large a group is: a rate or mean by those it rests on, anything else by itself."""
    if row.value is None:
        return 0
    return abs(row.denominator if row.denominator is not None else row.value)


def _contributions(rows: Sequence[MetricRow], periods: Sequence[str]) -> tuple[list[MetricRow], list[str]]:
    """What moved revenue, from the second period with buyers on: before the first one there is nothing to compare."""
    active = [row.period for row in rows if row.series == "revenue" and row.value]
    begun = periods[periods.index(active[0]) + 1 :] if active and active[0] in periods else []
    parts = [row for row in rows if (row.series or "").startswith("contribution.") and row.period in begun]
    # A period that has just begun would dwarf all others.
    kept = [row for row in parts if row.complete] or parts
    return kept, [period for period in begun if any(row.period == period for row in kept)]


def _points(rows: Mapping[K, MetricRow], places: Sequence[K]) -> tuple[list[Number | None], list[str]]:
    """Values and notes at each place; gaps where a line has no row."""
    found = [rows.get(place) for place in places]
    return [row.value if row else None for row in found], [note(row) if row else "" for row in found]


def _bars(result: MetricResult, rows: Sequence[MetricRow], key: str, title: str, target: Number | None) -> Chart:
    largest = sorted(rows, key=lambda row: -_weight(row))[:BARS_LIMIT]
    ordered = sorted(largest, key=lambda row: -(row.value or 0))
    return Chart(
        title=title,
        labels=[row_label(row) or _("Whole range") for row in ordered],
        series=[Series(result.label, [row.value for row in ordered], [note(row) for row in ordered])],
        unit=result.unit,
        currency=result.currency,
        kind="bar",
        target=target,
        label_title=_("Group"),
        key=key,
    )


def _long_enough(rows: Sequence[MetricRow]) -> list[MetricRow]:
    """Without the cohorts that are too young for a curve: of a metric by days, those that were not watched for a month
    while others were.
    """
    reach: dict[tuple[object, ...], int] = {}
    for row in rows:
        cohort = (row.period, *row.dims.values())
        reach[cohort] = max(reach.get(cohort, 0), int(row.series or 0))
    enough = min(_SHORTEST_CURVE, max(reach.values(), default=0))
    return [row for row in rows if reach[(row.period, *row.dims.values())] >= enough]


def _curves(result: MetricResult, key: str, title: str) -> Chart:
    # Steps that are not over would bend every curve down; the table has them.
    rows = _long_enough([row for row in result.rows if row.complete]) or result.rows
    steps = sorted({int(row.series or 0) for row in rows})
    lines: dict[str, dict[int, MetricRow]] = {}
    for row in rows:
        label = " · ".join(part for part in [row.period or "", *map(series_label, row.dims.values())] if part)
        lines.setdefault(label, {})[int(row.series or 0)] = row
    # The newest cohorts are the ones that can still be helped; those without anybody have no line.
    chosen = [label for label, found in lines.items() if any(row.value for row in found.values())][-SERIES_LIMIT:]
    if not any(label for label in chosen):
        title_of = dict.fromkeys(chosen, result.label)
    else:
        title_of = {label: label or _("Whole range") for label in chosen}
    return Chart(
        title=title,
        labels=[str(step) for step in steps],
        series=[
            Series(
                title_of[label],
                *_points(lines[label], steps),
            )
            for label in chosen
        ],
        unit=result.unit,
        currency=result.currency,
        label_title=_("Days after the first purchase")
        if result.metric == "second_order_curve"
        else _("Periods after the first purchase"),
        key=key,
    )
