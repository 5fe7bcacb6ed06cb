"""Short links and unsubscribe links of our own: random or numbered, signed, and good for what is stored only."""

from __future__ import annotations

import secrets

from django.conf import settings

from huitou.core.sealing import is_signed_for, sign_for

_LINK, _UNSUBSCRIBE = "messaging links", "messaging unsubscribe"
_CODE_LENGTH, _SIGNED_LENGTH = 8, 6
# Letters and digits that nobody mistakes for each other.
_ALPHABET = "abcdefghijkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789"


def new_code() -> str:
    """The random part of a short link."""
    return "".join(secrets.choice(_ALPHABET) for _ in range(_CODE_LENGTH))


def link_url(code: str) -> str:
    """The whole short link: code and signature."""
    return f"{settings.PUBLIC_URL}/l/{code}{sign_for(_LINK, code, _SIGNED_LENGTH)}"


def read_link(told: str) -> str | None:
    """The code of a short link's last part, or None where the signature is not ours."""
    code, signature = told[:-_SIGNED_LENGTH], told[-_SIGNED_LENGTH:]
    return code if code and is_signed_for(_LINK, code, signature, _SIGNED_LENGTH) else None


def unsubscribe_url(touch_id: int) -> str:
    """Where the customer of a touch takes consent back."""
    return f"{settings.PUBLIC_URL}/u/{touch_id}-{sign_for(_UNSUBSCRIBE, str(touch_id))}"


def read_unsubscribe(told: str) -> int | None:
    """The touch of an unsubscribe link's last part, or None where the signature is not ours."""
    number, _dash, signature = told.partition("-")
    if not (number.isascii() and number.isdigit()) or len(number) > 18:
        return None
    return int(number) if is_signed_for(_UNSUBSCRIBE, number, signature) else None
