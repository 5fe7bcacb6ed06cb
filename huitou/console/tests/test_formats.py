"""Numbers read as operators expect them, by unit and in both languages."""

from __future__ import annotations

import pytest
from django.utils import translation

from huitou.console.formats import format_change, format_value, mask_name, mask_phone, mask_text


@pytest.mark.parametrize(
    ("value", "unit", "currency", "expected"),
    [
        (0.2841, "rate", "CNY", "28.4%"),
        (123450, "minor", "CNY", "¥1,234.50"),
        (-50, "minor", "GBP", "-£0.50"),
        (1234, "minor", "JPY", "¥1,234"),
        (1234567, "count", "CNY", "1,234,567"),
        (1.0732, "ratio", "CNY", "1.07"),
        (None, "rate", "CNY", "–"),
    ],
)
def test_a_number_is_written_by_its_unit(value: float | None, unit: str, currency: str, expected: str) -> None:
    assert format_value(value, unit, currency) == expected


@pytest.mark.parametrize(
    ("value", "english", "chinese"),
    [(1, "1\u00a0day", "1\u00a0天"), (23, "23\u00a0days", "23\u00a0天"), (2.5, "2.5\u00a0days", "2.5\u00a0天")],
)
def test_days_are_words_in_both_languages(value: float, english: str, chinese: str) -> None:
    with translation.override("en"):
        assert format_value(value, "days") == english
    with translation.override("zh-hans"):
        assert format_value(value, "days") == chinese


def test_rates_change_by_points_and_amounts_by_per_cent() -> None:
    with translation.override("en"):
        assert format_change(0.30, 0.28, "rate") == "+2.0 pp"
        assert format_change(900, 1000, "minor") == "-10.0%"
        assert format_change(900, 0, "minor") == ""
        assert format_change(0.30004, 0.3, "rate") == "unchanged"


@pytest.mark.parametrize(
    ("phone", "masked"),
    [
        *(
            (phone, "138****5678")
            for phone in ("13812345678", "+86 138 1234 5678", "0086-13812345678", "8613812345678")
        ),
        *(("138****1234", "138****1234"), ("12345", "*****"), ("", "")),
    ],
)
def test_a_phone_can_be_recognized_but_not_called(phone: str, masked: str) -> None:
    assert mask_phone(phone) == masked


def test_a_name_keeps_its_first_character() -> None:
    assert mask_name("王小明") == "王**"
    assert mask_name("") == ""


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("13912345678", "139****5678"),
        ("打 +86 139 1234 5678 给张", "打 +86 139****5678 给张"),
        ("li.wei@example.com;x", "l***@example.com;x"),
        ("订单 202603041234567890123", "订单 202603041234567890123"),
        ("99.90", "99.90"),
    ],
)
def test_phones_and_addresses_in_any_text_are_masked(text: str, masked: str) -> None:
    assert mask_text(text) == masked
