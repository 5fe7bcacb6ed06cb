"""Sets and rules equal what counting every set of every basket by hand gives."""

from __future__ import annotations

from collections import Counter
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from huitou.stats.baskets import itemsets as itemsets_module
from huitou.stats.baskets.itemsets import Baskets, Itemsets, frequent_itemsets, least_count
from huitou.stats.baskets.rules import NOTHING, rules_of

ITEMS = 7
contents = st.lists(st.sets(st.integers(0, ITEMS - 1), max_size=6), min_size=1, max_size=40)


def put_together(rows: list[set[int]]) -> Baskets:
    entries = [(basket, item) for basket, row in enumerate(rows) for item in row]
    codes = np.array(entries, np.int64).reshape(-1, 2)
    return Baskets(codes[:, 0], codes[:, 1], len(rows), ITEMS)


def by_hand(rows: list[set[int]], min_support: float) -> dict[tuple[int, ...], int]:
    counts = Counter(s for row in rows for size in (1, 2, 3) for s in combinations(sorted(row), size))
    return {items: count for items, count in counts.items() if count / len(rows) >= min_support}


def as_dict(found: Itemsets) -> dict[tuple[int, ...], int]:
    return {
        tuple(items): count
        for sets, counts in zip(found.sets, found.counts, strict=True)
        for items, count in zip(sets.tolist(), counts.tolist(), strict=True)
    }


@settings(max_examples=60)
@given(contents, st.sampled_from([0.0, 0.05, 0.1, 0.3, 0.5, 1.0]))
def test_every_frequent_set_and_no_other_with_its_exact_count(rows: list[set[int]], min_support: float) -> None:
    assert as_dict(frequent_itemsets(put_together(rows), min_support)) == by_hand(rows, min_support)


@settings(max_examples=30)
@given(contents)
def test_blocks_of_any_size_count_the_same(rows: list[set[int]]) -> None:
    whole = as_dict(frequent_itemsets(put_together(rows), 0.05))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(itemsets_module, "_AT_ONCE", 3)
        assert as_dict(frequent_itemsets(put_together(rows), 0.05)) == whole


@settings(max_examples=60)
@given(contents, st.sampled_from([0.0, 0.2, 0.6]), st.sampled_from([0.0, 1.0, 1.5]))
def test_rules_are_all_splits_that_are_sure_and_lifted_enough(
    rows: list[set[int]], min_confidence: float, min_lift: float
) -> None:
    counts = by_hand(rows, 0.1)
    expected = {}
    for items, count in counts.items():
        for size in range(1, len(items)):
            for left in combinations(items, size):
                right = tuple(i for i in items if i not in left)
                confidence = count / counts[left]
                lift = count * len(rows) / (counts[left] * counts[right])
                if confidence >= min_confidence and lift >= min_lift:
                    expected[left, right] = (count / len(rows), confidence, lift)
    found = rules_of(frequent_itemsets(put_together(rows), 0.1), min_confidence, min_lift)
    sides = [
        (tuple(i for i in left if i != NOTHING), tuple(i for i in right if i != NOTHING))
        for left, right in zip(found.left.tolist(), found.right.tolist(), strict=True)
    ]
    values = zip(found.support.tolist(), found.confidence.tolist(), found.lift.tolist(), strict=True)
    assert dict(zip(sides, values, strict=True)) == expected
    assert len(sides) == len(expected)
    assert found.lift.tolist() == sorted(found.lift.tolist(), reverse=True)


def test_a_repeated_entry_and_an_empty_basket_count_as_they_should() -> None:
    # A basket with one item twice, and two baskets of which only one holds anything.
    found = frequent_itemsets(Baskets(np.array([0, 0, 0]), np.array([1, 1, 2]), 2, 3), 0.5)
    assert as_dict(found) == {(1,): 1, (2,): 1, (1, 2): 1}


def test_the_share_decides_at_its_edge_and_not_the_rounding_of_a_product() -> None:
    assert least_count(0.07, 100) == 7  # 0.07 × 100 is above 7 in floating point
    assert least_count(0.1, 30) == 3
    assert least_count(0.0, 50) == 1
    assert least_count(1.0, 50) == 50
    assert all(least_count(k / 997, 997) == k for k in range(1, 998))


def test_pairs_alone_leave_triples_out() -> None:
    found = frequent_itemsets(put_together([{0, 1, 2}] * 3), 0.5, max_size=2)
    assert found.sizes == {1: 3, 2: 3}
    assert len(rules_of(found)) == 6


@pytest.mark.parametrize(("support", "size"), [(-0.1, 2), (1.1, 2), (0.1, 0), (0.1, 4)])
def test_what_cannot_be_asked_is_refused(support: float, size: int) -> None:
    with pytest.raises(ValueError, match=r"no share|not counted"):
        frequent_itemsets(put_together([{0}]), support, size)


def test_codes_outside_the_counts_are_refused() -> None:
    with pytest.raises(ValueError, match="codes lie"):
        Baskets(np.array([0]), np.array([3]), 1, 3)
