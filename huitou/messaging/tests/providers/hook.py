"""The other side of a webhook: it checks signature and time, does each message once by its key, and refuses."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from collections import Counter, deque
from typing import Any

from huitou.messaging.tests.providers.server import Answered, Asked, Provider, as_json

SECRET = "whsec_" + base64.b64encode(bytes(range(64, 96))).decode()


class Hook(Provider):
    """`statuses` are given to the next messages in place of 200."""

    def __init__(self, **given: Any) -> None:
        super().__init__(**given)
        self.statuses: deque[tuple[int, dict[str, str]]] = deque()
        self.taken: Counter[str] = Counter()
        self.bodies: list[dict[str, Any]] = []

    def answer(self, asked: Asked) -> Answered:
        key = asked.headers.get("webhook-id", "")
        told = asked.headers.get("webhook-timestamp", "")
        secret = base64.b64decode(SECRET[len("whsec_") :])
        mac = hmac.new(secret, digestmod=hashlib.sha256)
        for part in (key, ".", told, "."):
            mac.update(part.encode())
        mac.update(asked.body)
        expected = "v1," + base64.standard_b64encode(mac.digest()).decode()
        if asked.headers.get("webhook-signature") != expected or abs(time.time() - int(told or 0)) > 300:
            return as_json({"error": "signature"}, 401)
        with self.lock:
            if self.statuses:
                status, headers = self.statuses.popleft()
                return Answered(status, b"{}", headers)
            body = json.loads(asked.body)
            self.bodies.append(body)
            if body["type"] == "message":
                assert asked.headers["idempotency-key"] == key == body["id"]
                self.taken[key] += 1
        return as_json({"id": f"hook-{key}"})


def signed(body: bytes, *, secret: str = SECRET, at: float | None = None, key: str = "evt-1") -> dict[str, str]:
    """Headers of a request that the other side sends to us."""
    told = str(int(time.time() if at is None else at))
    raw = base64.b64decode(secret[len("whsec_") :])
    mac = hmac.new(raw, f"{key}.{told}.".encode() + body, "sha256")
    return {
        "webhook-id": key,
        "webhook-timestamp": told,
        "webhook-signature": "v1," + base64.b64encode(mac.digest()).decode(),
    }
