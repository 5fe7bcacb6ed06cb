"""What of scored items may be offered: nothing bought just now, nothing unsuitable, and some variety."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from huitou.stats.baskets.history import History
from huitou.stats.baskets.itemsets import Codes
from huitou.stats.baskets.ranking import Scored

NO_GROUP = -1


def not_bought_lately(scored: Scored, history: History, days: int) -> Scored:
    """Without what the customer bought in the last `days` days.

    >>> had = History(np.array([0, 0]), np.array([0, 1]), np.array([3, 9]), 1, 2)
    >>> not_bought_lately(Scored(np.array([0, 0]), np.array([0, 1]), np.array([2.0, 1.0])), had, 7).item.tolist()
    [1]
    """
    late = history.age_days <= days
    bought = history.customer[late] * history.item_count + history.item[late]
    return scored.taken(np.flatnonzero(~np.isin(scored.customer * history.item_count + scored.item, bought)))


def suitable(scored: Scored, of_customer: npt.NDArray[np.bool_], of_item: npt.NDArray[np.bool_]) -> Scored:
    """Without the pairs of a customer and an item that both are marked.

    Parameters
    ----------
    of_customer, of_item
        Of shape (customers,) and (items,): whom these items do not suit.
    """
    return scored.taken(np.flatnonzero(~(of_customer[scored.customer] & of_item[scored.item])))


def at_most_of_a_group(scored: Scored, group: Codes, most: int) -> Scored:
    """Of each customer and group only the `most` highest scores, so that ranks below go to other groups.

    Parameters
    ----------
    group
        Of shape (items,): code of each item's group from 0; items of `NO_GROUP` are not limited.
    """
    of = group[scored.item]
    limited = np.flatnonzero(of != NO_GROUP)
    order = limited[np.lexsort((scored.item[limited], -scored.score[limited], of[limited], scored.customer[limited]))]
    starts = np.diff(scored.customer[order], prepend=-1) != 0
    starts |= np.diff(of[order], prepend=-1) != 0
    first = np.flatnonzero(starts)
    place = np.arange(len(order)) - np.repeat(first, np.diff(first, append=len(order)))
    return scored.taken(np.sort(np.concatenate([np.flatnonzero(of == NO_GROUP), order[place < most]])))
