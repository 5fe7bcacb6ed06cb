"""Rows of a metric become charts and tables that say the same, and unfinished figures are told apart."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from django.utils import translation

from huitou.reports.figures import SERIES_LIMIT, chart_of, note
from huitou.reports.pivot import pivot_of
from huitou.reports.queries import MetricResult, MetricRow


def _row(period: str | None, value: float | None, *, series: str | None = None, **more: object) -> MetricRow:
    row = MetricRow(period, {}, series, value, None, None, complete=True, covered=True, unit="rate")
    return replace(row, **more)  # type: ignore[arg-type]


def _result(rows: list[MetricRow], metric: str = "repurchase_rate", unit: str = "rate") -> MetricResult:
    now = datetime(2017, 10, 2, tzinfo=UTC)
    return MetricResult(metric, "Label", "Definition", unit, "CNY", "", now, now, "order", rows)


def test_an_unfinished_period_is_named_before_missing_data() -> None:
    with translation.override("en"):
        assert note(_row("2017-09", 0.5)) == ""
        assert note(_row("2017-10", 0.5, complete=False, covered=False)) == "not over yet"
        assert note(_row("2016-10", None, covered=False)) == "not covered by data"


def test_one_line_over_periods() -> None:
    chart = chart_of(_result([_row("2017-08", 0.25), _row("2017-09", None)]), key="k", target=0.3)
    assert list(chart.labels) == ["2017-08", "2017-09"]
    assert [list(series.values) for series in chart.series] == [[0.25, None]]
    assert chart.target == 0.3


def test_only_the_largest_groups_are_drawn_and_none_that_never_happened() -> None:
    rows = [
        _row("2017-09", float(size), dims={"category": f"c{size}"}, unit="count") for size in range(SERIES_LIMIT + 3)
    ]
    chart = chart_of(_result(rows, unit="count"), key="k")
    names = [str(series.name) for series in chart.series]
    assert names == [f"c{size}" for size in range(3, SERIES_LIMIT + 3)]


def test_groups_without_periods_are_bars_from_the_largest() -> None:
    rows = [_row(None, size, dims={"channel": name}) for name, size in [("a", 0.1), ("b", 0.3), ("c", 0.2)]]
    chart = chart_of(_result(rows), key="k")
    assert (chart.kind, list(chart.labels)) == ("bar", ["b", "c", "a"])


def test_cohorts_are_curves_of_finished_steps_and_a_shaded_table() -> None:
    rows = [
        _row("2017-Q1", 0.0, series="0", numerator=0, denominator=10),
        _row("2017-Q1", 0.45, series="30", numerator=4, denominator=10),
        _row("2017-Q2", 0.0, series="0", numerator=0, denominator=8),
        _row("2017-Q2", 0.25, series="30", numerator=2, denominator=8, complete=False),
    ]
    result = _result(rows, metric="second_order_curve")
    chart = chart_of(result, key="k")
    assert list(chart.labels) == ["0", "30"]
    assert [(series.name, list(series.values)) for series in chart.series] == [("2017-Q1", [0.0, 0.45])]
    with translation.override("en"):
        pivot = pivot_of(result)
    assert pivot is not None
    assert pivot.columns == ["0", "30"]
    assert [label for label, _cells in pivot.rows] == ["2017-Q1", "2017-Q2"]
    last = pivot.rows[1][1][1]
    assert (last.text, last.detail, last.note, last.shade) == ("25.0%", "2 / 8", "not over yet", None)
    assert pivot.rows[0][1][1].shade == 4


def test_groups_over_periods_make_a_table_of_two_ways_with_gaps() -> None:
    rows = [
        _row("2017-08", 0.1, dims={"channel": "web"}),
        _row("2017-09", 0.2, dims={"channel": "web"}),
        _row("2017-09", 0.3, dims={"channel": "live"}),
    ]
    pivot = pivot_of(_result(rows))
    assert pivot is not None
    assert [(label, [cell.text for cell in cells]) for label, cells in pivot.rows] == [
        ("web", ["10.0%", "20.0%"]),
        ("live", ["", "30.0%"]),
    ]


def test_one_figure_a_period_needs_no_second_way() -> None:
    assert pivot_of(_result([_row("2017-08", 0.1), _row("2017-09", 0.2)])) is None


def test_the_revenue_split_is_drawn_from_the_second_period_on() -> None:
    rows = []
    for period, revenue in [("2017-01", 100), ("2017-02", 120)]:
        rows.append(_row(period, revenue, series="revenue", unit="minor"))
        rows.append(_row(period, 20, series="contribution.buyers", unit="minor"))
    chart = chart_of(_result(rows, metric="revenue_equation", unit="minor"), key="k")
    assert (chart.kind, list(chart.labels)) == ("stacked", ["2017-02"])
    assert [list(series.values) for series in chart.series] == [[20]]
