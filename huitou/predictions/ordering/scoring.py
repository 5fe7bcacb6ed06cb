"""From an engine's purchase days to a forecast's scores: learned from a sample, scored once per distinct history."""

from __future__ import annotations

from collections.abc import Iterator

import ibis
import numpy as np
import pyarrow as pa

from huitou.analytics.engines import Engine
from huitou.stats.buy_till_you_die.days import PurchaseDays, Spans
from huitou.stats.buy_till_you_die.forecast import Forecast, Scores
from huitou.stats.buy_till_you_die.learned import WINDOWS, Signals

# Customers that a forecast is learned from; more of them move no figure that is shown.
SAMPLE = 50_000
_KEYS = ("repeats", "first_day", "last_day")
_ROWS = pa.schema(
    [
        pa.field("person_id", pa.int64()),
        pa.field("expected_orders", pa.float64()),
        pa.field("p_order", pa.float64()),
        pa.field("p_alive", pa.float64()),
        pa.field("expected_value_minor", pa.int64()),
        pa.field("next_order_date", pa.date32()),
        pa.field("model", pa.string()),
    ]
)


def sample_days(engine: Engine, days: ibis.Table) -> tuple[PurchaseDays, np.ndarray]:
    """Purchase days of every k-th customer, with what they came to, in minor units."""
    known = engine.to_pyarrow(days.aggregate(customers=days.person_id.nunique()))
    every = max(-(-int(known.column("customers")[0].as_py() or 0) // SAMPLE), 1)
    rows = engine.to_pyarrow(days.filter(days.person_id % every == 0).order_by(["person_id", "day"]))
    sampled = PurchaseDays.of(rows.column("person_id").to_numpy(), rows.column("day").to_numpy())
    return sampled, rows.column("amount_minor").to_numpy().astype(np.float64)


def score_histories(engine: Engine, spans: ibis.Table, forecast: Forecast, horizon: int) -> pa.Table:
    """Scores of each distinct history, once. A first day from before the sample's counts as the sample's first."""
    # In one order: the last digit of a sum can hang on where a row stands.
    rows = engine.to_pyarrow(spans.select(*_KEYS).distinct().order_by(_KEYS))
    repeats, first, last = (rows.column(key).to_numpy() for key in _KEYS)
    start = forecast.calendar.start
    clipped = Spans(np.arange(len(first)), repeats, np.maximum(first, start), np.maximum(last, start))
    # Of histories older than the sample nothing is left of which to say that they repeat.
    alone = clipped.first == clipped.last
    clipped = Spans(clipped.customer, np.where(alone, 0, repeats), clipped.first, clipped.last)
    scores = forecast.score(clipped, horizon)
    said = scores.signals
    none = pa.nulls(len(first), pa.float64())
    return pa.table(
        {
            **{key: rows.column(key) for key in _KEYS},
            "expected_orders": scores.expected,
            "p_order": scores.p_any,
            "p_alive": scores.p_alive,
            "next_order_date": _days(scores, forecast),
            "even_orders": said.expected if said else none,
            "even_p_order": said.any_ if said else none,
            "p_active": said.alive if said else none,
            "even_orders_steady": said.steady if said else none,
        }
    )


def _days(scores: Scores, forecast: Forecast) -> pa.Array:
    later = forecast.calendar.end + np.floor(np.nan_to_num(scores.days_to_next)).astype(np.int32)
    return pa.array(later, pa.int32(), mask=np.isnan(scores.days_to_next)).cast(pa.date32())


def scored_rows(engine: Engine, spans: ibis.Table, scored: ibis.Table, forecast: Forecast) -> pa.RecordBatchReader:
    """The file's rows by ascending person_id: scores joined back, corrected by what customers did of late, times what
    a purchase of the customer is worth."""
    reader = engine.to_reader(spans.join(scored, list(_KEYS)).order_by("person_id"))

    def batches() -> Iterator[pa.RecordBatch]:
        for batch in reader:
            yield _row_batch(batch, forecast)

    return pa.RecordBatchReader.from_batches(_ROWS, batches())


def _row_batch(batch: pa.RecordBatch, forecast: Forecast) -> pa.RecordBatch:
    def column(name: str) -> np.ndarray:
        values: np.ndarray = batch.column(name).to_numpy(zero_copy_only=False)
        return values

    expected, p_order = column("expected_orders"), column("p_order")
    if forecast.trees:
        spans = Spans(column("person_id"), column("repeats"), column("first_day"), column("last_day"))
        recent = np.column_stack([column(f"recent_{window}") for window in WINDOWS]).astype(np.float64)
        said = Signals(column("even_orders"), column("even_p_order"), column("p_active"), column("even_orders_steady"))
        expected, p_order = forecast.corrected(spans, recent, said)
    p_alive = np.maximum(column("p_alive"), p_order) if forecast.trees else column("p_alive")
    count = column("paid_days").astype(np.float64)
    worth = expected * forecast.worth(count, column("spend_minor").astype(np.float64) / np.maximum(count, 1.0))
    return pa.RecordBatch.from_arrays(
        [
            batch.column("person_id"),
            pa.array(expected),
            pa.array(p_order),
            pa.array(p_alive),
            pa.array(np.rint(worth).astype(np.int64)),
            batch.column("next_order_date").cast(pa.date32()),
            pa.array([forecast.name] * batch.num_rows, pa.string()),
        ],
        schema=_ROWS,
    )
