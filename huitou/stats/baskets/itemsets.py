"""Sets of one, two and three items that are often bought together, counted exactly."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

Codes = npt.NDArray[np.int64]
# Entries of an intermediate product held at once; some 100 MB.
_AT_ONCE = 8_000_000


@dataclass(frozen=True)
class Baskets:
    """Which items lie in which basket: one entry for each different item of a basket.

    Parameters
    ----------
    basket, item
        Arrays of shape (entries,), codes from 0; a repeated entry counts once.
    basket_count, item_count
        How many baskets and items there are; a basket may be without an entry and still counts as a basket.
    """

    basket: Codes
    item: Codes
    basket_count: int
    item_count: int

    def __post_init__(self) -> None:
        if self.basket.shape != self.item.shape or self.basket.ndim != 1:
            raise ValueError("basket and item are two arrays of one length")
        for codes, count in ((self.basket, self.basket_count), (self.item, self.item_count)):
            if len(codes) and (codes.min() < 0 or codes.max() >= count):
                raise ValueError("codes lie between 0 and the count")

    @property
    def item_counts(self) -> Codes:
        """In how many baskets each item lies, of shape (items,)."""
        found: Codes = np.bincount(self.matrix().indices, minlength=self.item_count)
        return found

    def matrix(self) -> sp.csr_matrix:
        """Baskets by items, 1 where the item lies in the basket."""
        ones = np.ones(len(self.basket), np.int32)
        found = sp.csr_matrix((ones, (self.basket, self.item)), shape=(self.basket_count, self.item_count))
        found.sum_duplicates()
        found.data[:] = 1
        return found


@dataclass(frozen=True)
class Itemsets:
    """Frequent sets: `sets[k - 1]` has shape (sets, k), item codes ascending, in ascending order of rows;
    `counts[k - 1]` says in how many of `basket_count` baskets each lies."""

    sets: tuple[Codes, ...]
    counts: tuple[Codes, ...]
    basket_count: int
    item_count: int

    @property
    def sizes(self) -> dict[int, int]:
        """How many sets there are of each size."""
        return {size: len(found) for size, found in enumerate(self.sets, start=1)}


def least_count(min_support: float, basket_count: int) -> int:
    """The smallest number of baskets that is a share of at least `min_support`, and at least one.

    >>> least_count(0.07, 100)
    7
    """
    if not 0 <= min_support <= 1:
        raise ValueError(f"{min_support} is no share of baskets")
    # The product may be a rounding error off on either side, the quotient decides.
    count = max(1, int(min_support * basket_count) - 1)
    while count / max(basket_count, 1) < min_support:
        count += 1
    return count


def frequent_itemsets(baskets: Baskets, min_support: float, max_size: int = 3) -> Itemsets:
    """Every set of at most `max_size` items that lies in at least a share `min_support` of all baskets.

    Pairs are one sparse integer product, taken in blocks of items. Triples are found from their rarest item: among
    the baskets that hold it, the items that are a frequent pair with it are multiplied with each other; the more
    frequent an item is, the fewer partners are left for it. Both are exact counts.

    Parameters
    ----------
    baskets
        Which items lie in which basket.
    min_support
        Share of baskets, 0 to 1.
    max_size
        1, 2 or 3.

    Raises
    ------
    ValueError
        For a share that is none, or another size.

    References
    ----------
    R. Agrawal, R. Srikant, *Fast algorithms for mining association rules*, VLDB (1994), for what is frequent.

    >>> found = frequent_itemsets(Baskets(np.array([0, 0, 1, 1, 2]), np.array([0, 1, 0, 1, 1]), 3, 2), 0.5)
    >>> found.sets[1].tolist(), found.counts[1].tolist(), found.sizes
    ([[0, 1]], [2], {1: 2, 2: 1, 3: 0})
    """
    if max_size not in (1, 2, 3):
        raise ValueError(f"sets of {max_size} items are not counted")
    least = least_count(min_support, baskets.basket_count)
    matrix = baskets.matrix()
    counts = np.bincount(matrix.indices, minlength=baskets.item_count)
    # Rarest first; what is kept below is numbered in this order.
    kept = np.flatnonzero(counts >= least)
    kept = kept[np.lexsort((kept, counts[kept]))]
    found = [(kept[:, None].astype(np.int64), counts[kept].astype(np.int64))]
    if max_size > 1:
        columns = matrix[:, kept].tocsc()
        pairs, pair_counts = _pairs(columns, least)
        found.append((kept[pairs], pair_counts))
        if max_size > 2:
            triples, triple_counts = _triples(columns, pairs, least)
            found.append((kept[triples], triple_counts))
    ordered = [_in_order(sets, numbers) for sets, numbers in found]
    return Itemsets(
        tuple(sets for sets, _ in ordered),
        tuple(numbers for _, numbers in ordered),
        baskets.basket_count,
        baskets.item_count,
    )


def _in_order(sets: Codes, counts: Codes) -> tuple[Codes, Codes]:
    sets = np.sort(sets, axis=1)
    order = np.lexsort(sets.T[::-1])
    return sets[order], counts[order]


def _pairs(columns: sp.csc_matrix, least: int) -> tuple[Codes, Codes]:
    """Pairs (first < second) of columns that share at least `least` rows, and how many."""
    rows = columns.tocsr()
    lengths = np.diff(rows.indptr)
    # What a column costs: the lengths of all baskets that hold it.
    costs = np.bincount(rows.indices, weights=np.repeat(lengths, lengths).astype(float), minlength=columns.shape[1])
    firsts, seconds, counts = [], [], []
    for start, end in _blocks(costs):
        product = (columns[:, start:end].T @ rows).tocoo()
        enough = (product.data >= least) & (product.col > product.row + start)
        firsts.append(product.row[enough] + start)
        seconds.append(product.col[enough])
        counts.append(product.data[enough])
    return (
        np.column_stack([np.concatenate([*firsts, []]), np.concatenate([*seconds, []])]).astype(np.int64),
        np.concatenate([*counts, []]).astype(np.int64),
    )


def _blocks(costs: npt.NDArray[Any]) -> Iterator[tuple[int, int]]:
    """Ranges of columns of which each costs at most `_AT_ONCE`, or is one column."""
    done = np.cumsum(costs)
    start = 0
    while start < len(costs):
        before = done[start - 1] if start else 0.0
        end = max(start + 1, int(np.searchsorted(done, before + _AT_ONCE, side="right")))
        yield start, end
        start = end


def _triples(columns: sp.csc_matrix, pairs: Codes, least: int) -> tuple[Codes, Codes]:
    """Triples (ascending) of columns that share at least `least` rows, and how many; `pairs` are all frequent ones."""
    order = np.lexsort((pairs[:, 1], pairs[:, 0]))
    firsts, partners = pairs[order, 0], pairs[order, 1]
    starts = np.searchsorted(firsts, np.arange(columns.shape[1] + 1))
    rows = columns.tocsr()
    sets, counts = [np.empty((0, 3), np.int64)], [np.empty(0, np.int64)]
    for item in range(columns.shape[1]):
        others = partners[starts[item] : starts[item + 1]]
        if len(others) < 2:
            continue
        holding = columns.indices[columns.indptr[item] : columns.indptr[item + 1]]
        together = _together(rows[holding][:, others])
        a, b = np.nonzero(np.triu(together, 1) >= least)
        sets.append(np.column_stack([np.full(len(a), item), others[a], others[b]]))
        counts.append(together[a, b].astype(np.int64))
    return np.concatenate(sets), np.concatenate(counts)


def _together(part: sp.csr_matrix) -> npt.NDArray[np.float64]:
    """How many rows each two columns share, of shape (columns, columns)."""
    found = np.zeros((part.shape[1], part.shape[1]))
    step = max(1, _AT_ONCE // part.shape[1])
    for start in range(0, part.shape[0], step):
        # Single precision counts exactly to 16 million, and a block has fewer rows.
        block = part[start : start + step].toarray().astype(np.float32)
        found += block.T @ block
    return found
