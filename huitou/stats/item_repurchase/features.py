"""What is known of each pair at an instant, as the columns that the learned forms read."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from huitou.stats.item_repurchase.closed_form import Priors, discounted, learn_priors, rates_of
from huitou.stats.item_repurchase.pairs import Pairs, days_to_next, pairs_at
from huitou.stats.item_repurchase.purchases import SPAN, Codes, ItemPurchases, Reals

Matrix = NDArray[np.float32]
WINDOWS = (7, 14, 28, 56, 91)
MEMORIES = (20.0, 60.0)
# Where one stretch of silence ends and the next begins, in days.
_SILENCES = np.array([3, 7, 14, 21, 28, 42, 56, 84, 112, 168, 252])
_CELLS = (len(_SILENCES) + 1) * 3
# So many pairs of all weigh as much as those of one item, silence and count.
_LEAN = 20.0


@dataclass(frozen=True)
class ItemFacts:
    """What is known of every item at an instant, from a sample or from all: arrays of shape (items,).

    `came_back` has shape (items, cells): of pairs a horizon ago, by how long they had been silent and how often they
    had been bought, the share that was bought again within the horizon.
    """

    horizon: int
    priors: Priors
    short_priors: Priors
    windows: dict[int, Codes]
    pairs: Codes
    repeated: Reals
    gap: Reals
    rate: Reals
    came_back: Reals
    base: Reals

    @property
    def item_count(self) -> int:
        return len(self.pairs)


def learn_facts(purchases: ItemPurchases, end: int, horizon: int, item_count: int) -> ItemFacts:
    """What all purchases before day `end` say of each item."""
    pairs = pairs_at(purchases, end)
    ago = end - pairs.known.day
    item = pairs.item

    def by_item(values: Reals) -> Reals:
        return np.bincount(item, weights=values, minlength=item_count).astype(np.float64)

    number = np.bincount(item, minlength=item_count)
    repeats = by_item((pairs.count > 1).astype(float))
    # Of a pair bought once, both days are the same.
    gap: Reals = (pairs.last - pairs.first) / np.maximum(pairs.count - 1, 1)
    spans = by_item(gap)
    came_back, base = _came_back(purchases, end, horizon, item_count)
    return ItemFacts(
        horizon=horizon,
        priors=learn_priors(pairs, item_count),
        short_priors=learn_priors(pairs, item_count, MEMORIES[1]),
        windows={days: np.bincount(pairs.known.item[ago <= days], minlength=item_count) for days in WINDOWS},
        pairs=number,
        repeated=repeats / np.maximum(number, 1),
        gap=spans / np.maximum(repeats, 1.0),
        rate=by_item((pairs.count - 1).astype(np.float64)) / np.maximum(by_item(pairs.age.astype(float)), 1.0),
        came_back=came_back,
        base=base,
    )


def _cells(pairs: Pairs) -> Codes:
    found: Codes = np.searchsorted(_SILENCES, pairs.elapsed) * 3 + np.minimum(pairs.count, 3) - 1
    return found


def _came_back(purchases: ItemPurchases, end: int, horizon: int, item_count: int) -> tuple[Reals, Reals]:
    earlier = pairs_at(purchases, end - horizon)
    if not len(earlier):
        return np.zeros((item_count, _CELLS)), np.zeros(item_count)
    hit = (days_to_next(earlier, purchases.before(end), horizon) < horizon).astype(float)
    overall = (hit.sum() + 0.5) / (len(hit) + 1)
    number = np.bincount(earlier.item, minlength=item_count)
    base = (np.bincount(earlier.item, hit, item_count) + _LEAN * overall) / (number + _LEAN)
    cell = _cells(earlier)
    of_all = (np.bincount(cell, hit, _CELLS) + overall) / (np.bincount(cell, minlength=_CELLS) + 1.0)
    usual = np.minimum(base[:, None] * of_all / overall, 1.0)
    place = earlier.item * _CELLS + cell
    size = item_count * _CELLS
    hits = np.bincount(place, hit, size).reshape(item_count, _CELLS)
    found = (hits + _LEAN * usual) / (np.bincount(place, minlength=size).reshape(item_count, _CELLS) + _LEAN)
    return found, base


def features_of(pairs: Pairs, facts: ItemFacts) -> tuple[list[str], Matrix]:
    """Names of the columns, and the columns of each pair, of shape (pairs, columns); nan where there is no answer."""
    columns: dict[str, Reals | Codes] = {}
    _of_rates(columns, pairs, facts)
    _of_gaps(columns, pairs, facts.horizon)
    _of_customers(columns, pairs)
    _of_items(columns, pairs, facts)
    found = np.empty((len(pairs), len(columns)), np.float32)
    for number, values in enumerate(columns.values()):
        found[:, number] = values
    return list(columns), found


def _of_rates(columns: dict[str, Reals | Codes], pairs: Pairs, facts: ItemFacts) -> None:
    known = pairs.known
    ago = pairs.end - known.day
    rates = rates_of(pairs, facts.priors)
    columns["closed_form"] = rates.p_any(facts.horizon)
    columns["rate_short"] = rates_of(pairs, facts.short_priors, MEMORIES[1]).mean
    columns["due"] = rates.mean * pairs.elapsed
    columns["count"], columns["age"], columns["elapsed"] = pairs.count, pairs.age, pairs.elapsed
    for days in WINDOWS:
        columns[f"count_{days}"] = pairs.total((ago <= days).astype(float))
    for memory in MEMORIES:
        columns[f"discounted_{memory:.0f}"] = discounted(pairs, memory)[0]
    mean = pairs.total(known.quantity) / pairs.count
    columns["quantity"] = mean
    columns["quantity_last_share"] = known.quantity[_ends(pairs)] / mean


def _ends(pairs: Pairs) -> Codes:
    """Where each pair's last entry is."""
    return np.append(pairs.starts[1:], len(pairs.known)) - 1


def _of_gaps(columns: dict[str, Reals | Codes], pairs: Pairs, horizon: int) -> None:
    """How long it was between purchases, and how far the silence since the last one is from that."""
    starts, count = pairs.starts, pairs.count
    some = count > 1
    number = np.maximum(count - 1, 1)
    gap = np.diff(pairs.known.day, prepend=0).astype(float)
    gap[starts] = np.nan
    real = ~np.isnan(gap)
    mean = np.where(some, (pairs.last - pairs.first) / number, np.nan)
    squares = pairs.total(np.where(real, gap**2, 0.0)) / number - mean**2
    pair = np.repeat(np.arange(len(pairs)), count)
    # Gaps of each pair by length; the missing one of the first purchase comes last.
    ordered = gap[np.lexsort((gap, pair))]
    elapsed = pairs.elapsed[pair]
    longer = pairs.total((real & (gap >= elapsed)).astype(float))
    inside = pairs.total((real & (gap >= elapsed) & (gap < elapsed + horizon)).astype(float))
    columns["gap"] = mean
    columns["gap_last"] = gap[_ends(pairs)]
    columns["gap_longest"] = np.where(some, np.maximum.reduceat(np.where(real, gap, -1.0), starts), np.nan)
    columns["gap_median"] = np.where(some, ordered[starts + np.maximum(count - 2, 0) // 2], np.nan)
    columns["gap_spread"] = np.where(count > 2, np.sqrt(np.maximum(squares, 0.0)), np.nan)
    columns["gaps_longer_share"] = longer / number
    columns["own_hazard"] = (inside + 0.3) / (longer + 1.0)
    columns["elapsed_per_gap"] = pairs.elapsed / mean
    columns["gap_left"] = mean - pairs.elapsed


def _of_customers(columns: dict[str, Reals | Codes], pairs: Pairs) -> None:
    """How often the customer comes, for how much at once, and how it went with the customer's other items."""
    visits = pairs.known.visits
    number = int(pairs.customer.max(initial=0)) + 1
    who, ago = visits // SPAN, pairs.end - visits % SPAN
    entries_ago = pairs.end - pairs.known.day
    of = pairs.customer
    for days in WINDOWS:
        columns[f"visits_{days}"] = np.bincount(who[ago <= days], minlength=number)[of]
    columns["visits"] = np.bincount(who, minlength=number)[of]
    last = np.full(number, SPAN)
    np.minimum.at(last, who, ago)
    columns["visit_elapsed"] = last[of]
    since_first = pairs.visits_between(pairs.first, pairs.end)
    columns["visits_since"] = pairs.visits_between(pairs.last + 1, pairs.end)
    columns["per_visit"] = pairs.count / since_first
    columns["due_by_visits"] = columns["visits_since"] * columns["per_visit"]
    items = np.bincount(of, minlength=number)
    columns["items"] = items[of]
    for days in (28, 91):
        bought = np.bincount(pairs.known.customer[entries_ago <= days], minlength=number)[of]
        columns[f"bought_{days}"] = bought
        columns[f"basket_{days}"] = bought / np.maximum(columns[f"visits_{days}"], 1)
    means = np.bincount(of, columns["closed_form"], number) / np.maximum(items, 1)
    columns["closed_form_of_customer"] = means[of]


def _of_items(columns: dict[str, Reals | Codes], pairs: Pairs, facts: ItemFacts) -> None:
    bought, of = facts.windows, pairs.item
    columns["item_28"], columns["item_91"] = bought[28][of], bought[91][of]
    columns["item_7_of_28"] = ((bought[7] + 2.0) / (bought[28] / 4 + 2.0))[of]
    columns["item_14_of_28"] = ((bought[14] + 4.0) / (bought[28] / 2 + 4.0))[of]
    columns["item_28_of_56"] = ((bought[28] + 5.0) / (bought[56] - bought[28] + 5.0))[of]
    columns["item_lately"] = facts.priors.lately[of]
    columns["item_pairs"] = facts.pairs[of]
    columns["item_repeated"], columns["item_gap"] = facts.repeated[of], facts.gap[of]
    columns["item_rate"] = facts.rate[of]
    columns["item_came_back"] = facts.came_back[of, _cells(pairs)]
    columns["item_base"] = facts.base[of]
