"""Rules of the form "who has these in the basket has that too", from frequent sets."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations

import numpy as np
import numpy.typing as npt

from huitou.stats.baskets.itemsets import Codes, Itemsets

Reals = npt.NDArray[np.float64]
NOTHING = -1


@dataclass(frozen=True)
class Rules:
    """Rules by falling lift, then falling support, then items.

    `left` and `right` have shape (rules, 2): item codes, `NOTHING` where a side has one item only. `count` says in how
    many of `basket_count` baskets both sides lie, `left_count` and `right_count` the same of each side.
    """

    left: Codes
    right: Codes
    count: Codes
    left_count: Codes
    right_count: Codes
    basket_count: int

    def __len__(self) -> int:
        return len(self.count)

    @property
    def support(self) -> Reals:
        """Share of baskets with both sides."""
        return self.count / self.basket_count

    @property
    def confidence(self) -> Reals:
        """Share of the baskets with the left side that have the right side too."""
        return self.count / self.left_count

    @property
    def lift(self) -> Reals:
        """Confidence as a multiple of the share of all baskets that have the right side."""
        # Integers as far as they go: equal rules of both directions have equal lift to the last bit.
        found: Reals = (self.count * float(self.basket_count)) / (self.left_count * self.right_count.astype(float))
        return found


def rules_of(itemsets: Itemsets, min_confidence: float = 0.0, min_lift: float = 0.0) -> Rules:
    """Every rule that splits a frequent pair or triple into two sides.

    Parameters
    ----------
    itemsets
        Frequent sets with all their subsets, as `frequent_itemsets` finds them.
    min_confidence, min_lift
        What a rule needs at least.

    >>> from huitou.stats.baskets.itemsets import Baskets, frequent_itemsets
    >>> sets = frequent_itemsets(Baskets(np.array([0, 0, 1, 1, 2]), np.array([0, 1, 0, 1, 1]), 3, 2), 0.5)
    >>> found = rules_of(sets)
    >>> found.left[:, 0].tolist(), found.confidence.round(3).tolist(), found.lift.tolist()
    ([0, 1], [1.0, 0.667], [1.0, 1.0])
    """
    parts = [_split(itemsets, size, left) for size in range(2, len(itemsets.sets) + 1) for left in _sides(size)]
    found = _joined(parts, itemsets.basket_count)
    enough = (found.confidence >= min_confidence) & (found.lift >= min_lift)
    order = np.lexsort((*found.right.T[::-1], *found.left.T[::-1], -found.count, -found.lift))
    return _taken(found, order[enough[order]])


def _joined(parts: list[Rules], basket_count: int) -> Rules:
    sides, counts = [np.empty((0, 2), np.int64)], [np.empty(0, np.int64)]
    return Rules(
        np.concatenate([*sides, *(part.left for part in parts)]),
        np.concatenate([*sides, *(part.right for part in parts)]),
        np.concatenate([*counts, *(part.count for part in parts)]),
        np.concatenate([*counts, *(part.left_count for part in parts)]),
        np.concatenate([*counts, *(part.right_count for part in parts)]),
        basket_count,
    )


def _taken(rules: Rules, rows: Codes) -> Rules:
    return Rules(
        rules.left[rows],
        rules.right[rows],
        rules.count[rows],
        rules.left_count[rows],
        rules.right_count[rows],
        rules.basket_count,
    )


def _sides(size: int) -> list[tuple[int, ...]]:
    """Every choice of positions of a set of that size for the left side, which leaves one for the right."""
    return [left for count in range(1, size) for left in combinations(range(size), count)]


def _split(itemsets: Itemsets, size: int, left: tuple[int, ...]) -> Rules:
    """The sets of one size as rules with these positions on the left."""
    sets, counts = itemsets.sets[size - 1], itemsets.counts[size - 1]
    right = tuple(position for position in range(size) if position not in left)
    return Rules(
        _padded(sets[:, left]),
        _padded(sets[:, right]),
        counts,
        _counts_of(itemsets, sets[:, left]),
        _counts_of(itemsets, sets[:, right]),
        itemsets.basket_count,
    )


def _padded(side: Codes) -> Codes:
    if side.shape[1] == 2:
        return side
    return np.column_stack([side, np.full(len(side), NOTHING)])


def _counts_of(itemsets: Itemsets, side: Codes) -> Codes:
    """Counts of sides, which are frequent sets themselves."""
    known, counts = itemsets.sets[side.shape[1] - 1], itemsets.counts[side.shape[1] - 1]
    # One number for each set; both lists ascend alike.
    weights = itemsets.item_count ** np.arange(side.shape[1])[::-1].astype(np.int64)
    found: Codes = counts[np.searchsorted(known @ weights, side @ weights)]
    return found
