"""Every metric equals the plain-Python oracle to the last unit, on histories made to hit borders and ties."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta

import ibis
import pyarrow as pa
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from huitou.analytics.engines import open_scratch
from huitou.analytics.metric_rows import compute_rows
from huitou.analytics.metrics import METRICS
from huitou.analytics.metrics.tests.history import TURNING_POINTS, History, facts_of, histories
from huitou.analytics.metrics.tests.oracle import ORACLES, Question, periods, views
from huitou.analytics.periods import Periods

Execute = Callable[[ibis.Table], pa.Table]
DIMS: tuple[tuple[str, ...], ...] = (
    (),
    ("channel",),
    ("category",),
    ("attribute.city",),
    ("store", "category", "attribute.city"),
    ("message_channel", "source"),
)

# Histories are small as they come; shrinking them takes minutes of engine time.
QUICK = (Phase.explicit, Phase.reuse, Phase.generate)


@pytest.fixture(scope="module")
def execute(tmp_path_factory: pytest.TempPathFactory) -> Execute:
    backend = ibis.duckdb.from_connection(open_scratch(tmp_path_factory.mktemp("metrics")))
    run: Execute = backend.to_pyarrow
    return run


ranges = st.tuples(
    st.sampled_from(TURNING_POINTS), st.integers(-3, 3), st.sampled_from([0, 1, 27, 31, 92, 366, 430])
).map(lambda t: (t[0] + timedelta(days=t[1]), t[0] + timedelta(days=t[1] + t[2])))


def test_every_metric_has_an_oracle() -> None:
    assert {metric.kind for metric in METRICS} == {*ORACLES, "revenue_equation"}


@pytest.mark.parametrize("kind", sorted(ORACLES))
@settings(max_examples=25, deadline=None, phases=QUICK)
@given(
    history=histories(),
    span=ranges,
    occasion=st.sampled_from(["order", "day"]),
    dims=st.sampled_from(DIMS),
    data=st.data(),
)
def test_figures_equal_the_oracle(
    execute: Execute,
    kind: str,
    history: History,
    span: tuple[date, date],
    occasion: str,
    dims: tuple[str, ...],
    data: st.DataObject,
) -> None:
    metric = METRICS[kind]
    dims = tuple(dim for dim in dims if dim.split(".")[0] in metric.dimensions)
    grain = data.draw(st.sampled_from([g for g in metric.grains if g != "day" or (span[1] - span[0]).days < 40]))
    today = data.draw(st.sampled_from([span[1], span[1] + timedelta(days=200)]))
    rows = compute_rows(metric, facts_of(history, occasion), Periods(grain, *span), dims, today=today, execute=execute)
    computed = {(r.period.name, r.values, r.figure.series): r.figure for r in rows}
    expected = {}
    for values, view in views(history, dims, occasion).items():
        for name, first, last, _ in periods(grain, *span):
            question = Question(view, first, last, grain, occasion, history.day, today)
            for series, numbers in ORACLES[kind](question).items():
                expected[name, values, series] = numbers
    seen = {values for _, values, _ in computed}
    for key, (value, numerator, denominator) in expected.items():
        if key[1] not in seen:
            # A combination without anything in range has no rows at all.
            assert not numerator
            assert not denominator
            continue
        figure = computed.pop(key)
        assert (figure.numerator, figure.denominator) == (numerator, denominator), key
        assert figure.value == (pytest.approx(value, abs=1e-9) if metric.unit == "days" else value), key
    assert not computed


@settings(max_examples=30, deadline=None)
@given(grain=st.sampled_from(["day", "week", "month", "quarter", "year", "total"]), span=ranges)
def test_periods_equal_a_walk_through_the_calendar(grain: str, span: tuple[date, date]) -> None:
    computed = [(p.name, p.first, p.last, p.clipped) for p in Periods(grain, *span)]
    assert computed == periods(grain, *span)
