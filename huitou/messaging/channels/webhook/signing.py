"""Signatures of webhooks as the open Standard Webhooks specification has them: HMAC-SHA256 over id, time and body."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Mapping
from datetime import datetime

PREFIX = "whsec_"
TOLERANCE_SECONDS = 300
LEAST_BYTES = 24


class BadSignatureError(Exception):
    """A request that was not signed with the secret, or not lately."""


def read_secret(secret: str) -> bytes:
    """The key behind a secret, which is written in base64 with or without `whsec_`. Raises BadSignatureError."""
    try:
        key = base64.b64decode(secret.removeprefix(PREFIX), validate=True)
    except (ValueError, binascii.Error) as error:
        raise BadSignatureError("secret") from error
    if len(key) < LEAST_BYTES:
        raise BadSignatureError("secret")
    return key


def sign(secret: str, message_id: str, timestamp: int, body: bytes) -> str:
    """The value of the header `webhook-signature`."""
    signed = hmac.new(read_secret(secret), f"{message_id}.{timestamp}.".encode() + body, hashlib.sha256).digest()
    return f"v1,{base64.b64encode(signed).decode()}"


def verify(secret: str, headers: Mapping[str, str], body: bytes, now: datetime) -> str:
    """The id of a request that was signed within five minutes of `now`. Raises BadSignatureError."""
    message_id, told = headers.get("webhook-id", ""), headers.get("webhook-timestamp", "")
    if not message_id or not (told.isascii() and told.isdigit() and len(told) <= 12):
        raise BadSignatureError("headers")
    expected = sign(secret, message_id, int(told), body)
    given = headers.get("webhook-signature", "").split(" ")
    if not any(hmac.compare_digest(one.encode(), expected.encode()) for one in given):
        raise BadSignatureError("signature")
    if abs(now.timestamp() - int(told)) > TOLERANCE_SECONDS:
        raise BadSignatureError("time")
    return message_id
