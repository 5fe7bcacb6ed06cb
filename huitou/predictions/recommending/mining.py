"""Rules of what is bought together and of what follows, mined from the brand's purchases."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from django.utils.translation import gettext as _

from huitou.core.errors import DomainError
from huitou.core.terminal import Report, silent
from huitou.orders.export import check_file
from huitou.predictions.recommending.files import write_table
from huitou.predictions.recommending.purchases import Lines, open_at, read_lines
from huitou.stats.baskets.itemsets import Baskets, frequent_itemsets, least_count
from huitou.stats.baskets.rules import NOTHING, Rules, rules_of
from huitou.stats.baskets.sequences import ACTIVITY_DAYS, FirstPurchases, Sequences, find_sequences

# Chains are looked for among so many items, those with the most buyers: every two of them are counted.
SEQUENCE_ITEMS = 1500
MIN_CUSTOMERS = 30

SCHEMA = pa.schema(
    [
        pa.field("kind", pa.string(), nullable=False),
        pa.field("antecedents", pa.list_(pa.string()), nullable=False),
        pa.field("consequents", pa.list_(pa.string()), nullable=False),
        pa.field("count", pa.int64(), nullable=False),
        pa.field("base_count", pa.int64(), nullable=False),
        pa.field("support", pa.float64(), nullable=False),
        pa.field("confidence", pa.float64(), nullable=False),
        pa.field("base_rate", pa.float64(), nullable=False),
        pa.field("lift", pa.float64(), nullable=False),
        pa.field("lift_low", pa.float64()),
        pa.field("lift_high", pa.float64()),
        pa.field("window_days", pa.int32()),
        pa.field("early_days", pa.float64()),
        pa.field("median_days", pa.float64()),
        pa.field("late_days", pa.float64()),
    ]
)


class RuleAskedError(DomainError):
    """A bound that no rule can have."""

    code = "cannot_mine"


@dataclass(frozen=True)
class Asked:
    """What rules are asked for: shares of 0 to 1, a lift from 0, days from 1, and what an item is."""

    key: str
    min_support: float
    min_lift: float
    min_confidence: float
    window_days: int

    def __post_init__(self) -> None:
        for name, value in (("--min-support", self.min_support), ("--min-confidence", self.min_confidence)):
            if not 0 <= value <= 1:
                raise RuleAskedError(
                    _("%(option)s is a share from 0 to 1, and not %(value)s.") % {"option": name, "value": value}
                )
        if not 0 <= self.min_lift < np.inf:
            raise RuleAskedError(_("--min-lift is a number from 0, and not %(value)s.") % {"value": self.min_lift})
        if self.window_days < 1:
            raise RuleAskedError(
                _("--window-days is a number from 1, and not %(value)s.") % {"value": self.window_days}
            )


@dataclass(frozen=True)
class Mined:
    """What was written, and what it was found in."""

    path: Path
    as_of: datetime
    basket_count: int
    customer_count: int
    item_sets: dict[int, int]
    rules: dict[str, int]
    chain_items: int
    items_left_out: int


def mine_rules(*, asked: Asked, out: Path, as_of: datetime | None, progress: Report = silent) -> Mined:
    """Write pair and triple rules and chains in time to a .parquet or .csv file, by kind and falling lift.

    Raises RuleAskedError, ExportError for the file, NotRefreshedError before the first refresh.
    """
    check_file(out)
    progress(0, 4, _("reading purchases"))
    with open_at(as_of) as (engine, instant):
        lines = read_lines(engine, asked.key, instant)
    progress(1, 4, _("counting baskets"))
    sets = frequent_itemsets(Baskets(lines.order, lines.item, lines.order_count, len(lines.items)), asked.min_support)
    rules = rules_of(sets, asked.min_confidence, asked.min_lift)
    progress(2, 4, _("following customers"))
    firsts, names, left_out = first_purchases(lines)
    chains = find_sequences(
        firsts,
        asked.window_days,
        min_customers=MIN_CUSTOMERS,
        min_followed=least_count(asked.min_support, firsts.customer_count),
        min_lift=asked.min_lift,
    )
    progress(3, 4, _("writing"))
    table = pa.concat_tables(
        [*_rule_tables(rules, lines.items), _chain_table(chains, names, firsts.customer_count, asked)]
    )
    write_table(out, table)
    progress(4, 4)
    kinds = {"pair": 0, "triple": 0, "sequence": 0}
    for entry in table["kind"].value_counts().to_pylist():
        kinds[entry["values"]] = entry["counts"]
    return Mined(out, instant, lines.order_count, firsts.customer_count, sets.sizes, kinds, firsts.item_count, left_out)


def first_purchases(lines: Lines, most_items: int = SEQUENCE_ITEMS) -> tuple[FirstPurchases, list[str], int]:
    """First purchases of the items with the most buyers, their names, and how many items were left out for that."""
    known = lines.person >= 0
    people, customer = np.unique(lines.person[known], return_inverse=True)
    item, day = lines.item[known], lines.day[known]
    order = np.lexsort((day, item, customer))
    customer, item, day = customer[order], item[order], day[order]
    first = np.flatnonzero(np.diff(customer * len(lines.items) + item, prepend=-1))
    visits = np.unique(customer * _SPAN + day)
    customer, item, day = customer[first], item[first], day[first]
    now = customer * _SPAN + day
    active = np.searchsorted(visits, now, side="right") - np.searchsorted(visits, now - ACTIVITY_DAYS, side="right")
    buyers = np.bincount(item, minlength=len(lines.items))
    wide = np.flatnonzero(buyers >= MIN_CUSTOMERS)
    chosen = np.sort(wide[np.argsort(-buyers[wide], kind="stable")][:most_items])
    place = np.full(len(lines.items), NOTHING)
    place[chosen] = np.arange(len(chosen))
    kept = place[item] >= 0
    firsts = FirstPurchases(
        customer[kept], place[item[kept]], day[kept], active[kept], lines.end_day, len(people), len(chosen)
    )
    return firsts, [lines.items[code] for code in chosen], len(wide) - len(chosen)


# Days since 1970 and some slack fit below it, so that customer and day are one number.
_SPAN = 1_000_000


def _rule_tables(rules: Rules, items: list[str]) -> Iterable[pa.Table]:
    """Pairs, then triples."""
    triple = (rules.left != NOTHING).sum(1) + (rules.right != NOTHING).sum(1) == 3
    for kind, chosen in (("pair", ~triple), ("triple", triple)):
        rows = np.flatnonzero(chosen)
        values: dict[str, Any] = {
            "antecedents": _names(rules.left[rows], items),
            "consequents": _names(rules.right[rows], items),
            "count": rules.count[rows],
            "base_count": rules.left_count[rows],
            "support": rules.support[rows],
            "confidence": rules.confidence[rows],
            "base_rate": rules.right_count[rows] / rules.basket_count,
            "lift": rules.lift[rows],
        }
        yield _table(kind, len(rows), values)


def _chain_table(chains: Sequences, items: list[str], customer_count: int, asked: Asked) -> pa.Table:
    low, high = chains.lift_interval()
    values: dict[str, Any] = {
        "antecedents": _names(chains.left[:, None], items),
        "consequents": _names(chains.right[:, None], items),
        "count": chains.followed_count,
        "base_count": chains.customer_count,
        "support": chains.followed_count / max(customer_count, 1),
        "confidence": chains.rate,
        "base_rate": chains.base_rate,
        "lift": chains.lift,
        "lift_low": low,
        "lift_high": high,
        "window_days": np.full(len(chains), asked.window_days),
        "early_days": chains.early_days,
        "median_days": chains.median_days,
        "late_days": chains.late_days,
    }
    confident = np.flatnonzero(chains.rate >= asked.min_confidence)
    return _table("sequence", len(chains), values).take(pa.array(confident))


def _names(sides: Any, items: list[str]) -> list[list[str]]:
    return [[items[code] for code in side if code != NOTHING] for side in sides.tolist()]


def _table(kind: str, count: int, values: dict[str, Any]) -> pa.Table:
    values = {"kind": [kind] * count, **values}
    columns = [
        pa.array(values[field.name], field.type) if field.name in values else pa.nulls(count, field.type)
        for field in SCHEMA
    ]
    return pa.Table.from_arrays(columns, schema=SCHEMA)
