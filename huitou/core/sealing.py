"""Secrets as they may lie in the database: sealed with a key that is derived from the deployment's, one per purpose."""

from __future__ import annotations

import base64
import hmac
import json
from collections.abc import Mapping

from cryptography.fernet import Fernet, InvalidToken
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings


class SealLostError(Exception):
    """The secrets were sealed under another key of the deployment."""


def seal_for(purpose: str, secrets: Mapping[str, str]) -> str:
    """The secrets, sealed; an empty text for none."""
    told = json.dumps(dict(secrets), ensure_ascii=False).encode()
    return Fernet(base64.urlsafe_b64encode(derived_key(purpose))).encrypt(told).decode() if secrets else ""


def unseal_for(purpose: str, sealed: str) -> dict[str, str]:
    """The secrets themselves. Raises SealLostError."""
    if not sealed:
        return {}
    try:
        told = Fernet(base64.urlsafe_b64encode(derived_key(purpose))).decrypt(sealed.encode())
    except InvalidToken as error:
        raise SealLostError from error
    opened: dict[str, str] = json.loads(told)
    return opened


def sign_for(purpose: str, text: str, length: int = 12) -> str:
    """So many characters that only this deployment can put after `text`: letters, digits, - and _."""
    digest = hmac.digest(derived_key(purpose), text.encode(), "sha256")
    return base64.urlsafe_b64encode(digest).decode()[:length]


def is_signed_for(purpose: str, text: str, signature: str, length: int = 12) -> bool:
    """Whether the signature is the text's, compared in constant time."""
    return hmac.compare_digest(sign_for(purpose, text, length).encode(), signature.encode("utf-8", "replace"))


def derived_key(purpose: str) -> bytes:
    """A key of its own: who gets hold of it has not got the one that signs sessions."""
    info = f"huitou {purpose}".encode()
    return HKDF(algorithm=SHA256(), length=32, salt=None, info=info).derive(settings.SECRET_KEY.encode())
