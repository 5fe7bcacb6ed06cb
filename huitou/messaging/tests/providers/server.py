"""A threaded HTTP server on loopback that breaks on demand: before it reads, after it has done the work, half way."""

from __future__ import annotations

import json
import random
import socket
import struct
import threading
import time
from abc import ABC, abstractmethod
from collections import Counter, deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any
from urllib.parse import parse_qsl, urlsplit


@dataclass(frozen=True)
class Asked:
    """One request as it came."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True)
class Answered:
    status: int
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)


def as_json(content: object, status: int = 200) -> Answered:
    return Answered(status, json.dumps(content, ensure_ascii=False).encode(), {"Content-Type": "application/json"})


# What the server does with a request beside answering it.
FINE, RESET_BEFORE, RESET_AFTER, HALF, GARBAGE, SLOW, EMPTY = (
    "fine",
    "reset_before",
    "reset_after",
    "half",
    "garbage",
    "slow",
    "empty",
)
BREAKS = (RESET_BEFORE, RESET_AFTER, HALF, GARBAGE, EMPTY)


class Provider(ABC):
    """Answers requests by `answer`. `plan` says how the next requests break; `rates` how often the others do."""

    def __init__(self, *, seed: int = 7) -> None:
        self.plan: deque[str] = deque()
        self.rates: dict[str, float] = {}
        self.delay = 0.0
        self.asked: list[Asked] = []
        self.counts: Counter[str] = Counter()
        self.lock = threading.RLock()
        self.random = random.Random(seed)
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)

    @abstractmethod
    def answer(self, asked: Asked) -> Answered:
        """What the provider answers to a request that came whole."""

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> Any:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def next_break(self) -> str:
        with self.lock:
            if self.plan:
                return self.plan.popleft()
            drawn = self.random.random()
            for kind, rate in self.rates.items():
                if drawn < rate:
                    return kind
                drawn -= rate
            return FINE


def _handler(provider: Provider) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._serve()

        def do_POST(self) -> None:
            self._serve()

        def log_message(self, format: str, *args: object) -> None:
            """Quiet."""

        def _serve(self) -> None:
            broken = provider.next_break()
            provider.counts[broken] += 1
            if broken == RESET_BEFORE:
                return self._reset()
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            parts = urlsplit(self.path)
            asked = Asked(
                self.command,
                parts.path,
                dict(parse_qsl(parts.query, keep_blank_values=True)),
                {name.lower(): value for name, value in self.headers.items()},
                body,
            )
            with provider.lock:
                provider.asked.append(asked)
            answered = Answered(502, b"<html>bad gateway</html>") if broken == GARBAGE else provider.answer(asked)
            if provider.delay or broken == SLOW:
                time.sleep(provider.delay or 1.5)
            if broken == RESET_AFTER:
                return self._reset()
            if broken == EMPTY:
                answered = Answered(answered.status, b"")
            self.send_response(answered.status)
            for name, value in answered.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(answered.body)))
            self.end_headers()
            self.wfile.write(answered.body[: len(answered.body) // 2] if broken == HALF else answered.body)
            return None

        def _reset(self) -> None:
            # A close that does not wait for what is unsent makes the other side see a reset.
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.connection.close()
            self.close_connection = True

        def finish(self) -> None:
            try:
                super().finish()
            except (OSError, ValueError):
                return

        def handle(self) -> None:
            try:
                super().handle()
            except (OSError, ValueError):
                return

    return Handler
