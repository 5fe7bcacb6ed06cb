"""What an event was done to: the type of the object and its code, from the properties of the Segment spec."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from huitou.sources.consuming.properties import is_code, is_personal_name

# Event names begin with the object in the spec; of its codes, the first that is there counts.
_BY_PREFIX: tuple[tuple[str, str, tuple[str, ...]], ...] = (
    ("Product List", "list", ("list_id", "category")),
    ("Products Searched", "search", ("search_id",)),
    ("Product", "product", ("product_id", "sku", "productId")),
    ("Cart Viewed", "cart", ("cart_id",)),
    ("Cart Shared", "cart", ("cart_id",)),
    ("Checkout", "order", ("order_id", "checkout_id", "orderId")),
    ("Payment", "order", ("order_id", "checkout_id", "orderId")),
    ("Order", "order", ("order_id", "orderId", "checkout_id")),
    ("Promotion", "promotion", ("promotion_id",)),
    ("Coupon", "coupon", ("coupon_id", "coupon")),
    ("Campaign", "campaign", ("campaign_id", "campaign")),
    ("Wishlist", "product", ("product_id", "sku", "wishlist_id")),
    ("Message", "message", ("message_id", "campaign_id")),
)
# For every other name: the first code that is there says the type too.
_BY_KEY: tuple[tuple[str, str], ...] = (
    ("product_id", "product"),
    ("sku", "product"),
    ("order_id", "order"),
    ("coupon_id", "coupon"),
    ("coupon", "coupon"),
    ("campaign_id", "campaign"),
    ("promotion_id", "promotion"),
    ("activity_id", "activity"),
    ("live_room_id", "live_room"),
    ("content_id", "content"),
    ("post_id", "content"),
    ("video_id", "content"),
    ("article_id", "content"),
    ("survey_id", "survey"),
    ("group_chat_id", "group_chat"),
    ("message_id", "message"),
    ("store_id", "store"),
    ("list_id", "list"),
    ("cart_id", "cart"),
    ("button", "button"),
)


def object_of(kind: str, name: str, properties: Mapping[str, Any], own_name: str = "") -> tuple[str | None, str | None]:
    """Type and code of the object; both None where the event names none that may stand in the lake.

    `own_name` is what a page or screen call gave as the page's name.
    """
    if kind == "page":
        return _place("page", path_of(properties.get("path") or properties.get("url")) or own_name)
    if kind == "screen":
        return _place("screen", own_name)
    told = properties.get("object_type")
    if is_code(told) and is_code(properties.get("object_id")) and not is_personal_name(f"{told}_id"):
        return str(told), str(properties["object_id"])
    object_type, keys = _told_by_name(name)
    for key in keys:
        if is_code(properties.get(key)):
            return object_type, str(properties[key])
    return _by_key(properties)


@lru_cache(maxsize=10_000)
def _told_by_name(name: str) -> tuple[str | None, tuple[str, ...]]:
    for prefix, object_type, keys in _BY_PREFIX:
        if name.startswith(prefix):
            return object_type, keys
    return None, ()


def _by_key(properties: Mapping[str, Any]) -> tuple[str | None, str | None]:
    for key, object_type in _BY_KEY:
        if key in properties and is_code(properties[key]):
            return object_type, str(properties[key])
    return None, None


def _place(object_type: str, code: str) -> tuple[str | None, str | None]:
    bare = code.lstrip("/")
    return object_type, code if code and (not bare or is_code(bare)) else None


def path_of(address: object) -> str:
    """The path of an address, without host, query and fragment."""
    if not isinstance(address, str):
        return ""
    path = address.partition("?")[0].partition("#")[0]
    scheme, separator, rest = path.partition("://")
    if separator and scheme.isalpha():
        host, slash, below = rest.partition("/")
        return slash + below if host else ""
    return path
