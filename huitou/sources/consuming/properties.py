"""Which properties of an event may enter the lake, and which stay beside the person: personal ones and free text.

The lake is not rewritten when a customer is erased, so what might name somebody must never get there. A text is taken
for a code, and kept, when it is short and looks like one, or when its name is one whose values are codes in the
Segment spec or in the brand's tracking plan. What stands under a name that tells who somebody is, and what holds one of
the event's own identifiers, is personal whatever it looks like. Everything else goes to `EventDetail` in PostgreSQL.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Set
from functools import lru_cache
from typing import Any

from huitou.customers.naming import PERSONAL_WORDS, tells_who
from huitou.customers.needles import tells_one
from huitou.orders.sql import LONGEST_VALUE

# Parts of a property's name that make its value personal or free text, whatever it looks like; names of identifiers are
# in customers/naming.py.
_PERSONAL_WORDS = frozenset(
    {*PERSONAL_WORDS}
    | {"user", "cell", "receiver", "recipient", "consignee", "contact", "buyer", "ip", "birth", "title"}
    | {"url", "referrer", "referer", "search", "query", "keyword", "comment", "comments", "message", "content", "text"}
    | {
        "body",
        "description",
        "reason",
        "useragent",
        "token",
        "password",
        "latitude",
        "longitude",
        "lat",
        "lng",
        "姓名",
        "手机",
        "电话",
        "地址",
        "备注",
    }
)
# Whole names, of one or of several, that stand for somebody and not, as part of a longer name, for a kind of people.
_PERSONAL_NAMES = frozenset(
    f"{name}{end}" for name in ("customer", "member", "friend", "sharer", "fan") for end in ("", "s")
)
# Whole names that hold a personal word and are codes all the same.
_CODE_NAMES = frozenset(
    {"message_id", "content_id", "content_type", "query_id", "search_id", "search_type", "reason_code", "body_part"}
    | {"category", "brand", "variant", "currency", "coupon", "color", "size", "position", "affiliation", "list_id"}
    | {"status", "type", "channel", "method", "payment_method", "shipping_method", "scene", "city_tier", "unit"}
    | {"store", "store_id", "shop_id", "area", "level", "platform", "page_type", "module", "button"}
)
_WORDS = re.compile(r"[a-z]+|[A-Z][a-z]*|[一-鿿]+")
_CODE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.:/#+@-]*\Z")
# Mobile and landline numbers, with or without country code and separators; digits in between make another number.
_PHONE = re.compile(
    r"(?<![0-9])(?:\+?86[ -]?)?1[3-9][0-9](?:[ -]?[0-9*]{4}){2}(?![0-9])|(?<![0-9])0[0-9]{2,3}-[0-9]{7,8}"
)
# Numbers of Chinese identity cards: a province, a date of birth, and three digits with a check digit.
_IDENTITY_CARD = re.compile(
    r"(?<![0-9])[1-9][0-9]{5}(?:19|20)[0-9]{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12][0-9]|3[01])[0-9]{3}[0-9Xx](?![0-9])"
    r"|(?<![0-9])[0-9]{17}[Xx](?![0-9A-Za-z])"
)
_EMAIL = re.compile(r"[^\s@]+@[^\s@]+\.[^\s@]")
_FOREIGN_PHONE = re.compile(r"\+[0-9][0-9 ()-]{7,}\Z")
_LOWEST_MOBILE, _HIGHEST_MOBILE = 13_000_000_000, 19_999_999_999
_IDENTITY_CARD_DIGITS = 18
# Of numbers with fewer digits an event has many that count something.
_LONGEST_COUNT = 6


def names_somebody(text: str) -> bool:
    """Whether a text holds something that looks like a phone number, an e-mail address or an identity card's number."""
    if _PHONE.search(text) or _FOREIGN_PHONE.match(text) or ("@" in text and _EMAIL.search(text)):
        return True
    return len(text) >= _IDENTITY_CARD_DIGITS and bool(_IDENTITY_CARD.search(text))


def own_marks(identifiers: Iterable[str]) -> tuple[tuple[str, bool], ...]:
    """What an event's own person is known by, wherever it stands: values, and whether a text around one tells as much.

    Short numbers are left out: quantities and products have them too.
    """
    folded = {value.casefold() for value in identifiers}
    return tuple(
        (value, tells_one(value)) for value in sorted(folded) if len(value) >= _LONGEST_COUNT or not value.isdigit()
    )


def names_owner(text: str, own: Collection[tuple[str, bool]]) -> bool:
    """Whether a text is, or holds, one of the identifiers of the event's own person."""
    if not own:
        return False
    folded = text.casefold()
    return any(folded == value or (anywhere and value in folded) for value, anywhere in own)


def is_code(value: object) -> bool:
    """Whether a value may stand in the lake as a code: short, of a code's characters, naming nobody."""
    if isinstance(value, str):
        return 0 < len(value) <= LONGEST_VALUE and _is_code_text(value)
    if isinstance(value, bool):
        return False
    if not isinstance(value, int) or _LOWEST_MOBILE <= value <= _HIGHEST_MOBILE:
        return False
    return value < 10 ** (_IDENTITY_CARD_DIGITS - 1) or not names_somebody(str(value))


@lru_cache(maxsize=65_536)
def _is_code_text(value: str) -> bool:
    """Codes of products, categories and campaigns come again and again."""
    return bool(_CODE.match(value)) and not names_somebody(value)


def is_personal_name(name: str) -> bool:
    """Whether a property of that name is personal or free text, whatever its value."""
    verdict = _verdicts.get(name)
    if verdict is None:
        verdict = _judge(name)
        if len(_verdicts) < _REMEMBERED:
            _verdicts[name] = verdict
    return verdict


_REMEMBERED = 10_000
_verdicts: dict[str, bool] = {}


def _judge(name: str) -> bool:
    if tells_who(name):
        return True
    plain = name.lower()
    if plain in _CODE_NAMES or plain.endswith("_id"):
        return False
    if plain in _PERSONAL_NAMES:
        return True
    return any(word.lower() in _PERSONAL_WORDS for word in _WORDS.findall(name)) or not is_code(name)


def split_properties(
    properties: Mapping[str, Any],
    declared: Set[str] = frozenset(),
    withheld: Set[str] = frozenset(),
    own: Collection[tuple[str, bool]] = (),
) -> tuple[dict[str, Any], dict[str, Any]]:
    """What may enter the lake, and what stays beside the person. Texts under `declared` names may have any script;
    what stands under `withheld` names stays out of the lake, whatever it is, and so do the person's `own_marks`."""
    kept: dict[str, Any] = {}
    personal: dict[str, Any] = {}
    for name, value in properties.items():
        # What JSON is decoded to is of these types exactly.
        kind = type(value)
        if name in withheld or (own and names_owner(name, own)):
            personal[name] = value
        elif kind is str:
            stays = _may_stay(name, value, declared) and not (own and names_owner(value, own))
            target = kept if stays else personal
            target[name] = value
        elif kind is float or kind is bool or value is None:
            (personal if is_personal_name(name) else kept)[name] = value
        elif kind is int:
            leaves = is_personal_name(name) or not is_code(value) or names_owner(str(value), own)
            (personal if leaves else kept)[name] = value
        else:
            inner_kept, inner_personal = _split_inner(name, value, declared, withheld, own)
            if inner_kept:
                kept[name] = inner_kept
            if inner_personal:
                personal[name] = inner_personal
    return kept, personal


def _may_stay(name: str, value: str, declared: Set[str]) -> bool:
    if is_personal_name(name):
        return False
    if is_code(value) or value == "":
        return True
    known = name in declared or name.lower() in _CODE_NAMES
    return known and len(value) <= LONGEST_VALUE and not names_somebody(value)


def _split_inner(
    name: str, value: object, declared: Set[str], withheld: Set[str], own: Collection[tuple[str, bool]]
) -> tuple[Any, Any]:
    """The two halves of an object or a list; an element of a list keeps its place in both."""
    if is_personal_name(name):
        return None, value
    if isinstance(value, Mapping):
        return split_properties(value, declared, withheld, own)
    if isinstance(value, list):
        halves = [split_properties({name: element}, declared, withheld, own) for element in value]
        kept = [half.get(name) for half, _ in halves]
        personal = [half.get(name) for _, half in halves]
        return (
            kept if any(element is not None for element in kept) else None,
            personal if any(element is not None for element in personal) else None,
        )
    return None, value
