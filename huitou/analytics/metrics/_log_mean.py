"""Splitting the change of a product into what each factor contributed, so that the parts add up exactly.

Logarithmic mean Divisia index, additive form (LMDI-I): B. W. Ang, "The LMDI approach to decomposition analysis:
a practical guide", Energy Policy 33 (2005), equations 4 and 5.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import ROUND_HALF_UP, Decimal, localcontext
from fractions import Fraction
from itertools import permutations

_DIGITS = 50


def contributions(before: Sequence[Fraction], after: Sequence[Fraction]) -> list[int]:
    """What each factor contributed to the change of the product, in whole units.

    Parameters
    ----------
    before, after : the factors' values, same order; their products must be whole numbers

    Returns
    -------
    One whole number per factor; together exactly product(after) - product(before). What rounding leaves over goes to
    the largest one. Where all factors are positive the split is LMDI-I; where one is zero or negative and logarithms do
    not exist, it is the mean over all orders of changing one factor after the other (Shapley value).
    """
    change = _product(after) - _product(before)
    if change.denominator != 1:
        raise ValueError("products of factors must be whole numbers")
    positive = all(value > 0 for value in (*before, *after))
    exact = _log_mean(before, after) if positive else _mean_over_orders(before, after)
    parts = [int(part.quantize(Decimal(1), rounding=ROUND_HALF_UP)) for part in exact]
    largest = max(range(len(parts)), key=lambda i: (abs(exact[i]), -i))
    parts[largest] += int(change) - sum(parts)
    return parts


def _log_mean(before: Sequence[Fraction], after: Sequence[Fraction]) -> list[Decimal]:
    with localcontext() as context:
        context.prec = _DIGITS
        old, new = _decimal(_product(before)), _decimal(_product(after))
        weight = new if new == old else (new - old) / (new / old).ln()
        return [weight * _decimal(b / a).ln() for a, b in zip(before, after, strict=True)]


def _mean_over_orders(before: Sequence[Fraction], after: Sequence[Fraction]) -> list[Decimal]:
    totals = [Fraction(0)] * len(before)
    orders = list(permutations(range(len(before))))
    for order in orders:
        values = list(before)
        for i in order:
            old = _product(values)
            values[i] = after[i]
            totals[i] += _product(values) - old
    with localcontext() as context:
        context.prec = _DIGITS
        return [_decimal(total / len(orders)) for total in totals]


def _product(values: Sequence[Fraction]) -> Fraction:
    result = Fraction(1)
    for value in values:
        result *= value
    return result


def _decimal(value: Fraction) -> Decimal:
    return Decimal(value.numerator) / Decimal(value.denominator)
