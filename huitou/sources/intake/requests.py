"""What a request of the event API says: its endpoint, its key, and its events, each as the bytes that were sent."""

from __future__ import annotations

import base64
import binascii
import zlib
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs

import msgspec
from django.utils.translation import gettext as _

from huitou.core.errors import DomainError
from huitou.sources.intake.bodies import Bodies
from huitou.sources.intake.details import error_words
from huitou.sources.intake.messages import KINDS, MAX_EVENT_BYTES, MAX_REQUEST_BYTES, TOO_DEEP, is_too_deep

MAX_REQUEST_EVENTS = 5_000
# A batch's context is kept with each of its events.
MAX_SHARED_BYTES = 4 * 1024 * 1024
BATCH = "batch"
# Long and short forms; the SDKs of browsers and phones use the short ones.
ENDPOINTS = {
    **{kind: kind for kind in KINDS},
    "batch": BATCH,
    "import": BATCH,
    "b": BATCH,
    "t": "track",
    "i": "identify",
    "p": "page",
    "s": "screen",
    "a": "alias",
    "g": "group",
}


class RequestError(DomainError):
    """A request that says nothing that could be kept."""

    def __init__(self, code: str, status: int, message: str) -> None:
        super().__init__(message, code=code)
        self.status = status


class _Batch(msgspec.Struct, rename="camel", gc=False):
    batch: list[msgspec.Raw]
    sent_at: str | None = None
    write_key: str | None = None
    # Not optional: msgspec takes Raw in a union for nothing at all. Empty where it is missing.
    context: msgspec.Raw = msgspec.Raw()


_decode_batch = msgspec.json.Decoder(_Batch).decode


@dataclass(slots=True)
class Request:
    """The events of one request and what they share."""

    payloads: list[bytes]
    sent_at: str | None
    write_key: str | None
    shared: bytes | None = None


def endpoint_of(path: str) -> str:
    """The endpoint of `/v1/...`, with or without a slash at the end. Raises RequestError."""
    endpoint = ENDPOINTS.get(path.removeprefix("/v1/").rstrip("/"))
    if endpoint is None:
        raise RequestError(
            "path_unknown",
            404,
            _("There is no %(path)s. Events are sent to /v1/batch, /v1/track, identify, page, screen, alias or group.")
            % {"path": path[:100]},
        )
    return endpoint


def shown_key(environ: dict[str, Any]) -> str | None:
    """The write key in the request's head: the user of basic authentication, `X-Write-Key`, or `?writeKey=`."""
    authorization: str = environ.get("HTTP_AUTHORIZATION", "")
    scheme, _space, credentials = authorization.partition(" ")
    if scheme.lower() == "basic":
        try:
            return base64.b64decode(credentials.strip(), validate=True).decode().partition(":")[0] or None
        except (binascii.Error, ValueError) as error:
            raise RequestError(
                "authorization_malformed",
                401,
                _("The Authorization header is not basic authentication. Send the write key as its user, no password."),
            ) from error
    if given := environ.get("HTTP_X_WRITE_KEY"):
        return str(given)
    query: str = environ.get("QUERY_STRING", "")
    return parse_qs(query).get("writeKey", [None])[0] if query else None


def read_body(environ: dict[str, Any], bodies: Bodies) -> bytes:
    """The body, unpacked. Raises RequestError where it is larger than a request may be or packed in another way,
    SlowBodyError where it does not arrive.
    """
    encoding = environ.get("HTTP_CONTENT_ENCODING", "").strip().lower()
    length = environ.get("CONTENT_LENGTH") or ""
    if length.isdigit() and int(length) > MAX_REQUEST_BYTES:
        raise _too_large()
    body = bodies.read(environ["wsgi.input"], MAX_REQUEST_BYTES + 1)
    if encoding in {"gzip", "x-gzip"}:
        return _unpack(body)
    if encoding not in {"", "identity"}:
        raise RequestError(
            "encoding_unknown",
            415,
            _("Content-Encoding %(encoding)s is not understood; send gzip or none.") % {"encoding": encoding[:50]},
        )
    if len(body) > MAX_REQUEST_BYTES:
        raise _too_large()
    return body


def _unpack(body: bytes) -> bytes:
    """Gzip, never into more than a request may hold: a small body can claim to be gigabytes."""
    unpacker = zlib.decompressobj(wbits=31)
    try:
        found = unpacker.decompress(body, MAX_REQUEST_BYTES + 1)
    except zlib.error as error:
        raise RequestError("gzip_malformed", 400, _("The body is not gzip, as its Content-Encoding says.")) from error
    if len(found) > MAX_REQUEST_BYTES:
        raise _too_large()
    if not unpacker.eof:
        raise RequestError("gzip_malformed", 400, _("The gzip body is cut short."))
    return found


def _too_large() -> RequestError:
    return RequestError(
        "request_too_large",
        413,
        _("A request has at most %(request)s KB, unpacked, and an event at most %(event)s KB. Send smaller batches.")
        % {"request": MAX_REQUEST_BYTES // 1024, "event": MAX_EVENT_BYTES // 1024},
    )


def parse_body(endpoint: str, body: bytes) -> Request:
    """The events of a body. Raises RequestError where it is no JSON, or no batch or event at all."""
    try:
        if endpoint == BATCH:
            batch = _decode_batch(body)
            context = bytes(batch.context)
            shared = context if context.startswith(b"{") else None
            if is_too_deep(context):
                raise msgspec.ValidationError(f"{TOO_DEEP} - at `$.context`")
            _check_size(batch.batch, shared)
            return Request([bytes(event) for event in batch.batch], batch.sent_at, batch.write_key, shared)
        return _one_event(endpoint, body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise RequestError(
            "body_malformed",
            400,
            _("The body cannot be read: %(reason)s. Nothing was taken.") % {"reason": error_words(error)},
        ) from error


def _check_size(payloads: list[msgspec.Raw], shared: bytes | None) -> None:
    """Refuse a batch of too many events, or one whose shared context, kept with each of them, would grow too large."""
    if len(payloads) > MAX_REQUEST_EVENTS:
        raise RequestError(
            "too_many_events",
            413,
            _("A request has at most %(limit)s events. Send smaller batches.") % {"limit": MAX_REQUEST_EVENTS},
        )
    if shared is None:
        return
    if len(shared) > MAX_EVENT_BYTES:
        raise RequestError(
            "context_too_large",
            413,
            _("The context of a batch has at most %(limit)s KB. Put into the single events what not all of them need.")
            % {"limit": MAX_EVENT_BYTES // 1024},
        )
    if len(shared) * len(payloads) > MAX_SHARED_BYTES:
        raise RequestError(
            "context_too_large",
            413,
            _("The context of a batch, times its events, has at most %(limit)s MB. Send a smaller context or batch.")
            % {"limit": MAX_SHARED_BYTES // 1024**2},
        )


def _one_event(endpoint: str, body: bytes) -> Request:
    """The event of a single call. Its type is the endpoint's, and the key that browsers put into it is taken out."""
    told = msgspec.json.decode(body)
    if not isinstance(told, dict):
        raise msgspec.ValidationError("Expected `object`")
    write_key = told.pop("writeKey", None)
    told["type"] = endpoint
    return Request([msgspec.json.encode(told)], None, write_key if isinstance(write_key, str) else None)
