"""Pairs, their waits and their features, held against sums by hand, and against what comes later."""

from __future__ import annotations

import numpy as np
import pytest

from huitou.stats.item_repurchase.features import features_of, learn_facts
from huitou.stats.item_repurchase.pairs import days_to_next, pairs_at
from huitou.stats.item_repurchase.purchases import ItemPurchases
from huitou.stats.item_repurchase.tests.market import market


def test_entries_of_one_day_become_one() -> None:
    found = ItemPurchases.of([1, 0, 1, 1], [2, 5, 2, 2], [9, 3, 9, 4], [1, 2, 0.5, 1])
    assert found.customer.tolist() == [0, 1, 1]
    assert found.day.tolist() == [3, 4, 9]
    assert found.quantity.tolist() == [2, 1, 1.5]


@pytest.mark.parametrize("wrong", [{"customer": [-1]}, {"day": [1_000_000]}, {"quantity": [0.0]}, {"item": [1, 2]}])
def test_what_cannot_be_is_refused(wrong: dict[str, list[float]]) -> None:
    columns: dict[str, list[float]] = {"customer": [1], "item": [1], "day": [1], "quantity": [1.0]}
    columns |= wrong
    with pytest.raises(ValueError, match=r"purchases|codes|quantities"):
        ItemPurchases.of(columns["customer"], columns["item"], columns["day"], columns["quantity"])


def test_pairs_and_waits_by_hand() -> None:
    purchases = ItemPurchases.of([0, 0, 0, 0, 1, 1], [3, 3, 4, 3, 3, 4], [1, 5, 5, 12, 2, 30])
    pairs = pairs_at(purchases, 10)
    assert list(zip(pairs.customer.tolist(), pairs.item.tolist(), strict=True)) == [(0, 3), (0, 4), (1, 3)]
    assert pairs.count.tolist() == [2, 1, 1]
    assert (pairs.age.tolist(), pairs.elapsed.tolist()) == ([9, 5, 8], [5, 5, 8])
    assert days_to_next(pairs, purchases, 28).tolist() == [2, 28, 28]
    # Day 0 is the end's own; the horizon's last day is in, the day after it is not.
    later = pairs_at(purchases, 12)
    assert later.count.tolist() == [2, 1, 1]
    assert days_to_next(later, purchases, 28).tolist() == [0, 28, 28]
    assert pairs.visits_between(0, 10).tolist() == [2, 2, 1]


def test_features_by_hand() -> None:
    purchases = ItemPurchases.of([0] * 5, [1, 1, 1, 2, 2], [0, 10, 30, 30, 33], [1, 1, 4, 1, 1])
    pairs = pairs_at(purchases, 40)
    names, found = features_of(pairs, learn_facts(purchases, 40, 28, 3))
    row = dict(zip(names, found[0].tolist(), strict=True))
    assert (row["count"], row["age"], row["elapsed"]) == (3, 40, 10)
    assert (row["gap"], row["gap_last"], row["gap_longest"], row["gap_median"]) == (15, 20, 20, 10)
    assert row["gap_spread"] == pytest.approx(5)
    assert (row["count_7"], row["count_14"], row["count_91"]) == (0, 1, 3)
    assert (row["visits"], row["visits_since"], row["visit_elapsed"]) == (4, 1, 7)
    assert row["quantity"] == pytest.approx(2)
    assert row["quantity_last_share"] == pytest.approx(2)


def test_nothing_from_the_end_on_is_seen() -> None:
    purchases = market(customers=80)
    past = purchases.day < 200
    known = ItemPurchases.of(
        purchases.customer[past], purchases.item[past], purchases.day[past], purchases.quantity[past]
    )
    for one in (purchases, known):
        pairs = pairs_at(one, 200)
        names, found = features_of(pairs, learn_facts(one, 200, 28, 12))
        if one is purchases:
            first = found
    assert names[0] == "closed_form"
    np.testing.assert_array_equal(first, found)
    later = features_of(pairs_at(purchases, 201), learn_facts(purchases, 201, 28, 12))[1]
    assert later.shape != first.shape or not np.array_equal(later, first, equal_nan=True)
