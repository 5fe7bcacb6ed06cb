"""Forecasts of what every customer buys again, learned from a sample and scored customer by customer."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
from django.utils.translation import gettext as _

from huitou.accounts.queries import get_brand
from huitou.core.terminal import Report, silent
from huitou.orders.export import check_file, write_people
from huitou.orders.snapshot import get_last_refresh
from huitou.predictions.items.purchases import ItemDays, open_item_days, read_blocks, read_sample
from huitou.predictions.ordering.forecasting import CannotPredictError, check_horizon
from huitou.stats.item_repurchase.forecast import ItemForecast, learn_items
from huitou.stats.item_repurchase.pairs import pairs_at
from huitou.stats.item_repurchase.purchases import Codes, ItemPurchases

# Entries of customers, items and days that are learned from; more of them move no figure that is shown.
SAMPLE_ENTRIES = 2_000_000
SCHEMA = pa.schema(
    [
        pa.field("person_id", pa.int64()),
        pa.field("key", pa.string()),
        pa.field("p_buy", pa.float64()),
        pa.field("next_date", pa.date32()),
        pa.field("next_date_early", pa.date32()),
        pa.field("next_date_late", pa.date32()),
        pa.field("expected_quantity", pa.float64()),
    ]
)
_EPOCH = date(1970, 1, 1)


@dataclass(frozen=True)
class PredictedItems:
    """What was written, as of which instant, and what it was learned from."""

    path: Path
    rows: int
    dated: int
    as_of: datetime
    horizon_days: int
    forecast: ItemForecast


def predict_items(
    *, out: Path, as_of: datetime | None, horizon_days: int, key: str, report: Report = silent
) -> PredictedItems:
    """Write what every customer buys again of what was bought before `as_of` (by default the brand's now).

    One row per customer and product or category bought before: `person_id`, `external_id`, `key`, `p_buy` (any purchase
    within the horizon), `next_date` with `next_date_early` and `next_date_late` (of such pairs that buy within the
    horizon, 80 in 100 buy between them; empty where the pair's own rhythm bears no date), `expected_quantity` (units
    within the horizon). The file appears whole or not at all, and nothing from `as_of` on is looked at.

    Raises
    ------
    CannotPredictError : no purchase before `as_of`, or a horizon below 1 or beyond three years
    ExportError : a file type other than .parquet and .csv, or a folder that does not exist
    NotRefreshedError : before the first refresh
    """
    check_horizon(horizon_days)
    check_file(out)
    instant = as_of or get_last_refresh().as_of
    report(0, 4, _("Reading purchases"))
    with open_item_days(key, instant) as days:
        if not days.entry_count:
            raise CannotPredictError(
                _("There is no purchase before %(day)s to learn from.") % {"day": _EPOCH + timedelta(days=days.end)}
            )
        sampled = read_sample(days, SAMPLE_ENTRIES)
        report(1, 4, _("Learning"))
        forecast = learn_items(sampled, days.end, horizon_days, len(days.items))
        report(2, 4, _("Scoring"))
        counted = _Counted()
        rows = write_people(out, pa.RecordBatchReader.from_batches(SCHEMA, counted.batches(days, forecast)))
        report(4, 4, _("Writing"))
    zone = get_brand().tz
    return PredictedItems(out, rows, counted.dated, instant.astimezone(zone), horizon_days, forecast)


class _Counted:
    """The file's rows, and how many of them have a date."""

    def __init__(self) -> None:
        self.dated = 0

    def batches(self, days: ItemDays, forecast: ItemForecast) -> Iterator[pa.RecordBatch]:
        for people, purchases in read_blocks(days):
            batch = _scored(people, purchases, days, forecast)
            self.dated += batch.num_rows - batch.column("next_date").null_count
            yield batch


def _scored(people: Codes, purchases: ItemPurchases, days: ItemDays, forecast: ItemForecast) -> pa.RecordBatch:
    pairs = pairs_at(purchases, days.end)
    scores = forecast.score(pairs)
    dates = [_dates(days.end, wait) for wait in (scores.windows.wait, scores.windows.early, scores.windows.late)]
    return pa.RecordBatch.from_arrays(
        [
            pa.array(people[pairs.customer]),
            days.items.take(pa.array(pairs.item)),
            pa.array(scores.p_buy),
            *dates,
            pa.array(scores.quantity),
        ],
        schema=SCHEMA,
    )


def _dates(end: int, wait: np.ndarray) -> pa.Array:
    """Dates so many days after the end, empty where there is no number."""
    later = end + np.nan_to_num(wait).astype(np.int32)
    return pa.array(later.astype(np.int32), pa.int32(), mask=np.isnan(wait)).cast(pa.date32())
