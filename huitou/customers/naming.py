"""Which names say that a value tells who somebody is: one list for what enters the lake and for what is shown."""

from __future__ import annotations

import re
from functools import lru_cache

from huitou.customers.identifier_kind import IDENTIFIER_KINDS

# Somebody, whose number or account is personal whoever it is: the customer, or another one whom an event tells of.
_PERSONS = """
user cust customer member vip buyer purchaser payer client visitor guest anonymous anon distinct device cookie profile
account inviter invitee invited referrer referee sharer friend fan follower subscriber owner holder person contact
receiver recipient consignee open union external wechat weixin wx qq weibo douyin alipay identity citizen passport
license bank credit debit
"""
_NUMBERS = "id ids no nos number numbers code codes card cards key uid uuid guid hash account"
# Numbers of identity cards and other cards, which no word for a person stands before.
_CARDS = "(?:id|card)(?:[^a-z]*(?:card|no|number)s?)+"
_HUMP = re.compile("([a-z0-9])([A-Z])")


def _pattern() -> str:
    words, numbers = "|".join(_PERSONS.split()), "|".join(_NUMBERS.split())
    kinds = {name for k in IDENTIFIER_KINDS for name in (k.kind, *k.traits, *k.aliases)}
    named = "|".join(sorted({spread(name).replace("_", "[^a-z]*") for name in kinds}))
    return f"(?:^|[^a-z])(?:(?:{words})s?(?:[^a-z]*(?:{numbers}))+|{_CARDS}|{named})[^a-z]*$"


def spread(name: str) -> str:
    """A name in small letters, its humps parted: memberNo is member_no."""
    return _HUMP.sub(r"\1_\2", name).lower()


# Matches, in Python and in PostgreSQL, the end of a spread name whose values tell who somebody is.
WHO = _pattern()
_WHO = re.compile(WHO)


@lru_cache(maxsize=10_000)
def tells_who(name: str) -> bool:
    """Whether a value under that name tells who somebody is: an identifier of any kind, or the number of a document."""
    return bool(_WHO.search(spread(name)))
