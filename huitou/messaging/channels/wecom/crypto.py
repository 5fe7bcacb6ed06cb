"""How WeCom signs and encrypts callbacks: SHA-1 over sorted parts, AES-256-CBC with padding to 32 bytes.

The layout is that of the documented scheme: 16 random bytes, the length of the message as 4 bytes with the highest
first, the message, and the identifier of whom it is meant for.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from xml.etree import ElementTree

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

_BLOCK = 32
_RANDOM = 16
_XML_BYTES = 1 << 20
_KEY_CHARACTERS, _KEY_BYTES = 43, 32


class BadCallbackError(Exception):
    """A callback that is not signed, not encrypted or not addressed as agreed."""


def sign(token: str, timestamp: str, nonce: str, encrypted: str) -> str:
    """The signature of a callback, 40 hex digits."""
    joined = "".join(sorted((token, timestamp, nonce, encrypted)))
    return hashlib.sha1(joined.encode(), usedforsecurity=False).hexdigest()


def decrypt(encoding_key: str, receive_id: str, encrypted: str) -> bytes:
    """The message of a callback. Raises BadCallbackError where it was not made with the key or is not for us."""
    key = read_key(encoding_key)
    try:
        sealed = base64.b64decode(encrypted, validate=True)
    except (ValueError, binascii.Error) as error:
        raise BadCallbackError("not_base64") from error
    if not sealed or len(sealed) % 16:
        raise BadCallbackError("not_encrypted")
    opener = Cipher(algorithms.AES(key), modes.CBC(key[:16])).decryptor()
    padded = opener.update(sealed) + opener.finalize()
    plain = padded[: -_padding(padded)]
    length = int.from_bytes(plain[_RANDOM : _RANDOM + 4], "big")
    start = _RANDOM + 4
    message, told = plain[start : start + length], plain[start + length :]
    if len(message) != length or not hmac.compare_digest(told, receive_id.encode()):
        raise BadCallbackError("other_receiver")
    return message


def read_key(encoding_key: str) -> bytes:
    """The 32 bytes that an EncodingAESKey of 43 characters stands for. Raises BadCallbackError."""
    if len(encoding_key) != _KEY_CHARACTERS:
        raise BadCallbackError("bad_key")
    try:
        # The last of 43 characters carries two bits that mean nothing, so the strict reading would refuse some keys.
        key = base64.b64decode(encoding_key + "=")
    except (ValueError, binascii.Error) as error:
        raise BadCallbackError("bad_key") from error
    # What is no letter of base64 is skipped by the lax reading.
    if len(key) != _KEY_BYTES:
        raise BadCallbackError("bad_key")
    return key


def read_xml(document: bytes) -> dict[str, str]:
    """The fields of a flat XML document. Raises BadCallbackError where it is none or declares anything.

    A declaration of entities is refused before the parser sees it: it could grow without bound or read files.
    """
    if len(document) > _XML_BYTES:
        raise BadCallbackError("too_large")
    try:
        # Another encoding could hide a declaration from this look.
        text = document.decode("utf-8")
    except UnicodeDecodeError as error:
        raise BadCallbackError("not_utf8") from error
    if "<!DOCTYPE" in text.upper() or "<!ENTITY" in text.upper():
        raise BadCallbackError("declares_entities")
    try:
        root = ElementTree.fromstring(text)  # noqa: S314 - declarations were refused above
    except (ElementTree.ParseError, ValueError) as error:
        raise BadCallbackError("not_xml") from error
    return {child.tag: (child.text or "").strip() for child in root}


def _padding(padded: bytes) -> int:
    count = padded[-1]
    if not 1 <= count <= _BLOCK or count > len(padded) or padded[-count:] != bytes([count]) * count:
        raise BadCallbackError("not_encrypted")
    return count
