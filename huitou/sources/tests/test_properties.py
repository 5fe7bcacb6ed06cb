"""Properties divided: whatever is planted in whatever place, nothing that names somebody is kept for the lake."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from huitou.sources.consuming.objects import object_of, path_of
from huitou.sources.consuming.properties import is_code, is_personal_name, names_somebody, split_properties

PHONES = ("13912345678", "+8613912345678", "139 1234 5678", "139-1234-5678", "138****1234", "0571-88887777")
EMAILS = ("li.si@example.com", "a@b.cn")
WORDS = ("张三", "call me maybe", "送到门口", "O'Brien & Sons")
SECRETS = st.sampled_from((*PHONES, *EMAILS, *WORDS, "order for 13912345678 please", "x li.si@example.com"))
CODES = st.sampled_from(("SKU-1", "skin", "2024", "a_b", "CNY", 3, 4.5, True, None, -1))
NAMES = st.sampled_from(("product_id", "sku", "who", "价格", "reward", "list", "extra", "deep", "rank", "products"))


def trees(leaves: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.recursive(
        leaves, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=4), max_leaves=12
    )


@given(st.dictionaries(NAMES, trees(CODES | SECRETS), max_size=6))
def test_no_secret_is_kept_in_any_place(properties: dict[str, Any]) -> None:
    kept, _personal = split_properties(properties)
    text = json.dumps(kept, ensure_ascii=False)
    for secret in ("13912345678", "1234", "8888", "example.com", "a@b", "张三", "maybe", "门口", "Brien"):
        assert secret not in text


@given(st.dictionaries(NAMES, trees(CODES | SECRETS), max_size=6))
def test_nothing_is_lost_between_the_two_halves(properties: dict[str, Any]) -> None:
    def leaves(value: Any) -> list[str]:
        if isinstance(value, dict):
            return [leaf for inner in value.values() for leaf in leaves(inner)]
        if isinstance(value, list):
            return [leaf for inner in value for leaf in leaves(inner)]
        return [] if value is None else [repr(value)]

    kept, personal = split_properties(properties)
    assert sorted(leaves(kept) + leaves(personal)) == sorted(leaves(properties))


@pytest.mark.parametrize("text", [*PHONES, *EMAILS, "0755-12345678", "+44 20 7946 0958", "mail: x@y.org!"])
def test_phones_and_addresses_are_recognized(text: str) -> None:
    assert names_somebody(text)
    assert not is_code(text)


@pytest.mark.parametrize(
    "value", ["SKU-1", "2024-03-01", "20240301123456789012", "wx1234567890abcdef", "1139123456781", "a/b#c", 12, 1e3]
)
def test_codes_are_recognized(value: object) -> None:
    kept, _ = split_properties({"product_code": value})
    assert kept == {"product_code": value}


@pytest.mark.parametrize(
    "name", ["receiver_name", "Phone", "buyerPhone", "contact", "note", "收货地址", "user_id", "url"]
)
def test_some_names_are_personal_whatever_they_hold(name: str) -> None:
    assert is_personal_name(name)
    assert split_properties({name: "X1"}) == ({}, {name: "X1"})


def test_declared_properties_may_hold_any_script() -> None:
    told = {"topic": "护肤", "category": "面霜", "mood": "开心 13912345678"}
    assert split_properties(told, frozenset({"topic", "mood"})) == (
        {"topic": "护肤", "category": "面霜"},
        {"mood": "开心 13912345678"},
    )


@pytest.mark.parametrize(
    ("address", "path"),
    [
        ("https://shop.example/a/b?x=1#y", "/a/b"),
        ("/a?x", "/a"),
        ("pages/index/index?from=share", "pages/index/index"),
        ("https://shop.example", ""),
        (None, ""),
    ],
)
def test_a_path_is_what_stands_between_host_and_query(address: object, path: str) -> None:
    assert path_of(address) == path


def test_an_object_code_never_names_somebody() -> None:
    assert object_of("track", "Product Viewed", {"product_id": "li.si@example.com", "sku": "S1"}) == ("product", "S1")
    assert object_of("page", "Page Viewed", {"path": "/u/13912345678"}) == ("page", None)
