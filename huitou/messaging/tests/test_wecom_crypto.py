"""Callbacks of WeCom: signatures and ciphers against other code, and everything that must be refused."""

from __future__ import annotations

import base64
import hashlib
import struct

import pytest
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from hypothesis import given
from hypothesis import strategies as st

from huitou.messaging.channels.wecom.crypto import BadCallbackError, decrypt, read_key, read_xml, sign
from huitou.messaging.tests.providers.wecom import AES_KEY, COMPANY, TOKEN, encrypt, signed_query

_KEY = base64.b64decode(AES_KEY + "=")


def test_the_documented_example_opens() -> None:
    """The example of the scheme's documents: key, company, signature and cipher text stand there."""
    key = "jWmYm7qr5nMoAUwZRjGtBxmz3KA1tkAj3ykkR6q2B2C"
    echo = "P9nAzCzyDtyTWESHep1vC5X9xho/qYX3Zpb4yKa9SKld1DsH3Iyt3tP3zNdtp+4RPcs8TgAE7OaBO+FZXvnaqQ=="
    assert sign("QDG6eK", "1409659589", "263014780", echo) == "5c45ff5e21c57e6ad56bac8758b79b1d9ac89fd3"
    assert decrypt(key, "wx5823bf96d3bd56c7", echo) == b"1616140317555161061"


@given(st.binary(max_size=300))
def test_what_other_code_encrypts_is_read(message: bytes) -> None:
    assert decrypt(AES_KEY, COMPANY, encrypt(message)) == message


@given(st.text(max_size=40), st.text(max_size=12), st.text(max_size=12))
def test_signatures_are_those_of_the_reference(sealed: str, timestamp: str, nonce: str) -> None:
    """The reference is the sorted parts, one after the other, hashed by another call."""
    parts = "".join(sorted([TOKEN, timestamp, nonce, sealed])).encode("utf-8")
    assert sign(TOKEN, timestamp, nonce, sealed) == hashlib.new("sha1", parts).hexdigest()


@given(st.data())
def test_a_changed_bit_never_gives_the_message_of_another(data: st.DataObject) -> None:
    """CBC lets bits through; length, padding and receiver must still be right, and the signature comes before."""
    sealed = bytearray(base64.b64decode(encrypt(b"<xml>hello</xml>")))
    place = data.draw(st.integers(0, len(sealed) - 1))
    sealed[place] ^= 1 << data.draw(st.integers(0, 7))
    try:
        opened = decrypt(AES_KEY, COMPANY, base64.b64encode(bytes(sealed)).decode())
    except BadCallbackError:
        return
    assert len(opened) == len(b"<xml>hello</xml>"), "only what the signature protects can differ"


def _seal(plain: bytes) -> str:
    cipher = Cipher(algorithms.AES(_KEY), modes.CBC(_KEY[:16])).encryptor()
    return base64.b64encode(cipher.update(plain) + cipher.finalize()).decode()


@pytest.mark.parametrize(
    "sealed",
    [
        "",
        "!!!",
        base64.b64encode(b"short").decode(),
        base64.b64encode(bytes(range(64))).decode(),
        _seal(b"\x00" * 64),
        _seal(b"a" * 63 + b"\x21"),
        _seal(bytes(range(16)) + struct.pack("!I", 10_000) + b"x" * 11 + b"\x01"),
        _seal(b"\x20" * 32),
    ],
)
def test_what_was_not_made_with_the_key_is_refused(sealed: str) -> None:
    with pytest.raises(BadCallbackError):
        decrypt(AES_KEY, COMPANY, sealed)


def test_what_is_meant_for_another_company_is_refused() -> None:
    with pytest.raises(BadCallbackError, match="other_receiver"):
        decrypt(AES_KEY, COMPANY, encrypt(b"<xml/>", company="ww-other"))
    with pytest.raises(BadCallbackError, match="other_receiver"):
        decrypt(AES_KEY, COMPANY, encrypt(b"<xml/>", company=COMPANY + "x"))


@pytest.mark.parametrize("key", ["", "short", "a" * 42, "a" * 44, "ä" * 43, "!" * 43])
def test_a_key_of_another_shape_is_refused(key: str) -> None:
    with pytest.raises(BadCallbackError):
        read_key(key)


_BOMB = (
    '<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]><xml>&b;</xml>'
)


@pytest.mark.parametrize(
    "document",
    [
        _BOMB.encode(),
        b'<!doctype x SYSTEM "file:///etc/passwd"><xml/>',
        _BOMB.encode("utf-16"),
        _BOMB.replace('<?xml version="1.0"?>', "<?xml version='1.0' encoding='utf-16'?>").encode(),
        b"<xml>" + b"x" * (1 << 20) + b"</xml>",
        b"<xml>",
        b"",
        b"\xff\xfe",
        b"<xml>\x00</xml>",
        b"<a>" * 5000,
    ],
)
def test_documents_that_declare_or_break_are_refused(document: bytes) -> None:
    with pytest.raises(BadCallbackError):
        read_xml(document)


def test_a_flat_document_is_read() -> None:
    document = "<xml><A><![CDATA[<b>&]]></A><C> 中文 </C><D/></xml>".encode()
    assert read_xml(document) == {"A": "<b>&", "C": "中文", "D": ""}


def test_the_signature_covers_the_text() -> None:
    query = signed_query("sealed")
    assert sign(TOKEN, query["timestamp"], query["nonce"], "sealed") == query["msg_signature"]
    assert sign(TOKEN, query["timestamp"], query["nonce"], "sealeD") != query["msg_signature"]
