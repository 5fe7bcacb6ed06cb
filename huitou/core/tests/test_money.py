"""Digits after the point, by currency: the table of ISO 4217, told once more."""

from __future__ import annotations

from decimal import Decimal

import pytest

from huitou.core.money import exponent, format_minor, from_minor, to_minor

WITHOUT_DIGITS = ("BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG", "RWF", "UGX", "UYI", "VND", "VUV")
FRANCS = ("XAF", "XOF", "XPF")
WITH_THREE = ("BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND")


@pytest.mark.parametrize(
    ("currencies", "digits"),
    [((*WITHOUT_DIGITS, *FRANCS), 0), (WITH_THREE, 3), (("CLF", "UYW"), 4), (("CNY", "USD", "EUR", "HKD", "TWD"), 2)],
)
def test_every_currency_has_its_digits(currencies: tuple[str, ...], digits: int) -> None:
    assert {currency: exponent(currency) for currency in currencies} == dict.fromkeys(currencies, digits)


def test_amounts_go_to_minor_units_and_back() -> None:
    assert to_minor(Decimal("1500"), "CLP") == 1500
    assert to_minor(Decimal("1.2345"), "TND") == 1235
    assert from_minor(1235, "TND") == Decimal("1.235")
    assert format_minor(1500, "XOF") == "XOF 1,500"
