"""How good ranked items were, against what was bought."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from huitou.stats.baskets.itemsets import Codes
from huitou.stats.baskets.listwise import Reals
from huitou.stats.baskets.ranking import Ranked


@dataclass(frozen=True)
class Hits:
    """Recall, NDCG and whether anything was right, for each customer who bought something: shape (customers,)."""

    recall: Reals
    ndcg: Reals
    hit: Reals

    @staticmethod
    def mean_and_error(values: Reals) -> tuple[float, float]:
        """Mean over customers, and its standard error."""
        return float(values.mean()), float(values.std(ddof=1) / np.sqrt(len(values)))


def evaluate(ranked: Ranked, bought: tuple[Codes, Codes], top: int = 10) -> Hits:
    """Of what each customer bought, the share among the first `top`, and its discounted gain.

    Parameters
    ----------
    ranked
        Items of each customer; a customer of whom there are none has no hit.
    bought
        Customers and items, distinct: the truth. Only these customers count.
    top
        How many ranks are looked at.

    References
    ----------
    K. Järvelin, J. Kekäläinen, *Cumulated gain-based evaluation of IR techniques*, ACM TOIS 20 (2002), binary gain.
    """
    customers, items = bought
    if not len(customers):
        raise ValueError("nobody bought anything")
    size = int(max(items.max(), ranked.item.max(initial=0))) + 1
    people, owner = np.unique(customers, return_inverse=True)
    amounts = np.bincount(owner)
    first = (ranked.rank <= top) & np.isin(ranked.customer, people)
    who = np.searchsorted(people, ranked.customer[first])
    right = np.isin(ranked.customer[first] * size + ranked.item[first], customers * size + items)
    discount = 1 / np.log2(np.arange(top) + 2)
    found = np.bincount(who, weights=right, minlength=len(people))
    gain = np.bincount(who, weights=right * discount[ranked.rank[first] - 1], minlength=len(people))
    ideal = np.cumsum(discount)[np.minimum(amounts, top) - 1]
    return Hits(found / amounts, gain / ideal, (found > 0).astype(float))
