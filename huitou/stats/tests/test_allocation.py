"""The draw: what it is, that it is even, and that shares cut it whole."""

from __future__ import annotations

import hashlib
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from huitou.stats.allocation import (
    DRAW_SIZE,
    WHOLE_BP,
    Arm,
    arm_of,
    bound,
    draw,
    draws,
    is_within,
    sections,
    text_bound,
)


@given(st.text(min_size=1, max_size=30), st.integers(1, 2**63 - 1))
def test_a_draw_is_the_beginning_of_the_hash(salt: str, customer: int) -> None:
    digits = hashlib.md5((salt + ":" + str(customer)).encode()).hexdigest()[:8]
    assert draw(salt, customer) == int(digits, 16)
    assert draws(salt, [customer]).tolist() == [draw(salt, customer)]


@given(st.integers(0, DRAW_SIZE - 1), st.integers(0, WHOLE_BP), st.integers(0, WHOLE_BP))
def test_text_compares_as_numbers_do(number: int, low: int, high: int) -> None:
    text = f"{number:08x}"
    assert (text_bound(low) <= text < text_bound(high)) == is_within(number, low, high)


@given(st.lists(st.integers(0, WHOLE_BP), min_size=0, max_size=5), st.integers(0, DRAW_SIZE - 1))
def test_every_draw_falls_to_exactly_one_arm(cuts: list[int], number: int) -> None:
    edges = [0, *sorted(cuts), WHOLE_BP]
    arms = [Arm(f"arm{i}", after - before) for i, (before, after) in enumerate(pairwise(edges))]
    cut = sections(arms)
    assert [s.low <= number < s.high for s in cut].count(True) == 1
    assert arm_of(cut, number) == next(s.code for s in cut if s.low <= number < s.high)


def test_the_whole_is_no_rounding_matter() -> None:
    assert (bound(0), bound(WHOLE_BP)) == (0, 2**32)
    assert bound(1) == 429496  # floor of 2**32 / 10,000
    assert text_bound(0) == "00000000"


@pytest.mark.parametrize(
    "arms",
    [[Arm("a", 5000)], [Arm("a", 5000), Arm("a", 5000)], [Arm("a", 10_001), Arm("b", -1)], []],
)
def test_shares_that_are_no_whole_are_refused(arms: list[Arm]) -> None:
    with pytest.raises(ValueError, match=r"."):
        sections(arms)


def test_draws_are_even_and_salts_draw_independently() -> None:
    """By chi-square over 100 equal parts, and over a 10 × 10 table of two salts. The hash is fixed: no luck in it."""
    one, two = draws("one", range(1, 100_001)), draws("two", range(1, 100_001))
    parts = np.bincount(one * 100 // DRAW_SIZE, minlength=100)
    assert stats.chisquare(parts).pvalue > 0.01
    table = np.histogram2d(one, two, bins=10, range=[[0, DRAW_SIZE]] * 2)[0]
    assert stats.chi2_contingency(table).pvalue > 0.01
