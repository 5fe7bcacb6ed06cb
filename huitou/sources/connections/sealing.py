"""Credentials of connections, sealed with a key that is derived from the deployment's secret key."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping

from cryptography.fernet import Fernet, InvalidToken
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings

from huitou.sources.connectors.trouble import PullError


def seal(secrets: Mapping[str, str]) -> str:
    """The secrets as they may lie in the database."""
    return _fernet().encrypt(json.dumps(dict(secrets), ensure_ascii=False).encode()).decode() if secrets else ""


def unseal(sealed: str) -> dict[str, str]:
    """The secrets themselves. Raises PullError where they were sealed under another key."""
    if not sealed:
        return {}
    try:
        opened: dict[str, str] = json.loads(_fernet().decrypt(sealed.encode()))
    except InvalidToken as error:
        raise PullError("secrets_lost") from error
    return opened


def _fernet() -> Fernet:
    # A purpose of its own: who gets hold of this key has not got the one that signs sessions.
    derived = HKDF(algorithm=SHA256(), length=32, salt=None, info=b"huitou sources connections")
    return Fernet(base64.urlsafe_b64encode(derived.derive(settings.SECRET_KEY.encode())))
