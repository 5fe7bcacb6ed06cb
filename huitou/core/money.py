"""Money is an integer count of minor units (分); this is the only place that knows how many digits that is."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import ROUND_HALF_UP, Decimal

# ISO 4217 exponents that differ from two, by number of digits.
_NO_DIGITS = "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF"
_BY_DIGITS = {0: _NO_DIGITS, 3: "BHD IQD JOD KWD LYD OMR TND", 4: "CLF UYW"}
_EXPONENTS = {currency: digits for digits, listed in _BY_DIGITS.items() for currency in listed.split()}
_SYMBOLS = {"CNY": "¥", "GBP": "£", "USD": "$", "EUR": "€", "JPY": "¥", "HKD": "HK$"}


def exponent(currency: str) -> int:
    """Digits after the point in one unit of `currency` (ISO 4217)."""
    return _EXPONENTS.get(currency, 2)


def to_minor(amount: Decimal, currency: str) -> int:
    """`amount` in major units as minor units, rounded half up by magnitude (-0.125 becomes -13)."""
    scaled = amount.scaleb(exponent(currency))
    return int(scaled.quantize(Decimal(1), rounding=ROUND_HALF_UP))


def from_minor(amount_minor: int, currency: str) -> Decimal:
    """`amount_minor` minor units as an exact amount in major units."""
    return Decimal(amount_minor).scaleb(-exponent(currency))


def format_minor(amount_minor: int, currency: str) -> str:
    """`amount_minor` as people read it: ¥1,234.50; the minus sign stands before the currency."""
    digits = exponent(currency)
    text = f"{abs(from_minor(amount_minor, currency)):,.{digits}f}"
    symbol = _SYMBOLS.get(currency, f"{currency} ")
    return f"{'-' if amount_minor < 0 else ''}{symbol}{text}"


def split_minor(total_minor: int, weights: Sequence[int]) -> list[int]:
    """`total_minor` shared out by non-negative weights, adding up exactly.

    Each gets its share rounded down; what is left goes, one unit each, to those that lost the largest fraction, the
    first of equals first (largest remainder). Without any weight all shares are equal.
    """
    if not weights:
        return []
    whole = sum(weights)
    if not whole:
        weights, whole = [1] * len(weights), len(weights)
    shares = [total_minor * weight // whole for weight in weights]
    lost = sorted(range(len(weights)), key=lambda i: (-(total_minor * weights[i] % whole), i))
    for index in lost[: total_minor - sum(shares)]:
        shares[index] += 1
    return shares
