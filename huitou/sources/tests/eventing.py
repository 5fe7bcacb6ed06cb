"""What tests of events share: a door and a key, requests to it, and what arrived in the lake."""

from __future__ import annotations

import base64
import gzip
import io
import json
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from huitou.accounts.keys import create_key
from huitou.analytics.engines import Lake
from huitou.core.clock import Clock
from huitou.core.home import Home
from huitou.sources.consuming.consumer import Consumed, consume_once
from huitou.sources.intake.door import Door

NOW = datetime(2026, 3, 10, 8, 0, tzinfo=UTC)


@dataclass
class Turning:
    """A clock that a test turns."""

    instant: datetime = NOW

    def now(self) -> datetime:
        return self.instant


@dataclass
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class Client:
    """Sends requests to a door as a WSGI server would."""

    door: Door
    secret: str
    clock: Turning = field(default_factory=Turning)

    def post(
        self,
        path: str,
        body: Any,
        *,
        key: str | None = "",
        packed: bool = False,
        method: str = "POST",
        **environ: str,
    ) -> Answer:
        """`key` empty is the client's own, None is none at all; a body that is no bytes is sent as JSON."""
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        if packed:
            raw, environ["HTTP_CONTENT_ENCODING"] = gzip.compress(raw), "gzip"
        secret = self.secret if key == "" else key
        if secret is not None:
            environ["HTTP_AUTHORIZATION"] = "Basic " + base64.b64encode(f"{secret}:".encode()).decode()
        told: list[Any] = []

        def start_response(status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Any:
            told.extend((int(status.split()[0]), dict(headers)))

        answer = b"".join(
            self.door(
                {
                    "REQUEST_METHOD": method,
                    "PATH_INFO": path,
                    "QUERY_STRING": "",
                    "CONTENT_LENGTH": str(len(raw)),
                    "wsgi.input": io.BytesIO(raw),
                    **environ,
                },
                start_response,
            )
        )
        return Answer(told[0], told[1], answer)

    def batch(self, *events: dict[str, Any], **more: Any) -> Answer:
        return self.post("/v1/batch", {"batch": list(events), **more})


def make_client(clock: Turning | None = None, *, source: str = "shop", channel: str = "", **door: Any) -> Client:
    """A door with a write key of feed `source`. Whoever makes it closes the door."""
    clock = clock or Turning()
    made = create_key(name="test", kind="write", source=source, channel=channel, clock=clock)
    return Client(Door(clock=clock, **door), made.secret, clock)


def track(message_id: str | None = "m1", event: str | None = "Product Viewed", **more: Any) -> dict[str, Any]:
    """A track call at the tests' now; fields that are None are left out."""
    told = {"type": "track", "messageId": message_id, "userId": "u1", "event": event, "timestamp": NOW.isoformat()}
    return {name: value for name, value in {**told, **more}.items() if value is not None}


def consume(home: Home, clock: Clock) -> Consumed:
    """Everything that waits, taken in."""
    total = Consumed()
    while (consumed := consume_once(home=home, clock=clock)).claimed:
        total += consumed
    return total


def facts(home: Home, table: str = "fct_events") -> list[dict[str, Any]]:
    """The table's rows as pyarrow reads its files, without an engine of ours; by event."""
    import pyarrow.parquet as pq

    rows: list[dict[str, Any]] = []
    for path in Lake(home.lake_url).files(table):
        rows += pq.read_table(path).to_pylist()
    return sorted(rows, key=lambda row: (row["occurred_at"], row.get("event_id", "")))
