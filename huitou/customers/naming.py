"""Which names of fields are personal: one list for what enters the lake and for what is shown."""

from __future__ import annotations

import re
from functools import lru_cache

from huitou.customers.identifier_kind import IDENTIFIER_KINDS
from huitou.customers.milestone_kinds import MILESTONE_KINDS

_WORDS = """
name display_name nickname firstname lastname fullname realname username phone mobile tel telephone mail email
wechat weixin wxid qq openid unionid address addr street line1 line2 postcode postal zip zipcode avatar id_card
idcard passport note notes remark remarks comment 姓名 昵称 名字 手机 电话 邮箱 微信 地址 街道 备注 身份证
"""
# Words that make a name personal. Whole dates are: of a milestone only what it declares is told on.
PERSONAL_WORDS = (
    *_WORDS.split(),
    *sorted({name for m in MILESTONE_KINDS.values() if m.form == "date" for name in (m.kind, *m.aliases)}),
)
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


def _patterns() -> tuple[str, str]:
    words, numbers = "|".join(_PERSONS.split()), "|".join(_NUMBERS.split())
    kinds = {name for k in IDENTIFIER_KINDS for name in (k.kind, *k.traits, *k.aliases)}
    named = "|".join(sorted({spread(name).replace("_", "[^a-z]*") for name in kinds}))
    who = f"(?:^|[^a-z])(?:(?:{words})s?(?:[^a-z]*(?:{numbers}))+|{_CARDS}|{named})[^a-z]*$"
    latin, other = [w for w in PERSONAL_WORDS if w.isascii()], [w for w in PERSONAL_WORDS if not w.isascii()]
    return who, f"(^|[^a-z])({'|'.join(latin)})($|[^a-z])|{'|'.join(other)}|{who}"


def spread(name: str) -> str:
    """A name in small letters, its humps parted: memberNo is member_no."""
    return _HUMP.sub(r"\1_\2", name).lower()


# Found, in Python and in PostgreSQL, in a spread name: what tells who somebody is, and whatever is personal.
_WHO, PERSONAL = _patterns()
_tells_who, _is_personal = re.compile(_WHO), re.compile(PERSONAL)


@lru_cache(maxsize=10_000)
def tells_who(name: str) -> bool:
    """Whether a value under that name tells who somebody is: an identifier of any kind, or the number of a document."""
    return bool(_tells_who.search(spread(name)))


def is_personal(name: str) -> bool:
    """Whether a field of that name holds what is personal: who somebody is, a name, an address, a remark."""
    return bool(_is_personal.search(spread(name)))
