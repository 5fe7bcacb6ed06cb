"""A gate in front of the real server that says 429 for a while, as the server does when its inbox is full."""

from __future__ import annotations

import gzip
import json
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass
class Gate:
    """Where it listens, how many requests it still turns away, and what it saw of each."""

    target: str
    refusals: int = 0
    url: str = ""
    seen: list[dict[str, Any]] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)


@contextmanager
def gate_to(target: str, *, refusals: int) -> Iterator[Gate]:
    """A gate to the server at `target` that turns the first `refusals` requests away."""
    gate = Gate(target, refusals)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            with gate.lock:
                turned_away = gate.refusals > 0
                gate.refusals -= turned_away
                gate.seen.append(_seen(self.path, dict(self.headers), body, turned_away))
            if turned_away:
                self._answer(429, b'{"success":false}', {"Retry-After": "1"})
                return
            request = urllib.request.Request(gate.target + self.path, data=body, headers=dict(self.headers))
            try:
                with urllib.request.urlopen(request, timeout=30) as answer:
                    self._answer(answer.status, answer.read(), {})
            except urllib.error.HTTPError as error:
                with error:
                    self._answer(error.code, error.read(), {})

        def _answer(self, status: int, body: bytes, headers: dict[str, str]) -> None:
            self.send_response(status)
            for name, value in {**headers, "Content-Length": str(len(body))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            """Tests read `seen` instead."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    gate.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield gate
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def _seen(path: str, headers: dict[str, str], body: bytes, turned_away: bool) -> dict[str, Any]:
    packed = headers.get("Content-Encoding", "") == "gzip"
    told = json.loads(gzip.decompress(body) if packed else body)
    return {
        "path": path,
        "packed": packed,
        "turned_away": turned_away,
        "messages": [event["messageId"] for event in told.get("batch", [told])],
    }
