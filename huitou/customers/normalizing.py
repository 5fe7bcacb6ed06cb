"""Identifiers as people and programs write them, to one spelling each; what names nobody becomes None."""

from __future__ import annotations

import re

LONGEST = 200
# Full-width letters, digits and punctuation, odd blanks and dashes; and what cannot be seen.
_WIDE = {0xFF01 + i: 0x21 + i for i in range(94)} | {0x3000: 0x20, 0xA0: 0x20, 0x2212: 0x2D, 0x2013: 0x2D, 0x2014: 0x2D}
_INVISIBLE = dict.fromkeys(map(ord, "\u200b\u200c\u200d\u200e\u200f\u2060\ufeff\u202a\u202b\u202c\u202d\u202e\x00"))
_FOLD = _WIDE | _INVISIBLE
_WORDS = r"""
nan null nil none n/a #n/a nat undefined unknown (null) guest anonymous test testuser test_user true false not_set
无 暂无 未知 匿名 匿名用户 匿名买家 散客 游客 非会员 测试 - -- — / -1 \\n
"""
NOBODYS_WORDS = frozenset({*_WORDS.split(), "[object object]", "(not set)"})
# 13800138000 and its like, and one digit held down for all that follows the first three.
_PLACEHOLDER_PHONES = "|".join(
    [*(f"1{n}001{n}000" for n in range(30, 100)), *(rf"1[3-9]\d{digit}{{8}}" for digit in range(10))]
)
# Numbers that stand for nobody wherever a customer has a number: nought, what is as long as a phone and no phone, and
# placeholder phones. Shorter ones of one digit (8, 88888888) are somebody's. No back references: DuckDB reads it, too.
NOBODYS_NUMBERS = (
    r"[0\-]+|-1|" + "|".join(rf"{digit}{{11,}}" for digit in range(1, 10)) + "|12345678901|12345678910"
    rf"|(?:\+?86)?(?:{_PLACEHOLDER_PHONES})"
)
_NOBODYS_NUMBER = re.compile(NOBODYS_NUMBERS)

_MOBILE = re.compile(r"1[3-9]\d{9}")
_LANDLINE = re.compile(r"0[1-9]\d{1,2}[2-8]\d{6,7}")
_FOREIGN = re.compile(r"[1-9]\d{7,14}")
_SEPARATORS = re.compile(r"[\s\-().·/]")
# A platform's privacy number: a mobile number and an extension behind it (转, ext, or a short tail of its own).
# Letters behind a `_` (13912345678_p) are what some platforms make of a number for an account.
_EXTENSION = re.compile(
    r"(转|分机|ext|[,;#]|x\d+$|_\d+$)|(?<!\d)1\d{2}[\s-]?\d{4}[\s-]?\d{4}[\s\-]+\d{1,6}$", re.IGNORECASE
)
# What is dialed within a country only: +44 (0)20.
_TRUNK = re.compile(r"^((?:\+|00)\s*\d{1,3}[\s\-.]*)\(0\)")
_PLACEHOLDER = re.compile(_PLACEHOLDER_PHONES)
_EMAIL = re.compile(r"[^@\s]{1,64}@[a-z0-9-]+(\.[a-z0-9-]+)+")
_NOBODYS_MAIL = frozenset(("test", "unknown", "none", "null", "nobody", "noreply", "no-reply", "undefined"))


def fold(text: str) -> str:
    """The text in narrow letters, without what cannot be seen and without blanks around it."""
    if text.isascii() and text.isprintable():
        return text.strip()
    return storable(text).translate(_FOLD).strip()


def storable(text: str) -> str:
    """The text without what PostgreSQL cannot keep: NUL, and halves of characters that some devices send."""
    return text if text.isascii() and "\0" not in text else text.encode("utf-8", "ignore").decode().replace("\0", "")


def read_code(text: str) -> str | None:
    """An account number or id, case kept; None for words and numbers that stand for nobody, masked or overlong ones."""
    code = text if text.isascii() and text.isalnum() else fold(text).strip("=").strip("'\"`").strip()
    if not code or len(code) > LONGEST or "**" in code:
        return None
    if _NOBODYS_NUMBER.fullmatch(code) or code.lower() in NOBODYS_WORDS:
        return None
    return code


def read_account(text: str) -> str | None:
    """A buyer's account at a platform; where that is a phone number, junk phones name nobody."""
    code = read_code(text)
    if code is None:
        return None
    digits = _SEPARATORS.sub("", code).lstrip("+")
    looks_like_phone = digits[:1] == "1" and digits[:11].isdigit() and len(digits) >= 11 and code[:1] in "+1"
    if re.fullmatch(r"1\d{2}[xX*]+\d{2,4}.*", code) or (looks_like_phone and _EXTENSION.search(code)):
        return None
    return None if _MOBILE.fullmatch(digits) and _PLACEHOLDER.fullmatch(digits) else code


def read_phone(text: str) -> str | None:
    """A phone number like +8613912345670; numbers without a country are Chinese. None for masked, privacy and junk."""
    number = text if text.isascii() and text.isdigit() else fold(text).strip("'\"`=").strip()
    if not number or len(number) > 40 or "*" in number or _EXTENSION.search(number):
        return None
    digits = _SEPARATORS.sub("", _TRUNK.sub(r"\1", number))
    has_country = digits.startswith(("+", "00"))
    digits = digits.removeprefix("+")
    digits = digits.removeprefix("00") if has_country else digits
    if not digits.isascii() or not digits.isdigit():
        return None
    national = digits.removeprefix("86") if (has_country or len(digits) == 13) and digits.startswith("86") else digits
    national = national.removeprefix("0") if len(national) == 12 and national.startswith("01") else national
    if _MOBILE.fullmatch(national) and (national != digits or not has_country):
        return None if _PLACEHOLDER.fullmatch(national) else f"+86{national}"
    if has_country and not digits.startswith("86"):
        return f"+{digits}" if _FOREIGN.fullmatch(digits) and len(set(digits[3:])) > 1 else None
    if has_country and not national.startswith("0"):
        national = f"0{national}"
    return f"+86{national[1:]}" if _LANDLINE.fullmatch(national) and len(set(national[4:])) > 1 else None


def read_email(text: str) -> str | None:
    """An e-mail address in small letters; None for what is none and for addresses of nobody."""
    address = fold(text).strip("<>'\"").casefold().removeprefix("mailto:")
    if len(address) > LONGEST or not _EMAIL.fullmatch(address):
        return None
    name = address.partition("@")[0]
    return None if name in _NOBODYS_MAIL else address


def show_phone(phone: str) -> str:
    """Enough to recognize a phone by, too little to call: 138****1234."""
    digits = phone.removeprefix("+86")
    return f"{digits[:3]}****{digits[-4:]}" if len(digits) >= 8 else "*" * len(digits)


def show_email(address: str) -> str:
    """a***@host."""
    name, _at, host = address.partition("@")
    return f"{name[:1]}***@{host}"


def show_code(code: str) -> str:
    """A number as it is, unless it is a phone number or an e-mail address: those are masked."""
    digits = code.lstrip("+").replace("-", "").replace(" ", "")
    if digits.isascii() and digits.isdigit() and digits.removeprefix("86").startswith("1") and len(digits) in (11, 13):
        return show_phone(digits.removeprefix("86"))
    name, at, host = code.partition("@")
    return f"{name[:1]}***@{host}" if at and "." in host else code


def show_secret(code: str) -> str:
    """First and last characters of an id that lets others reach the person: oGZ…x9."""
    return f"{code[:3]}…{code[-2:]}" if len(code) > 8 else f"{code[:1]}…"


def show_account(code: str) -> str:
    """A buyer's account: phones and addresses masked, names of a person's own choosing cut short."""
    shown = show_code(code)
    return shown if shown != code or code.isascii() else f"{code[:1]}**"
