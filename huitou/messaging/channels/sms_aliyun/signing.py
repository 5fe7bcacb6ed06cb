"""Requests to Alibaba Cloud signed with its third scheme, ACS3-HMAC-SHA256, as documented for RPC interfaces."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from datetime import UTC, datetime
from urllib.parse import quote

VERSION = "2017-05-25"
_SCHEME = "ACS3-HMAC-SHA256"


def encode_query(values: Mapping[str, str]) -> str:
    """The canonical query: names in order, percent-encoded with nothing but unreserved characters kept."""
    return "&".join(f"{_quoted(name)}={_quoted(value)}" for name, value in sorted(values.items()))


def sign_request(
    *,
    host: str,
    action: str,
    version: str,
    query: str,
    body: bytes,
    moment: datetime,
    nonce: str,
    key_id: str,
    key_secret: str,
) -> dict[str, str]:
    """The headers of a signed POST to `/`. `query` is as `encode_query` gives it."""
    digest = hashlib.sha256(body).hexdigest()
    headers = {
        "host": host,
        "x-acs-action": action,
        "x-acs-content-sha256": digest,
        "x-acs-date": moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "x-acs-signature-nonce": nonce,
        "x-acs-version": version,
    }
    signed = ";".join(sorted(headers))
    lines = "".join(f"{name}:{value}\n" for name, value in sorted(headers.items()))
    canonical = "\n".join(("POST", "/", query, lines, signed, digest))
    to_sign = f"{_SCHEME}\n{hashlib.sha256(canonical.encode()).hexdigest()}"
    signature = hmac.new(key_secret.encode(), to_sign.encode(), hashlib.sha256).hexdigest()
    del headers["host"]
    return {
        **headers,
        "Authorization": f"{_SCHEME} Credential={key_id},SignedHeaders={signed},Signature={signature}",
    }


def _quoted(value: str) -> str:
    return quote(value, safe="-_.~")
