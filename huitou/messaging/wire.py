"""The way out to providers: one call, one answer, and an honest word on what is known when none came.

A touch is sent at most once, so what matters is whether anything left this machine. Before that a failure is definite
and may be tried again; after it nobody can tell, and the touch becomes unknown. Connections are therefore never
reused: a kept one that the other side has closed meanwhile could not be told from a lost answer.

The name is resolved once and the connection goes to the address that was looked at, so that a name cannot lead to this
machine or to where a cloud tells secrets. Redirections are not followed.
"""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from ipaddress import ip_address
from typing import Any
from urllib.parse import SplitResult, urlsplit, urlunsplit

import httpx

from huitou.core.clock import Clock
from huitou.sources.connections.transport import is_refused

_CONNECT_SECONDS = 5.0
ANSWER_SECONDS = 15.0
_ANSWER_BYTES = 4 << 20
# An answer that comes a byte at a time would hold a worker for ever.
_WHOLE_ANSWER_SECONDS = 60.0
_LONGEST_WAIT_SECONDS = 24 * 3600
# Whether this machine may be called. Tests switch it on for their contract servers.
LOOPBACK = False


@dataclass(frozen=True)
class Reply:
    """What a provider answered; names of headers are lower case."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""


class NotSentError(Exception):
    """Nothing left this machine. `permanent` where trying again cannot help: the address may not be called."""

    def __init__(self, reason: str, *, permanent: bool = False) -> None:
        super().__init__(reason)
        self.permanent = permanent


class NoAnswerError(Exception):
    """Something left this machine and nothing certain came back."""


@dataclass(frozen=True)
class Wire:
    """Calls providers. `loopback` lets it call this machine, and without https: for tests only."""

    loopback: bool = False
    answer_seconds: float = ANSWER_SECONDS

    def post(self, url: str, content: bytes, headers: Mapping[str, str]) -> Reply:
        """Send `content`. Raises NotSentError or NoAnswerError."""
        return self._call("POST", url, content, headers)

    def get(self, url: str, headers: Mapping[str, str] | None = None) -> Reply:
        """Ask without a body. Raises NotSentError or NoAnswerError."""
        return self._call("GET", url, b"", headers or {})

    def _call(self, method: str, url: str, content: bytes, headers: Mapping[str, str]) -> Reply:
        parts = self._checked(url)
        address = look_up(parts.hostname or "", parts.port or _port(parts), loopback=self.loopback)
        place = f"[{address}]" if ":" in address else address
        netloc = f"{place}:{parts.port}" if parts.port else place
        pinned = urlunsplit((parts.scheme, netloc, parts.path or "/", parts.query, ""))
        told = {"User-Agent": "Huitou", **headers, "Host": parts.netloc}
        timeout = httpx.Timeout(self.answer_seconds, connect=_CONNECT_SECONDS)
        limits = httpx.Limits(max_keepalive_connections=0)
        # A proxy of the environment would make its own choice of addresses.
        with httpx.Client(timeout=timeout, limits=limits, trust_env=False, follow_redirects=False) as client:
            request = client.build_request(method, pinned, content=content or None, headers=told)
            request.extensions["sni_hostname"] = parts.hostname
            return _answer(client, request)

    def _checked(self, url: str) -> SplitResult:
        try:
            parts = urlsplit(url)
            _ = parts.port
        except ValueError as error:
            raise NotSentError("address_refused", permanent=True) from error
        safe = parts.scheme == "https" or (self.loopback and parts.scheme == "http")
        if not safe or not parts.hostname or parts.username:
            raise NotSentError("address_refused", permanent=True)
        return parts


def open_wire() -> Wire:
    """The way out as this process may use it."""
    return Wire(LOOPBACK, ANSWER_SECONDS)


def look_up(host: str, port: int, *, loopback: bool = False) -> str:
    """The address of a name, every one of which may be called. Raises NotSentError."""
    try:
        found = [str(told[4][0]).split("%")[0] for told in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]
    except (OSError, UnicodeError) as error:
        raise NotSentError("name_unknown") from error
    if any(is_refused(ip_address(address), loopback=loopback) for address in found):
        raise NotSentError("address_refused", permanent=True)
    return sorted(found, key=lambda address: ":" in address)[0]


def read_json(body: bytes) -> Any:
    """What a JSON text says. Raises ValueError, also where it is nested without end."""
    try:
        return json.loads(body)
    except RecursionError as error:
        raise ValueError("nested too deeply") from error


def retry_seconds(reply: Reply, clock: Clock) -> int | None:
    """What Retry-After says, in seconds or as a date, at most a day; None where it says nothing readable."""
    said = reply.headers.get("retry-after", "").strip()
    if said.isascii() and said.isdigit():
        return min(int(said[:9]), _LONGEST_WAIT_SECONDS)
    try:
        wait = (parsedate_to_datetime(said) - clock.now()).total_seconds()
    except (ValueError, TypeError):
        return None
    return max(0, min(int(wait), _LONGEST_WAIT_SECONDS))


def _answer(client: httpx.Client, request: httpx.Request) -> Reply:
    try:
        with_answer = client.send(request, stream=True)
    except (httpx.ConnectError, httpx.ConnectTimeout) as error:
        raise NotSentError("unreachable") from error
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        # What it says may quote the address with a token in it; the kind tells enough.
        raise NoAnswerError(type(error).__name__) from error
    try:
        body, end = b"", time.monotonic() + _WHOLE_ANSWER_SECONDS
        for chunk in with_answer.iter_bytes():
            body += chunk
            if len(body) > _ANSWER_BYTES:
                raise NoAnswerError("answer_too_large")
            if time.monotonic() > end:
                raise NoAnswerError("answer_too_slow")
    except httpx.HTTPError as error:
        raise NoAnswerError(type(error).__name__) from error
    finally:
        with_answer.close()
    return Reply(with_answer.status_code, {n.lower(): v for n, v in with_answer.headers.items()}, body)


def _port(parts: SplitResult) -> int:
    return 443 if parts.scheme == "https" else 80
