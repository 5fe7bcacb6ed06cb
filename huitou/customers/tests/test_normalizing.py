"""Accounts and phone numbers as platforms and people write them."""

from __future__ import annotations

import pytest

from huitou.customers.normalizing import read_account, read_phone


@pytest.mark.parametrize("account", ["13912345678_p", "jd_13912345678", "13912345678_abc", "13912345678"])
def test_an_account_made_of_a_number_is_an_account(account: str) -> None:
    assert read_account(account) == account


@pytest.mark.parametrize(
    "number",
    ["13912345678转12", "13912345678-8899", "13912345678 12", "13912345678#1", "13912345678,1", "13912345678ext5"],
)
def test_a_number_with_an_extension_is_nobodys(number: str) -> None:
    assert read_account(number) is None
    assert read_phone(number) is None


@pytest.mark.parametrize("number", ["+44 (0)7911 123456", "0044(0)7911-123456", "+44 7911 123456"])
def test_the_zero_of_calls_within_a_country_is_left_out(number: str) -> None:
    assert read_phone(number) == "+447911123456"
