"""Chains of first purchases against a count by hand, and the base rate against what it has to take out."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from huitou.stats.baskets import sequences as sequences_module
from huitou.stats.baskets.sequences import FirstPurchases, Sequences, find_sequences

Customer = dict[int, tuple[int, int]]
ITEMS, END = 4, 40
one_customer = st.dictionaries(
    st.integers(0, ITEMS - 1), st.tuples(st.integers(0, END - 1), st.integers(1, 20)), max_size=ITEMS
)


def put_together(customers: list[Customer]) -> FirstPurchases:
    rows = [(c, item, day, active) for c, one in enumerate(customers) for item, (day, active) in one.items()]
    columns = np.array(rows, np.int64).reshape(-1, 4).T
    customer, item, day, active = columns
    return FirstPurchases(customer, item, day, active, end_day=END, customer_count=len(customers), item_count=ITEMS)


def group_of(active: int) -> int:
    return sum(active >= edge for edge in (2, 3, 5, 9, 17))


def by_hand(customers: list[Customer], window: int) -> dict[tuple[int, int, int], list[list[int]]]:
    """(at risk, days until they went on) of every left, right and group."""
    found: dict[tuple[int, int, int], list[list[int]]] = {}
    for one in customers:
        for (left, (day, active)), right in product(one.items(), range(ITEMS)):
            if right == left or day + window >= END or (right in one and one[right][0] <= day):
                continue
            cell = found.setdefault((left, right, group_of(active)), [[], []])
            cell[0].append(day)
            if right in one and one[right][0] - day <= window:
                cell[1].append(one[right][0] - day)
    return found


@settings(max_examples=60)
@given(st.lists(one_customer, min_size=1, max_size=25), st.sampled_from([1, 5, 12]))
def test_counts_expectation_and_days_are_those_counted_by_hand(customers: list[Customer], window: int) -> None:
    cells = by_hand(customers, window)
    chains = find_sequences(put_together(customers), window, min_customers=1, min_followed=1)
    found: dict[tuple[int, int], object] = {}
    for number, pair in enumerate(zip(chains.left.tolist(), chains.right.tolist(), strict=True)):
        found[pair] = (
            chains.customer_count[number],
            chains.followed_count[number],
            round(float(chains.expected_count[number]), 9),
            chains.median_days[number],
        )
    expected: dict[tuple[int, int], object] = {}
    for left, right in product(range(ITEMS), repeat=2):
        groups = [g for g in range(6) if (left, right, g) in cells]
        days = sorted(d for g in groups for d in cells[left, right, g][1])
        hoped = 0.0
        for g in groups:
            others = [c for (other, r, h), c in cells.items() if other != left and (r, h) == (right, g)]
            risk = sum(len(c[0]) for c in others)
            hoped += len(cells[left, right, g][0]) * sum(len(c[1]) for c in others) / risk if risk else 0.0
        if days and hoped > 0:
            risk = sum(len(cells[left, right, g][0]) for g in groups)
            expected[left, right] = (risk, len(days), round(hoped, 9), days[(len(days) - 1) // 2])
    assert found == expected


@settings(max_examples=20)
@given(st.lists(one_customer, min_size=1, max_size=25))
def test_customers_taken_a_few_at_a_time_give_the_same(customers: list[Customer]) -> None:
    whole = find_sequences(put_together(customers), 9, min_customers=1, min_followed=1)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sequences_module, "_AT_ONCE", 2 * ITEMS)
        parts = find_sequences(put_together(customers), 9, min_customers=1, min_followed=1)
    for name in ("left", "right", "customer_count", "followed_count", "expected_count", "median_days", "late_days"):
        assert getattr(whole, name).tolist() == getattr(parts, name).tolist()


def simulate(strength: float, seed: int) -> FirstPurchases:
    """Customers who begin with item 0 or 1 and may go on to item 2, after item 0 `strength` times as often.

    Half of them are heavy buyers: they begin with item 0 far more often, and go on far more often whatever it was.
    """
    rng = np.random.default_rng(seed)
    customers = []
    for number in range(6000):
        heavy = number % 2
        active = 12 if heavy else 1
        begin = int(rng.random() > (0.8 if heavy else 0.2))
        day = int(rng.integers(0, 10))
        one: Customer = {begin: (day, active)}
        if rng.random() < (0.4 if heavy else 0.05) * (strength if begin == 0 else 1.0):
            one[2] = (day + int(rng.integers(1, 20)), active)
        customers.append(one)
    return put_together(customers)


def lift_of(chains: Sequences, left: int, right: int) -> tuple[float, list[float]]:
    number = next(n for n in range(len(chains)) if (chains.left[n], chains.right[n]) == (left, right))
    return chains.lift[number], [edge[number] for edge in chains.lift_interval()]


def test_heavy_buyers_alone_make_no_chain() -> None:
    # Plainly, a third goes on after item 0 and an eighth after item 1, only because heavy buyers begin with item 0.
    lift, (low, high) = lift_of(find_sequences(simulate(1.0, seed=3), 25), 0, 2)
    assert 0.9 < lift < 1.1
    assert low < 1 < high


def test_a_true_chain_shows_its_strength() -> None:
    lift, (low, high) = lift_of(find_sequences(simulate(1.65, seed=4), 25), 0, 2)
    assert low < 1.65 < high
    assert lift == pytest.approx(1.65, rel=0.12)


def test_what_is_too_rare_or_too_weak_is_left_out() -> None:
    firsts = simulate(1.65, seed=4)
    everything = find_sequences(firsts, 25, min_customers=1, min_followed=1)
    some = find_sequences(firsts, 25, min_customers=1, min_followed=1, min_lift=1.3)
    assert 0 < len(some) < len(everything)
    assert (some.lift >= 1.3).all()
    most = int(everything.customer_count.max())
    assert len(find_sequences(firsts, 25, min_customers=most + 1)) == 0
    assert len(find_sequences(firsts, 25, min_followed=most + 1)) == 0


def test_nobody_at_all_gives_no_chain() -> None:
    assert len(find_sequences(put_together([{}]), 30)) == 0
    with pytest.raises(ValueError, match="at least one day"):
        find_sequences(put_together([{}]), 0)
