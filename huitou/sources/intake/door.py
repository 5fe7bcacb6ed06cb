"""The door for events: a lean WSGI application that stands in front of Django for `/v1/...`.

A request is read, recognized, checked event by event, stored and committed, and only then answered with 200. What
cannot be taken is refused as a whole before anything is stored (401, 404, 413, 429, 503), or event by event as dead
letters that an operator can mend and replay.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterable
from contextlib import suppress
from typing import Any
from wsgiref.types import StartResponse

import msgspec
import psycopg
from django.conf import settings
from django.db import Error as DjangoDatabaseError
from django.utils import translation
from django.utils.translation import gettext as _
from psycopg_pool import PoolTimeout

from huitou.core.clock import Clock, SystemClock
from huitou.core.errors import DomainError
from huitou.sources.intake.bodies import PATIENCE_SECONDS, Bodies, SlowBodyError
from huitou.sources.intake.details import detail_words
from huitou.sources.intake.keys import Keys, Sender
from huitou.sources.intake.messages import MAX_REQUEST_BYTES, check_event, parse_instant
from huitou.sources.intake.pressure import Pressure
from huitou.sources.intake.refusals import Refusal, reason_label, reason_sentence
from huitou.sources.intake.requests import Request, RequestError, endpoint_of, parse_body, read_body, shown_key
from huitou.sources.intake.storing import Arrival, LettersFullError, Store, letter_row

logger = logging.getLogger(__name__)
PREFIX = "/v1/"
_BUSY_RETRY_SECONDS = 1
_BUSY_READ_SECONDS = 1.0
# Somebody has to mend the sender, or to replay or discard what waits.
_LETTERS_RETRY_SECONDS = 60
_ANYWHERE = ("Access-Control-Allow-Origin", "*")
_JSON = ("Content-Type", "application/json")
_PHRASES = {
    200: "OK",
    204: "No Content",
    400: "Bad Request",
    401: "Unauthorized",
    404: "Not Found",
    405: "Method Not Allowed",
    413: "Content Too Large",
    415: "Unsupported Media Type",
    429: "Too Many Requests",
    500: "Internal Server Error",
    503: "Service Unavailable",
}
_TAKEN = b'{"success":true}'
# How many refused events an answer tells about; all of them are kept.
_MOST_TOLD = 20


class LaterError(DomainError):
    """Not now: nothing was taken, the same request is welcome after `retry_after` seconds."""

    def __init__(self, code: str, status: int, message: str, retry_after: int) -> None:
        super().__init__(message, code=code)
        self.status = status
        self.retry_after = retry_after


class Door:
    """The application. At most `inflight` requests are inside, of which `storing` write; others are told to come again.

    The limit leaves some of the server's threads to the console, however many events come.
    """

    def __init__(
        self,
        *,
        clock: Clock | None = None,
        inflight: int = 20,
        storing: int = 6,
        body_seconds: float = PATIENCE_SECONDS,
        cached_seconds: float | None = None,
    ) -> None:
        self._clock = clock or SystemClock()
        self._store = Store(storing)
        self._keys = Keys(self._clock) if cached_seconds is None else Keys(self._clock, cached_seconds)
        self._pressure = Pressure(self._store, lambda: settings.INBOX_MAX_EVENTS)
        self._places = threading.BoundedSemaphore(inflight)
        # Senders that stop in the midst never hold more than half of the places.
        self._bodies = Bodies(own=inflight // 2, seconds=body_seconds)

    def close(self) -> None:
        """Give the connections back."""
        self._store.close()

    def __call__(self, environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        method = environ["REQUEST_METHOD"]
        with translation.override(_language(environ)):
            if method == "POST":
                status, body, more = self._answer(environ)
            elif method == "OPTIONS":
                status, body, more = 204, b"", _preflight(environ)
            else:
                error = RequestError("method_not_allowed", 405, _("Events are sent with POST."))
                status, body, more = 405, _told(error), [("Allow", "POST, OPTIONS")]
        start_response(f"{status} {_PHRASES[status]}", [_JSON, _ANYWHERE, ("Content-Length", str(len(body))), *more])
        return [body]

    def _answer(self, environ: dict[str, Any]) -> tuple[int, bytes, list[tuple[str, str]]]:
        try:
            if not self._places.acquire(blocking=False):
                # A small body is read all the same: an answer before that breaks the connection for some clients.
                length = environ.get("CONTENT_LENGTH") or ""
                if length.isdigit() and int(length) <= MAX_REQUEST_BYTES:
                    with suppress(SlowBodyError):
                        self._bodies.read_beside(environ["wsgi.input"], MAX_REQUEST_BYTES + 1, _BUSY_READ_SECONDS)
                raise LaterError("busy", 429, _("Too many requests at once."), _BUSY_RETRY_SECONDS)
            try:
                return self._take(environ)
            finally:
                self._places.release()
        except SlowBodyError:
            message = _("The body did not arrive in time. Nothing was taken; send it again.")
            slow = LaterError("body_slow", 503, message, _BUSY_RETRY_SECONDS)
            return slow.status, _told(slow), _headers(slow)
        except DomainError as error:
            return error.status, _told(error), _headers(error)
        except (psycopg.OperationalError, PoolTimeout, DjangoDatabaseError) as error:
            logger.warning("intake: the database does not answer: %s", error)
            message = _("The events could not be stored. Send the same request again.")
            later = LaterError("unavailable", 503, message, _BUSY_RETRY_SECONDS)
            return later.status, _told(later), _headers(later)
        except Exception:
            logger.exception("intake: a request failed")
            return 500, _told(RequestError("failed", 500, _("Taking the request failed. Send it again."))), []

    def _take(self, environ: dict[str, Any]) -> tuple[int, bytes, list[tuple[str, str]]]:
        endpoint = endpoint_of(environ["PATH_INFO"])
        if (seconds := self._pressure.retry_after()) is not None:
            raise LaterError("inbox_full", 429, _("More events wait than may. Nothing was taken; send again."), seconds)
        secret = shown_key(environ)
        sender = self._recognize(secret) if secret is not None else None
        request = parse_body(endpoint, read_body(environ, self._bodies))
        if sender is None:
            sender = self._recognize(request.write_key)
        return self._store_request(sender, request)

    def _recognize(self, secret: str | None) -> Sender:
        sender = self._keys.find(secret) if secret else None
        if sender is None:
            raise RequestError(
                "key_invalid",
                401,
                _("No valid write key. Send it as the user of basic authentication, or as writeKey in the body.")
                if secret
                else _("The write key is missing. Send it as the user of basic authentication."),
            )
        return sender

    def _store_request(self, sender: Sender, request: Request) -> tuple[int, bytes, list[tuple[str, str]]]:
        received_at = self._clock.now()
        spoiled: Refusal | None = None
        sent_at = None
        if request.sent_at:
            try:
                sent_at = parse_instant(request.sent_at)
            except ValueError:
                spoiled = Refusal("time_malformed", f"sentAt {request.sent_at!r}"[:200])
        arrival = Arrival(sender, received_at, sent_at, request.shared)
        taken: list[bytes] = []
        refused: list[tuple[int, bytes, Refusal]] = []
        for index, payload in enumerate(request.payloads):
            refusal = spoiled or check_event(payload, received_at=received_at, sent_at=sent_at)
            if refusal is None:
                taken.append(payload)
            else:
                refused.append((index, payload, refusal))
        letters = [letter_row(arrival, payload, refusal) for _index, payload, refusal in refused]
        if taken or letters:
            try:
                self._store.put(arrival, taken, letters)
            except LettersFullError as error:
                message = _(
                    "%(count)s of these events cannot be taken (%(reason)s), and no more refused events of this feed "
                    "are kept. Nothing was taken: mend them, or send the others without them."
                ) % {"count": len(refused), "reason": reason_label(refused[0][2].reason)}
                raise LaterError("letters_full", 429, message, _LETTERS_RETRY_SECONDS) from error
        if not refused:
            return 200, _TAKEN, []
        return _report(taken=len(taken), refused=refused, letters=letters)


def _report(
    *, taken: int, refused: list[tuple[int, bytes, Refusal]], letters: list[dict[str, Any]]
) -> tuple[int, bytes, list[tuple[str, str]]]:
    """The answer to a request of which something was refused: an error only where nothing was taken."""
    told = [
        {
            "index": index,
            "messageId": letter["message_id"] or None,
            "code": refusal.reason,
            "message": reason_sentence(refusal.reason),
            "detail": detail_words(refusal.detail),
        }
        for (index, _payload, refusal), letter in zip(refused[:_MOST_TOLD], letters, strict=False)
    ]
    answer: dict[str, Any] = {"success": taken > 0, "accepted": taken, "refused": len(refused), "rejected": told}
    if not taken:
        answer |= {"code": told[0]["code"], "message": told[0]["message"]}
        status = 413 if refused[0][2].reason == "too_large" else 400
        return status, msgspec.json.encode(answer), []
    return 200, msgspec.json.encode(answer), []


def _told(error: DomainError) -> bytes:
    return msgspec.json.encode({"success": False, "code": error.code, "message": str(error)})


def _headers(error: DomainError) -> list[tuple[str, str]]:
    if isinstance(error, LaterError):
        return [("Retry-After", str(error.retry_after))]
    if error.status == 401:
        return [("WWW-Authenticate", 'Basic realm="write key"')]
    return []


def _preflight(environ: dict[str, Any]) -> list[tuple[str, str]]:
    """What browsers ask before they send JSON to another site. Any site may send: the write key says for whom."""
    asked = environ.get("HTTP_ACCESS_CONTROL_REQUEST_HEADERS", "")
    allowed = asked if asked.isascii() and asked.isprintable() and len(asked) < 1000 else ""
    return [
        ("Access-Control-Allow-Methods", "POST, OPTIONS"),
        ("Access-Control-Allow-Headers", allowed or "authorization, content-type, content-encoding"),
        ("Access-Control-Max-Age", "86400"),
    ]


def _language(environ: dict[str, Any]) -> str:
    return "zh-hans" if environ.get("HTTP_ACCEPT_LANGUAGE", "").lower().startswith("zh") else "en"
