"""Properties divided: whatever is planted in whatever place, nothing that names somebody is kept for the lake."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from huitou.sources.consuming.objects import object_of, path_of
from huitou.sources.consuming.properties import (
    is_code,
    is_personal_name,
    names_somebody,
    own_marks,
    split_properties,
)

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


# Words of names under which somebody's number stands, the event's own person's or another one's.
_SOMEBODY = """
customer_id customer_no member_no member_id member_card_no buyer_id buyer_nick user_id uid open_id union_id wechat_id
external_user_id external_userid anonymous_id device_id inviter inviter_id invitee_id referrer_id friend_id sharer_id
account account_no nick id_no id_number id_card id_card_no bank_card bank_card_no card_no card_number credit_card
phone mobile_no email customer member customer_ids friend
"""
SOMEBODY = _SOMEBODY.split()


def spellings(name: str) -> list[str]:
    """The same name as senders write it."""
    first, *others = name.split("_")
    camel = first + "".join(word.title() for word in others)
    ends = [camel.removesuffix("Id") + "ID"] if camel.endswith("Id") else []
    return [
        name,
        camel,
        *ends,
        camel[0].upper() + camel[1:],
        name.upper(),
        name.replace("_", ""),
        name.replace("_", "-"),
    ]


WHO = st.sampled_from(SOMEBODY).flatmap(lambda name: st.sampled_from(spellings(name)))
# What stands there looks like the code of a product.
NUMBERS = st.sampled_from(("ZQ-90017", "zq4471", "ZQ"))
OWN = ("ZQ-90017", "o6_bmjrPTlm6_2sgVt7hMZOPfL2M", "90017123")
# Own identifiers under innocent names: whole, inside a path, in other letters, as a number.
HOLDING_OWN = st.sampled_from((*OWN, f"/u/{OWN[0]}/orders", f"ref:{OWN[1]}", OWN[0].lower(), int(OWN[2])))


@settings(deadline=None)
@given(
    st.dictionaries(WHO, trees(NUMBERS), min_size=1, max_size=3),
    st.dictionaries(NAMES, trees(CODES | HOLDING_OWN), max_size=4),
)
def test_no_identifier_is_kept_under_its_name_or_as_the_events_own(
    told: dict[str, Any], innocent: dict[str, Any]
) -> None:
    """However a name is spelled and wherever it stands; under innocent names whatever the event itself is known by."""
    for given_properties in (told, {"products": [{"sku": "S1", "extra": told}]}, {**told, **innocent}):
        kept, _personal = split_properties(given_properties, own=own_marks(OWN))
        text = json.dumps(kept).lower()
        assert [secret for secret in ("zq", "o6_bmj", "90017123") if secret in text] == []


@pytest.mark.parametrize("name", [spelled for name in SOMEBODY for spelled in spellings(name)])
def test_names_of_identifiers_are_personal(name: str) -> None:
    assert is_personal_name(name)


_THINGS = """
product_id productId sku order_id list_id message_id content_id coupon_code card_code member_level customer_type
is_member group_chat_id reason_code parent_id seller_id device_type quantity remember_no id code level
"""


@pytest.mark.parametrize("name", _THINGS.split())
def test_names_of_things_are_not(name: str) -> None:
    assert split_properties({name: "X1"}, own=own_marks(("11", "x11"))) == ({name: "X1"}, {})


def test_short_numbers_of_the_events_own_person_count_things_too() -> None:
    told = {"quantity": 11, "product_id": "11"}
    assert split_properties(told, own=own_marks(("11",))) == (told, {})


@pytest.mark.parametrize(
    "number", ["110101199003071234", "44030620010229123X", "11010119900307123x", 110101199003071234]
)
def test_numbers_of_identity_cards_stay_out(number: object) -> None:
    assert split_properties({"ref": number, "list": [number]}) == ({}, {"ref": number, "list": [number]})
    assert not is_code(number)


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
    assert object_of("track", "Told", {"object_type": "member", "object_id": "M1"}) == (None, None)
    assert object_of("track", "Told", {"object_type": "book", "object_id": "M1"}) == ("book", "M1")


@pytest.mark.parametrize(
    ("name", "code"), [("张三的主页", None), ("Zhang San", None), ("ProductDetail", "ProductDetail"), ("/", "/")]
)
def test_the_name_of_a_page_or_screen_is_a_code_or_none(name: str, code: str | None) -> None:
    assert object_of("screen", "Screen Viewed", {}, name) == ("screen", code)
    assert object_of("page", "Page Viewed", {"path": "/p/a b"}, name) == ("page", None)
    assert object_of("page", "Page Viewed", {}, name) == ("page", code)
