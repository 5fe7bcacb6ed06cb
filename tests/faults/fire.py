"""Events under fire: senders that repeat until they hear 200, while servers, consumers and the database are killed."""

from __future__ import annotations

import base64
import hashlib
import http.client
import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg
import pyarrow.parquet as pq

from huitou.core.clock import SystemClock
from huitou.core.home import Home
from huitou.core.postgres import acquire
from tests.faults.product import environment, free_port
from tests.faults.servers import ROOT, eventually, kill, postmaster_of, supervisor_of

SOURCE = "fire"
USERS = 50
_MAKE_KEY = f"""
from huitou.core.boot import boot
boot()
from huitou.accounts.keys import create_key
from huitou.core.clock import SystemClock
print(create_key(name="fire", kind="write", source="{SOURCE}", clock=SystemClock()).secret)
"""


def event_id(message_id: str) -> str:
    """What the documentation says an event's id in the lake is."""
    return hashlib.blake2b(f"{SOURCE}\0{message_id}".encode(), digest_size=16).hexdigest()


@dataclass
class Sent:
    """What senders sent, and what they were told is safe."""

    offered: set[str] = field(default_factory=set)
    acknowledged: set[str] = field(default_factory=set)
    requests: int = 0
    answers: Counter[int] = field(default_factory=Counter)
    lock: threading.Lock = field(default_factory=threading.Lock)


class Sender(threading.Thread):
    """One client: batches in a random order, earlier messages among them again, each repeated until it is taken.

    One batch in eight is sent once and given up, whatever the answer: it may have arrived, or not.
    """

    def __init__(self, name: str, port: int, secret: str, sent: Sent, seed: int, stop: threading.Event) -> None:
        super().__init__(name=name, daemon=True)
        self._chance = random.Random(seed)
        self._port, self._sent, self._stop_asked = port, sent, stop
        self._authorization = "Basic " + base64.b64encode(f"{secret}:".encode()).decode()
        self._numbers = 0

    def run(self) -> None:
        while not self._stop_asked.is_set():
            fresh = [f"{self.name}-{self._numbers + n}" for n in range(self._chance.randint(1, 40))]
            self._numbers += len(fresh)
            known = sorted(self._sent.offered)
            again = self._chance.sample(known, min(len(known), self._chance.randint(0, 10)))
            ids = fresh + again + fresh[:2]
            self._chance.shuffle(ids)
            with self._sent.lock:
                self._sent.offered.update(fresh)
            gives_up = self._chance.random() < 0.125
            while not self._send(ids) and not gives_up:
                time.sleep(self._chance.uniform(0.02, 0.2))
            time.sleep(self._chance.uniform(0, 0.05))

    def _send(self, ids: list[str]) -> bool:
        body = {"batch": [_event(one) for one in ids], "sentAt": SystemClock().now().isoformat()}
        status = 0
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=20)
        with suppress(OSError, http.client.HTTPException):
            connection.request("POST", "/v1/batch", json.dumps(body), {"Authorization": self._authorization})
            status = connection.getresponse().status
        connection.close()
        with self._sent.lock:
            self._sent.requests += 1
            self._sent.answers[status] += 1
            if status == 200:
                self._sent.acknowledged.update(ids)
        return status == 200


def _event(message_id: str) -> dict[str, Any]:
    user = int(hashlib.sha256(message_id.encode()).hexdigest(), 16) % USERS
    return {
        "type": "track",
        "messageId": message_id,
        "userId": f"u{user}",
        "anonymousId": f"a{user}",
        "event": "Product Viewed",
        "properties": {"product_id": "S1", "note": f"said {message_id}"},
        "timestamp": SystemClock().now().isoformat(),
    }


@dataclass
class Store:
    """The product's processes over one data directory, each started again when it is gone."""

    home: Home
    port: int = field(default_factory=free_port)
    running: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    def make_key(self) -> str:
        made = subprocess.run(
            [sys.executable, "-c", _MAKE_KEY],
            cwd=ROOT,
            env=environment(self.home),
            capture_output=True,
            text=True,
            check=True,
        )
        return made.stdout.split()[-1]

    def tend(self) -> None:
        """Start what does not run: a web server and two workers."""
        for name in ("serve", "worker-1", "worker-2"):
            process = self.running.get(name)
            if process is None or process.poll() is not None:
                with (self.home.root.parent / f"{name}.log").open("ab") as log:
                    self.running[name] = subprocess.Popen(
                        [sys.executable, "-m", "config", name.partition("-")[0]],
                        cwd=ROOT,
                        env=environment(self.home, HUITOU_PORT=str(self.port)),
                        stdout=log,
                        stderr=log,
                    )

    def kill_one(self, chance: random.Random) -> str:
        """SIGKILL for somebody: a worker, the web server or its child, the database or its supervisor."""
        victim = chance.choice(("worker", "worker", "web", "web child", "postgres", "supervisor"))
        if victim == "worker":
            kill(self.running[f"worker-{chance.randint(1, 2)}"].pid)
        elif victim == "web":
            kill(self.running["serve"].pid)
        elif victim == "web child":
            pid = self.running["serve"].pid
            with suppress(OSError):
                children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
                kill(int(chance.choice(children)) if children else pid)
        else:
            with suppress(OSError, ValueError, KeyError, IndexError):
                kill(postmaster_of(self.home) if victim == "postgres" else supervisor_of(self.home))
        return victim

    def commits(self) -> int:
        """How often something came into the lake."""
        return len(list((self.home.root / "lake" / "fct_events" / "_delta_log").glob("*.json")))

    def stop(self) -> None:
        for process in self.running.values():
            process.send_signal(signal.SIGTERM)
        for process in self.running.values():
            try:
                process.wait(timeout=30)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


@contextmanager
def burning(home: Home) -> Iterator[Store]:
    """The product over an empty store; everything is killed at the end."""
    home.root.mkdir(parents=True, exist_ok=True)
    store = Store(home)
    try:
        yield store
    finally:
        for process in store.running.values():
            with suppress(ProcessLookupError):
                os.kill(process.pid, signal.SIGKILL)
            process.wait()


def under_fire(home: Home, *, kills: int, seed: int, senders: int = 4) -> dict[str, Any]:
    """Send, kill, stop, and count: every acknowledged message is a fact once, and no fact was not sent."""
    chance, sent, stop = random.Random(seed), Sent(), threading.Event()
    victims: Counter[str] = Counter()
    started = time.monotonic()
    with burning(home) as store:
        secret = store.make_key()
        threads = [Sender(f"s{n}", store.port, secret, sent, seed + n, stop) for n in range(senders)]
        for thread in threads:
            thread.start()
        # Half of the kills hit starts and recoveries; before the others something has come into the lake again.
        patiences = [60.0] * (kills - kills // 2) + [0.0] * (kills // 2)
        chance.shuffle(patiences)
        for patience in patiences:
            commits = store.commits()
            until = time.monotonic() + patience
            while store.commits() == commits and time.monotonic() < until:
                store.tend()
                time.sleep(0.02)
            until = time.monotonic() + chance.choice((0.05, 0.5, 3.0)) * chance.random()
            while time.monotonic() < until:
                store.tend()
                time.sleep(0.02)
            victims[store.kill_one(chance)] += 1
        stop.set()
        deadline = time.monotonic() + 180
        while any(thread.is_alive() for thread in threads) and time.monotonic() < deadline:
            store.tend()
            time.sleep(0.1)
        assert not any(thread.is_alive() for thread in threads), "a sender was never answered with 200"
        assert eventually(lambda: _is_drained(store), seconds=180), "events are left in the inbox"
        commits = store.commits() - 1
        store.stop()
    found = counted(home)
    assert sent.acknowledged, "something was acknowledged"
    missing = {one for one in sent.acknowledged if found[event_id(one)] != 1}
    assert not missing, f"{len(missing)} acknowledged messages are not there exactly once: {sorted(missing)[:5]}"
    invented = set(found) - {event_id(one) for one in sent.offered}
    assert not invented, f"{len(invented)} events that nobody sent"
    assert max(found.values()) == 1
    return {
        "seed": seed,
        "kills": dict(sorted(victims.items())),
        "requests": sent.requests,
        "answers": {str(status): count for status, count in sorted(sent.answers.items())},
        "acknowledged_messages": len(sent.acknowledged),
        "facts": sum(found.values()),
        "commits": commits,
        "given_up_and_never_acknowledged": len(sent.offered - sent.acknowledged),
        "seconds": round(time.monotonic() - started),
    }


def _is_drained(store: Store) -> bool:
    store.tend()
    try:
        with acquire(store.home) as lease, psycopg.connect(lease.url) as connection:
            row = connection.execute(
                "SELECT (SELECT count(*) FROM sources_inbox),"
                " (SELECT count(*) FROM core_lakebatch WHERE committed_at IS NULL)"
            ).fetchone()
    except psycopg.Error:
        return False
    return row == (0, 0)


def counted(home: Home) -> Counter[str]:
    """How often each event stands in the lake, read from the snapshot's files; and beside it in PostgreSQL."""
    from huitou.analytics.engines import Lake

    found: Counter[str] = Counter()
    for path in Lake(home.lake_url).files("fct_events"):
        found.update(pq.read_table(path, columns=["event_id"])["event_id"].to_pylist())
    with acquire(home) as lease, psycopg.connect(lease.url) as connection:
        details = connection.execute("SELECT count(*) FROM sources_eventdetail").fetchone()
        people = connection.execute("SELECT count(*) FROM customers_person").fetchone()
        letters = connection.execute("SELECT count(*) FROM sources_deadletter").fetchone()
    assert details == (len(found),), "what stays beside the person is there once as well"
    assert people is not None
    assert people[0] <= USERS
    assert letters == (0,)
    return found
