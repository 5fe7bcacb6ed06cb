"""What the models read: purchases as of an instant, as codes in arrays."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime, timedelta

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from huitou.accounts.queries import get_brand
from huitou.analytics.engines import Engine
from huitou.analytics.item_purchases import purchased_items
from huitou.analytics.rebuild import order_terms
from huitou.analytics.rules import Exclusions
from huitou.core.clock import local_day
from huitou.orders.snapshot import get_last_refresh, open_engine_of

Codes = npt.NDArray[np.int64]
_EPOCH = date(1970, 1, 1)


@dataclass(frozen=True)
class Lines:
    """One entry for each item of each purchase before an instant.

    `order` and `item` are codes from 0, `person` is the customer's internal number or -1 for anonymous sales, `day`
    days since 1970 in the brand's zone; arrays of shape (entries,). `items` has the item of each code; `end_day` is
    the first day of which nothing, or not the whole, is known.
    """

    order: Codes
    person: Codes
    day: Codes
    item: Codes
    items: list[str]
    order_count: int
    end_day: int
    as_of: datetime


@contextmanager
def open_at(as_of: datetime | None) -> Iterator[tuple[Engine, datetime]]:
    """An engine whose order tables are those as of the instant, by default the last refresh's; and the instant.

    Raises NotRefreshedError before the first refresh.
    """
    run = get_last_refresh()
    instant = as_of or run.as_of
    with open_engine_of(run, instant) as engine:
        yield engine, instant


def read_lines(engine: Engine, key: str, as_of: datetime) -> Lines:
    """Everything bought before the instant, from an engine that `open_at` gave."""
    brand = get_brand()
    terms = order_terms(engine, as_of=as_of, zone=brand.zone, exclusions=Exclusions.from_json(brand.exclusions))
    rows = purchased_items(engine, key, terms)
    table = engine.to_pyarrow(rows.select("source", "order_id", "person_id", "day", "item"))
    number = pc.binary_join_element_wise(table["source"], table["order_id"], "\x1f").combine_chunks()
    orders = number.dictionary_encode()
    coded, items = _in_order(table["item"].combine_chunks().dictionary_encode())
    last = local_day(as_of - timedelta(microseconds=1), brand.tz)
    return Lines(
        order=_numbers(orders.indices),
        person=_numbers(pc.fill_null(table["person_id"], -1)),
        day=_numbers(table["day"].cast(pa.int32())),
        item=coded,
        items=items,
        order_count=len(orders.dictionary),
        end_day=(last - _EPOCH).days + 1,
        as_of=as_of,
    )


def _in_order(coded: pa.DictionaryArray) -> tuple[Codes, list[str]]:
    """Codes in the order of the items, whatever order the engine's rows came in: results do not depend on it."""
    order = pc.sort_indices(coded.dictionary).to_numpy()
    place = np.empty(len(order), np.int64)
    place[order] = np.arange(len(order))
    items: list[str] = coded.dictionary.take(pa.array(order)).to_pylist()
    return place[_numbers(coded.indices)], items


def _numbers(values: pa.Array | pa.ChunkedArray) -> Codes:
    found: Codes = values.to_numpy(zero_copy_only=False) if isinstance(values, pa.Array) else values.to_numpy()
    return found.astype(np.int64)
