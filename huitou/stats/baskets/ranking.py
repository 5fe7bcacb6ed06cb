"""The best few of each customer's scored items."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from huitou.stats.baskets.itemsets import Codes
from huitou.stats.baskets.listwise import Reals


@dataclass(frozen=True)
class Scored:
    """Items that customers may be offered, each pair once, and how high they score: arrays of shape (pairs,)."""

    customer: Codes
    item: Codes
    score: Reals

    def taken(self, rows: Codes) -> Scored:
        """Some of the pairs."""
        return Scored(self.customer[rows], self.item[rows], self.score[rows])


@dataclass(frozen=True)
class Ranked:
    """Items of customers by rank from 1: arrays of shape (rows,), by customer and rank."""

    customer: Codes
    item: Codes
    rank: Codes
    score: Reals

    def __len__(self) -> int:
        return len(self.customer)


def best(scored: Scored, top: int) -> Ranked:
    """The `top` highest scores of each customer; equal ones in the order of their items.

    >>> best(Scored(np.array([1, 0, 0]), np.array([5, 5, 6]), np.array([1.0, 2.0, 3.0])), 1).item.tolist()
    [6, 5]
    """
    order = np.lexsort((scored.item, -scored.score, scored.customer))
    owner = scored.customer[order]
    rank = np.arange(len(order)) - np.searchsorted(owner, owner) + 1
    kept = order[rank <= top]
    return Ranked(scored.customer[kept], scored.item[kept], rank[rank <= top], scored.score[kept])
