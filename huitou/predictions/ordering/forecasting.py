"""Forecasts of every customer's orders as of an instant, learned from a sample and scored once per distinct history."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path

import ibis
from django.utils.translation import gettext as _

from huitou.accounts.queries import get_brand
from huitou.analytics.engines import Engine
from huitou.analytics.purchase_days import purchase_days, purchase_spans
from huitou.core.errors import DomainError
from huitou.core.terminal import Report, silent
from huitou.orders.export import check_file, write_people
from huitou.orders.snapshot import get_last_refresh, open_engine_of
from huitou.predictions.ordering.scoring import sample_days, score_histories, scored_rows
from huitou.stats.buy_till_you_die.forecast import Forecast, learn
from huitou.stats.buy_till_you_die.learned import WINDOWS

LONGEST_HORIZON = 3 * 364
_EPOCH = date(1970, 1, 1)


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
    check_horizon(horizon_days)
    check_file(out)
    run = get_last_refresh()
    instant = as_of or run.as_of
    end = first_unknown_day(instant)
    with _purchases(instant) as (engine, days):
        report(1, 4, _("Reading purchases"))
        sampled, amounts = sample_days(engine, days)
        if not len(sampled):
            raise CannotPredictError(
                _("There is no purchase before %(day)s to learn from.") % {"day": _EPOCH + timedelta(days=end)}
            )
        report(2, 4, _("Learning"))
        forecast = learn(sampled, end, horizon_days, amounts)
        report(3, 4, _("Scoring"))
        spans = engine.keep("purchase_spans", purchase_spans(days, end, WINDOWS))
        scored = engine.provide("int_history_scores", score_histories(engine, spans, forecast, horizon_days))
        rows = scored_rows(engine, spans, scored, forecast)
        report(4, 4, _("Writing"))
        count = write_people(out, rows)
    return Predicted(out, count, instant.astimezone(get_brand().tz), horizon_days, forecast)


def check_horizon(days: int) -> None:
    """Raise CannotPredictError for a horizon below a day or beyond three years."""
    if not 1 <= days <= LONGEST_HORIZON:
        raise CannotPredictError(
            _("The horizon is 1 to %(most)d days, not %(days)d.") % {"most": LONGEST_HORIZON, "days": days}
        )


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
