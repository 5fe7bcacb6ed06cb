"""Rows of a metric become charts and tables that say the same, and unfinished figures are told apart."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from django.utils import translation

from huitou.accounts.models import Brand
from huitou.reports.figures import BARS_LIMIT, SERIES_LIMIT, SMALL_GROUP, chart_of, note
from huitou.reports.overview import span_of, tile_of
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
        assert note(_row("2017-10", 0.5, complete=False, over=False, covered=False)) == "not over yet"
        assert note(_row("2016-10", None, covered=False)) == "not covered by data"


def test_a_period_that_is_over_is_never_called_unfinished() -> None:
    """Data that end on the 20th leave the month uncovered; a range that ends on the 20th shows a part of it."""
    with translation.override("en"):
        assert note(_row("2017-06", 0.5, complete=True, covered=False)) == "not covered by data"
        assert note(_row("2017-06", 0.5, complete=False, covered=False)) == "not covered by data"
        assert note(_row("2017-06", 0.5, complete=False, covered=True)) == "only part of the period"
        assert note(_row("2017-06", 0.5, complete=False, over=False)) == "not over yet"


def test_one_line_over_periods() -> None:
    chart = chart_of(_result([_row("2017-08", 0.25), _row("2017-09", None)]), key="k", target=0.3)
    assert list(chart.labels) == ["2017-08", "2017-09"]
    assert [list(series.values) for series in chart.series] == [[0.25, None]]
    assert chart.target == 0.3


def test_a_month_without_anybody_is_a_gap_and_no_earlier_month_stands_in() -> None:
    months = [_row("2017-04", 0.3), _row("2017-05", None), _row("2017-06", None), _row("2017-07", 0.3)]
    months += [_row("2017-08", 0.4, complete=False, over=False)]
    tile = tile_of(Brand(), _result(months))
    assert (tile.period, tile.change, tile.good) == ("2017-07", "", None)
    months[2] = replace(months[2], value=0.2)
    tile = tile_of(Brand(), _result(months))
    assert (tile.good, tile.change[:1]) == (True, "+")
    # April, the empty May, June and July are a third of the width apart each.
    assert [point.split()[0] for point in tile.spark.split(" L")] == ["0.0", "66.7", "100.0"]
    assert list(chart_of(_result(span_of(months)), key="k").labels) == ["2017-04", "2017-05", "2017-06", "2017-07"]


def test_only_the_largest_groups_are_drawn_and_none_that_never_happened() -> None:
    rows = [
        _row("2017-09", float(size), dims={"category": f"c{size}"}, unit="count") for size in range(SERIES_LIMIT + 3)
    ]
    chart = chart_of(_result(rows, unit="count"), key="k")
    names = [str(series.name) for series in chart.series]
    assert names == [f"c{size}" for size in range(3, SERIES_LIMIT + 3)]


def test_groups_of_a_rate_are_chosen_by_whom_they_rest_on() -> None:
    """A hundred groups of one customer each, all back, must not hide the ten that make the business."""
    tiny = [_row("2017-09", 1.0, dims={"category": f"t{n}"}, numerator=1, denominator=1) for n in range(100)]
    large = [
        _row("2017-09", 0.2, dims={"category": f"big{n}"}, numerator=200, denominator=1000 + n)
        for n in range(SERIES_LIMIT)
    ]
    chart = chart_of(_result([*tiny, *large]), key="k")
    assert {str(series.name) for series in chart.series} == {f"big{n}" for n in range(SERIES_LIMIT)}
    bars = chart_of(_result([replace(row, period=None) for row in [*tiny, *large]]), key="k")
    assert len(bars.labels) == BARS_LIMIT
    assert {f"big{n}" for n in range(SERIES_LIMIT)} <= set(bars.labels)


def test_a_group_of_few_is_marked() -> None:
    with translation.override("en"):
        few = _row("2017-09", 1.0, dims={"category": "a"}, numerator=1, denominator=SMALL_GROUP - 1)
        assert note(few) == "too few to judge"
        assert note(replace(few, denominator=SMALL_GROUP)) == ""
        assert note(replace(few, unit="count")) == ""
        # The whole brand is not a group, however small.
        assert note(replace(few, dims={})) == ""


def test_cohorts_that_were_watched_for_less_than_a_month_have_no_curve() -> None:
    def cohort(name: str, upto: int) -> list[MetricRow]:
        steps = (0, 7, 30, 60)
        return [_row(name, 0.1, series=str(s), numerator=1, denominator=10, complete=s <= upto) for s in steps]

    chart = chart_of(_result([*cohort("Q1", 60), *cohort("Q2", 7)], metric="second_order_curve"), key="k")
    assert [series.name for series in chart.series] == ["Q1"]
    young = chart_of(_result(cohort("Q2", 7), metric="second_order_curve"), key="k")
    assert [series.name for series in young.series] == ["Q2"]


def test_groups_without_periods_are_bars_from_the_largest() -> None:
    rows = [_row(None, size, dims={"channel": name}) for name, size in [("a", 0.1), ("b", 0.3), ("c", 0.2)]]
    chart = chart_of(_result(rows), key="k")
    assert (chart.kind, list(chart.labels)) == ("bar", ["b", "c", "a"])


def test_cohorts_are_curves_of_finished_steps_and_a_shaded_table() -> None:
    rows = [
        _row("2017-Q1", 0.0, series="0", numerator=0, denominator=10),
        _row("2017-Q1", 0.45, series="30", numerator=4, denominator=10),
        _row("2017-Q2", 0.0, series="0", numerator=0, denominator=8),
        _row("2017-Q2", 0.25, series="30", numerator=2, denominator=8, complete=False, over=False),
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
