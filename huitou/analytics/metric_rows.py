"""From a metric's Ibis table to its published figures: one row per period, dimension values and series."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from typing import Any

import ibis
import pyarrow as pa

from huitou.analytics.metric import Cell, Figure, Metric
from huitou.analytics.metric_facts import Facts, keys
from huitou.analytics.periods import Period, Periods


@dataclass(frozen=True)
class FigureRow:
    """One figure with its place: the period and the dimensions' values in the order they were asked for."""

    period: Period
    values: tuple[str, ...]
    figure: Figure


def compute_rows(
    metric: Metric,
    facts: Facts,
    periods: Periods,
    dims: tuple[str, ...],
    *,
    today: date,
    execute: Callable[[ibis.Table], pa.Table],
) -> list[FigureRow]:
    """All figures in order of period, dimension values and series.

    Parameters
    ----------
    today : the brand's day at the as-of instant
    execute : runs an expression and gives its whole result; the result here is small

    Returns
    -------
    Every period has a row for every combination of dimension values that occurs anywhere in the range, also where
    nothing happened in it. Without dimensions every period has a row.
    """
    found = execute(metric.compute(facts, periods, dims)).to_pylist()
    by = keys(dims)
    cells: dict[bool, dict[tuple[Any, ...], dict[str, Any]]] = {False: {}, True: {}}
    combinations: set[tuple[str, ...]] = set() if dims else {()}
    for row in found:
        values = tuple(row.pop(key) for key in by)
        combinations.add(values)
        cells[row.pop("is_previous", False)][(row.pop("period"), *values)] = row
    return list(_place(metric, periods, sorted(combinations), cells, today))


def _place(
    metric: Metric,
    periods: Periods,
    combinations: list[tuple[str, ...]],
    cells: dict[bool, dict[tuple[Any, ...], dict[str, Any]]],
    today: date,
) -> Iterator[FigureRow]:
    for period in periods:
        for values in combinations:
            key = (period.index, *values)
            cell = Cell(period, today, cells[False].get(key, {}), cells[True].get(key, {}))
            for figure in metric.figures(cell):
                yield FigureRow(period, values, figure)
