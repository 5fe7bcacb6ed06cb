"""What is left of scored items: the best of each group, and nothing that a rule takes out."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from huitou.stats.baskets.choosing import NO_GROUP, at_most_of_a_group, not_bought_lately, suitable
from huitou.stats.baskets.history import History
from huitou.stats.baskets.ranking import Scored

pairs = st.dictionaries(st.tuples(st.integers(0, 3), st.integers(0, 5)), st.integers(0, 4), max_size=24)


def scored_of(told: dict[tuple[int, int], int]) -> Scored:
    rows = np.array([[c, i, s] for (c, i), s in told.items()], np.int64).reshape(-1, 3)
    return Scored(rows[:, 0], rows[:, 1], rows[:, 2].astype(float))


def left(scored: Scored) -> list[tuple[int, int]]:
    return list(zip(scored.customer.tolist(), scored.item.tolist(), strict=True))


@settings(max_examples=60)
@given(pairs, st.lists(st.integers(-1, 2), min_size=6, max_size=6), st.integers(1, 3))
def test_of_each_group_the_highest_are_left_in_their_old_order(
    told: dict[tuple[int, int], int], groups: list[int], most: int
) -> None:
    expected = []
    for (customer, item), score in told.items():
        better = [
            1 for (c, i), s in told.items() if c == customer and groups[i] == groups[item] and (-s, i) < (-score, item)
        ]
        if groups[item] == NO_GROUP or len(better) < most:
            expected.append((customer, item))
    assert left(at_most_of_a_group(scored_of(told), np.array(groups), most)) == expected


def test_what_was_bought_within_the_days_is_out_for_that_customer_only() -> None:
    history = History(np.array([0, 0, 1]), np.array([1, 2, 1]), np.array([7, 8, 30]), 2, 3)
    told = scored_of({(0, 0): 1, (0, 1): 1, (0, 2): 1, (1, 1): 1})
    assert left(not_bought_lately(told, history, 7)) == [(0, 0), (0, 2), (1, 1)]


def test_unsuitable_is_the_pair_of_both() -> None:
    told = scored_of({(0, 0): 1, (0, 1): 1, (1, 0): 1, (1, 1): 1})
    kept = suitable(told, np.array([True, False]), np.array([False, True]))
    assert left(kept) == [(0, 0), (1, 0), (1, 1)]
