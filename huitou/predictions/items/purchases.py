"""What the models of items read: days on which customers bought them, as codes, of a sample or customer by customer."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime, timedelta

import ibis
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from huitou.accounts.queries import get_brand
from huitou.analytics.engines import Engine
from huitou.analytics.item_purchases import item_days
from huitou.analytics.rebuild import order_terms
from huitou.analytics.rules import Exclusions
from huitou.orders.snapshot import get_last_refresh, open_engine_of
from huitou.predictions.ordering.forecasting import first_unknown_day
from huitou.stats.item_repurchase.purchases import Codes, ItemPurchases

# Entries of customers, items and days that a block has at least; what is worked out of them takes some 500 bytes each.
BLOCK_ENTRIES = 1_000_000


@dataclass(frozen=True)
class ItemDays:
    """Everything bought before day `end` (days since 1970), as it lies with the engine; `items` by code."""

    engine: Engine
    rows: ibis.Table
    items: pa.Array
    entry_count: int
    end: int


@contextmanager
def open_item_days(key: str, instant: datetime) -> Iterator[ItemDays]:
    """The days on which items were bought, whole days before the instant only."""
    brand = get_brand()
    end = first_unknown_day(instant)
    with open_engine_of(get_last_refresh(), instant) as engine:
        terms = order_terms(engine, as_of=instant, zone=brand.zone, exclusions=Exclusions.from_json(brand.exclusions))
        # The instant's own day is not over: what of it is known would count as a whole day.
        before = date(1970, 1, 1) + timedelta(days=end)
        rows = engine.keep("item_days", item_days(engine, key, terms, before))
        names = engine.to_pyarrow(rows.select("item").distinct().order_by("item"))["item"]
        count = engine.to_pyarrow(rows.aggregate(n=rows.count()))["n"][0].as_py()
        yield ItemDays(engine, rows, names.combine_chunks(), int(count or 0), end)


def read_sample(days: ItemDays, most_entries: int) -> ItemPurchases:
    """Purchases of every k-th customer, so many that there are about `most_entries` entries."""
    every = max(-(-days.entry_count // most_entries), 1)
    table = days.engine.to_pyarrow(days.rows.filter(days.rows.person_id % every == 0))
    if not len(table) and days.entry_count:
        table = days.engine.to_pyarrow(days.rows.limit(most_entries))
    return _coded(table, days.items)[1]


def read_blocks(days: ItemDays) -> Iterator[tuple[Codes, ItemPurchases]]:
    """All purchases in blocks of whole customers: their internal numbers, ascending, and what they bought."""
    reader = days.engine.to_reader(days.rows.order_by(["person_id", "item", "day"]))
    waiting: list[pa.RecordBatch] = []
    size = 0
    for batch in reader:
        waiting.append(batch)
        size += batch.num_rows
        if size < BLOCK_ENTRIES:
            continue
        table = pa.Table.from_batches(waiting)
        people = table["person_id"].to_numpy()
        # The last customer's rows may go on in the next batch.
        cut = int(np.searchsorted(people, people[-1]))
        if cut:
            yield _coded(table.slice(0, cut), days.items)
            waiting, size = table.slice(cut).to_batches(), len(people) - cut
    if size:
        yield _coded(pa.Table.from_batches(waiting), days.items)


def _coded(table: pa.Table, items: pa.Array) -> tuple[Codes, ItemPurchases]:
    people, customer = np.unique(table["person_id"].to_numpy().astype(np.int64), return_inverse=True)
    item = pc.index_in(table["item"], value_set=items).to_numpy()
    return people, ItemPurchases.of(customer, item, table["day"].to_numpy(), table["quantity"].to_numpy())
