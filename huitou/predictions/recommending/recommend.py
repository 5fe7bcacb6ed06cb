"""Ranked items for each customer: bought again, never bought before, or the next basket whatever it holds."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import numpy as np
import pyarrow as pa
from django.utils.translation import gettext as _

from huitou.core.errors import DomainError
from huitou.core.terminal import Report, silent
from huitou.orders.export import check_file, write_people
from huitou.predictions.recommending.limits import Gate, Limits
from huitou.predictions.recommending.purchases import Codes, Lines, open_at, read_lines
from huitou.stats.baskets.again import Trends, fit_next_basket
from huitou.stats.baskets.history import History
from huitou.stats.baskets.itemsets import Baskets
from huitou.stats.baskets.novel import fit_novelties
from huitou.stats.baskets.ranking import Ranked, Scored, best

MODES = ("again", "new", "basket")
MOST = 1000
# Next baskets of the last four weeks are learned from.
HORIZON_DAYS = 28
# So many of the items most bought of late may come into a next basket for the first time.
POPULAR = 60
# An item needs this many purchases, in a small brand fewer, before anybody is offered it.
LEAST_PURCHASES = 10
_AT_ONCE = 20_000

SCHEMA = pa.schema(
    [
        pa.field("person_id", pa.int64()),
        pa.field("rank", pa.int32()),
        pa.field("key", pa.string()),
        pa.field("score", pa.float64()),
    ]
)


class RecommendAskedError(DomainError):
    """Something that cannot be recommended."""

    code = "cannot_recommend"


@dataclass(frozen=True)
class Asked:
    """What is asked for: what an item is, in which mode, how many for each customer."""

    key: str
    mode: str
    top: int
    least_purchases: int | None = None
    limits: Limits = field(default_factory=Limits)

    def __post_init__(self) -> None:
        if not 1 <= self.top <= MOST:
            raise RecommendAskedError(
                _("--top is a number from 1 to %(most)d, and not %(value)d.") % {"most": MOST, "value": self.top}
            )
        if self.least_purchases is not None and self.least_purchases < 1:
            raise RecommendAskedError(
                _("--min-purchases is a number from 1, and not %(value)d.") % {"value": self.least_purchases}
            )


@dataclass(frozen=True)
class Recommended:
    """What was written, from how much, and whether this history was enough to learn from."""

    path: Path
    as_of: datetime
    rows: int
    customer_count: int
    item_count: int
    least_purchases: int
    is_learned: bool


def recommend(*, asked: Asked, out: Path, as_of: datetime | None, progress: Report = silent) -> Recommended:
    """Write `person_id`, `external_id`, `rank`, `key` and `score` to a .parquet or .csv file, by customer and rank.

    Raises ExportError for the file, NotRefreshedError before the first refresh.
    """
    check_file(out)
    progress(0, None, _("reading purchases"))
    with open_at(as_of) as (engine, instant):
        lines = read_lines(engine, asked.key, instant)
        least = asked.least_purchases or least_purchases(lines)
        history, people, items = history_of(lines, least)
        gate = Gate.of(asked.limits, engine, asked.key, items, people)
    progress(0, None, _("learning"))
    score, is_learned = _scorer(history, asked)
    rows = 0

    def batches() -> Iterator[pa.RecordBatch]:
        nonlocal rows
        for start in range(0, history.customer_count, _AT_ONCE):
            progress(start, history.customer_count, _("ranking"))
            some = np.arange(start, min(start + _AT_ONCE, history.customer_count))
            offered = gate.let_through(score(some), history.of_customers(some), some)
            ranked = best(offered, asked.top)
            rows += len(ranked)
            yield _batch(ranked, people[some], items)

    write_people(out, pa.RecordBatchReader.from_batches(SCHEMA, batches()))
    progress(history.customer_count, history.customer_count)
    return Recommended(out, instant, rows, history.customer_count, len(items), least, is_learned)


def least_purchases(lines: Lines) -> int:
    """Ten, and for brands of fewer than ten thousand purchased items one for each thousand, but at least two."""
    return int(np.clip(len(lines.item) // 1000, 2, LEAST_PURCHASES))


def history_of(lines: Lines, least: int) -> tuple[History, Codes, list[str]]:
    """The days on which known customers bought items that were bought often enough; the internal number of each
    customer code, ascending; the item of each item code."""
    kept = np.flatnonzero(Baskets(lines.order, lines.item, lines.order_count, len(lines.items)).item_counts >= least)
    known = lines.person >= 0
    people, customer = np.unique(lines.person[known], return_inverse=True)
    rows = np.unique(
        np.column_stack([customer, lines.item[known], lines.end_day - lines.day[known]]).astype(np.int64), axis=0
    )
    whole = History(rows[:, 0], rows[:, 1], rows[:, 2], len(people), len(lines.items))
    return whole.of_items(kept), people, [lines.items[code] for code in kept]


def _scorer(history: History, asked: Asked) -> tuple[Callable[[Codes], Scored], bool]:
    """Scores of some customers' candidates, in the customers' places, and whether they are learned."""
    if asked.mode == "new":
        novel = fit_novelties(history, HORIZON_DAYS)
        return novel.score, novel.is_learned
    model = fit_next_basket(history, HORIZON_DAYS, POPULAR if asked.mode == "basket" else 0)
    trends = Trends.of(history)
    return lambda some: model.score(history.of_customers(some), trends), model.is_learned


def _batch(ranked: Ranked, people: Codes, items: list[str]) -> pa.RecordBatch:
    names = pa.array(items, pa.string()).take(pa.array(ranked.item))
    columns = [
        pa.array(people[ranked.customer]),
        pa.array(ranked.rank.astype(np.int32)),
        names,
        pa.array(ranked.score),
    ]
    return pa.RecordBatch.from_arrays(columns, schema=SCHEMA)
