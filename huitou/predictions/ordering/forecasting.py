"""Forecasts of every customer's orders as of an instant, learned from a sample and scored once per distinct history."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path

import ibis
import numpy as np
import pyarrow as pa
from django.utils.translation import gettext as _

from huitou.accounts.queries import get_brand
from huitou.analytics.engines import Engine
from huitou.analytics.purchase_days import purchase_days, purchase_spans
from huitou.core.errors import DomainError
from huitou.core.terminal import Report, silent
from huitou.orders.export import write_people
from huitou.orders.snapshot import get_last_refresh, open_engine_of
from huitou.stats.buy_till_you_die.days import PurchaseDays, Spans
from huitou.stats.buy_till_you_die.forecast import Forecast, Scores, learn

# Customers that a forecast is learned from; more of them move no figure that is shown.
SAMPLE = 100_000
LONGEST_HORIZON = 3 * 364
_EPOCH = date(1970, 1, 1)
_KEYS = ("repeats", "first_day", "last_day")


class CannotPredictError(DomainError):
    """There is nothing to learn from, or the horizon cannot be."""

    code = "cannot_predict"


@dataclass(frozen=True)
class Predicted:
    """What was written, as of which instant, and what it was learned from."""

    path: Path
    rows: int
    as_of: datetime
    horizon_days: int
    forecast: Forecast


def predict_orders(*, out: Path, as_of: datetime | None, horizon_days: int, report: Report = silent) -> Predicted:
    """Write what to expect of every customer with a purchase before `as_of` (by default the brand's now).

    One row per customer: `person_id`, `external_id`, `expected_orders` (days with a purchase within the horizon),
    `p_order` (any of them), `p_alive` (any within a year), `expected_value_minor` (within the horizon, minor units),
    `next_order_date` (when a purchase is as likely to have come as not; empty beyond a year), `model`. The file appears
    whole or not at all, and nothing from `as_of` on is looked at.

    Raises
    ------
    CannotPredictError : no purchase before `as_of`, or a horizon below 1 or beyond three years
    ExportError : a file type other than .parquet and .csv, or a folder that does not exist
    NotRefreshedError : before the first refresh
    """
    if not 1 <= horizon_days <= LONGEST_HORIZON:
        raise CannotPredictError(
            _("The horizon is 1 to %(most)d days, not %(days)d.") % {"most": LONGEST_HORIZON, "days": horizon_days}
        )
    run = get_last_refresh()
    instant = as_of or run.as_of
    end = first_unknown_day(instant)
    with _purchases(instant) as (engine, days):
        report(1, 4, _("Reading purchases"))
        sampled, amounts = _sample(engine, days)
        if not len(sampled):
            raise CannotPredictError(
                _("There is no purchase before %(day)s to learn from.") % {"day": _EPOCH + timedelta(days=end)}
            )
        report(2, 4, _("Learning"))
        forecast = learn(sampled, end, horizon_days, amounts)
        report(3, 4, _("Scoring"))
        spans = engine.keep("purchase_spans", purchase_spans(days))
        scored = engine.provide("int_history_scores", _score_histories(engine, spans, forecast, horizon_days))
        rows = _with_worth(engine, spans, scored, forecast)
        report(4, 4, _("Writing"))
        count = write_people(out, rows)
    return Predicted(out, count, instant.astimezone(get_brand().tz), horizon_days, forecast)


def first_unknown_day(instant: datetime) -> int:
    """Days since 1970 of the first day of the brand's that an instant leaves unknown: its own."""
    return (instant.astimezone(get_brand().tz).date() - _EPOCH).days


@contextmanager
def _purchases(instant: datetime) -> Iterator[tuple[Engine, ibis.Table]]:
    """The engine as of an instant, and every day with a purchase that was whole by then."""
    with open_engine_of(get_last_refresh(), instant) as engine:
        days = purchase_days(engine.table("int_orders"))
        # The instant's own day is not over: what of it is known would count as a whole day.
        days = days.filter(days.day < first_unknown_day(instant))
        yield engine, engine.keep("purchase_days", days)


def _sample(engine: Engine, days: ibis.Table) -> tuple[PurchaseDays, np.ndarray]:
    """Purchase days of every k-th customer, with what they came to, in minor units."""
    known = engine.to_pyarrow(days.aggregate(customers=days.person_id.nunique()))
    every = max(-(-int(known.column("customers")[0].as_py() or 0) // SAMPLE), 1)
    rows = engine.to_pyarrow(days.filter(days.person_id % every == 0).order_by(["person_id", "day"]))
    sampled = PurchaseDays.of(rows.column("person_id").to_numpy(), rows.column("day").to_numpy())
    return sampled, rows.column("amount_minor").to_numpy().astype(np.float64)


def _score_histories(engine: Engine, spans: ibis.Table, forecast: Forecast, horizon: int) -> pa.Table:
    """Scores of each distinct history, once. A first day from before the sample's counts as the sample's first."""
    rows = engine.to_pyarrow(spans.select(*_KEYS).distinct())
    repeats, first, last = (rows.column(key).to_numpy() for key in _KEYS)
    start = forecast.calendar.start
    clipped = Spans(np.arange(len(first)), repeats, np.maximum(first, start), np.maximum(last, start))
    # Of histories older than the sample nothing is left of which to say that they repeat.
    alone = clipped.first == clipped.last
    clipped = Spans(clipped.customer, np.where(alone, 0, repeats), clipped.first, clipped.last)
    scores = forecast.score(clipped, horizon)
    return pa.table(
        {
            **{key: rows.column(key) for key in _KEYS},
            "expected_orders": scores.expected,
            "p_order": scores.p_any,
            "p_alive": scores.p_alive,
            "next_order_date": _days(scores, forecast),
        }
    )


def _days(scores: Scores, forecast: Forecast) -> pa.Array:
    later = forecast.calendar.end + np.floor(np.nan_to_num(scores.days_to_next)).astype(np.int32)
    return pa.array(later, pa.int32(), mask=np.isnan(scores.days_to_next)).cast(pa.date32())


def _with_worth(engine: Engine, spans: ibis.Table, scored: ibis.Table, forecast: Forecast) -> pa.RecordBatchReader:
    """The file's rows by ascending person_id: scores joined back, times what a purchase of the customer is worth."""
    reader = engine.to_reader(spans.join(scored, list(_KEYS)).order_by("person_id"))
    schema = pa.schema(
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

    def batches() -> Iterator[pa.RecordBatch]:
        for batch in reader:
            count = batch.column("paid_days").to_numpy(zero_copy_only=False).astype(np.float64)
            spent = batch.column("spend_minor").to_numpy(zero_copy_only=False).astype(np.float64)
            expected = batch.column("expected_orders").to_numpy(zero_copy_only=False)
            worth = expected * forecast.worth(count, spent / np.maximum(count, 1.0))
            yield pa.RecordBatch.from_arrays(
                [
                    batch.column("person_id"),
                    batch.column("expected_orders"),
                    batch.column("p_order"),
                    batch.column("p_alive"),
                    pa.array(np.rint(worth).astype(np.int64)),
                    batch.column("next_order_date").cast(pa.date32()),
                    pa.array([forecast.model.name] * batch.num_rows, pa.string()),
                ],
                schema=schema,
            )

    return pa.RecordBatchReader.from_batches(schema, batches())
