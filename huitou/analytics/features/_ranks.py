"""Where a customer stands among all buyers. Equal values stand equal, so no score hangs on an arbitrary order."""

from __future__ import annotations

import ibis


def share_below(value: ibis.Value) -> ibis.Value:
    """Share of buyers with a smaller value, from 0 up to but not including 1; empty where the value is."""
    missing = value.isnull()
    below = ibis.rank().over(group_by=missing, order_by=value)
    buyers = value.count().over(group_by=missing)
    return below / buyers.nullif(0)


def in_top(value: ibis.Value, percent: int) -> ibis.Value:
    """Whether fewer than `percent` of a hundred buyers have a greater value; false where it is empty."""
    missing = value.isnull()
    above = ibis.rank().over(group_by=missing, order_by=value.desc())
    buyers = value.count().over(group_by=missing)
    return ~missing & (above * 100 < buyers * percent)


def quintile(value: ibis.Value) -> ibis.Value:
    """1 to 5: 5 where at least four fifths of the buyers have a smaller value."""
    return (share_below(value) * 5).floor() + 1


def banded(value: ibis.Value, cuts: tuple[int, int, int, int]) -> ibis.Value:
    """1 below the first cut-off, 5 from the last on; empty where the value is."""
    reached = [(value >= cut).cast("int32") for cut in cuts]
    return 1 + reached[0] + reached[1] + reached[2] + reached[3]
