"""Events over HTTP against a plain COPY of the same rows, and how fast the consumer drains them, in one run.

    python benchmarks/ingest.py [--events 200000] [--drain 1000000] [--seen-millions 30] [--seed 11]

The peer comes first: one connection that durably COPYs the same rows into the same indexed inbox, in the same server
with the settings it runs with, a commit for each batch. Then four client connections send the same batches to
`huitou serve`, with write key, validation and dead letters at work; clients are processes of their own that write
prepared bytes into sockets. Claim: HTTP reaches half of the COPY.

The consumer takes a backlog of a million events, with the hashes of thirty days present. Claim: 10,000 a second.
"""

from __future__ import annotations

import argparse
import base64
import json
import multiprocessing
import os
import platform
import random
import signal
import socket
import statistics
import struct
import subprocess
import sys
import tempfile
import time
import urllib.request
from datetime import UTC, datetime, timedelta
from importlib.metadata import version
from multiprocessing.synchronize import Barrier
from pathlib import Path
from time import perf_counter, process_time
from typing import Any

import psutil
import psycopg

ROOT = Path(__file__).resolve().parents[1]
CONNECTIONS = 4
NAMES = ("Product Viewed", "Product Added", "Product List Viewed", "Coupon Clicked", "Video Played", "Checked In")


def events(count: int, *, seed: int, users: int, prefix: str = "") -> list[bytes]:
    """Track calls of about 700 bytes, as a web SDK sends them; one in fifty repeats an earlier message."""
    rng = random.Random(seed)
    now = datetime.now(tz=UTC)
    made: list[bytes] = []
    for number in range(count):
        if number and number % 50 == 0:
            made.append(made[rng.randrange(max(0, number - 10_000), number)])
            continue
        user = rng.randrange(users)
        at = (now - timedelta(seconds=rng.randrange(86_400))).isoformat(timespec="milliseconds")
        told = {
            "type": "track",
            "messageId": f"{prefix}{rng.getrandbits(128):032x}",
            "userId": f"user-{user:08d}",
            "anonymousId": f"{user:08x}-7c11-4d0b-9a3e-0242ac120002",
            "event": rng.choice(NAMES),
            "timestamp": at,
            "originalTimestamp": at,
            "properties": {
                "product_id": f"SKU{rng.randrange(3000):05d}",
                "category": rng.choice(("skin", "hair", "baby", "health")),
                "price": rng.randrange(100, 20_000) / 100,
                "quantity": rng.randrange(1, 5),
                "currency": "CNY",
                "position": rng.randrange(40),
                "coupon": f"C{rng.randrange(100)}",
            },
            "context": {
                "library": {"name": "analytics.js", "version": "2.11.1"},
                "page": {"path": "/p", "url": "https://shop.example/p?x=1", "title": "Shop"},
                "userAgent": "Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X) AppleWebKit/605.1.15",
                "locale": "zh-CN",
            },
            "integrations": {},
        }
        text = json.dumps(told, ensure_ascii=False, separators=(",", ":")).encode()
        made.append(text)
    return made


def copy_rows(payloads: list[bytes], key_id: int) -> bytes:
    """The rows of one batch in binary COPY format, laid out before the clock runs."""
    micros = int((time.time() - 946_684_800) * 1_000_000)
    same = struct.pack("!hiqiqiqiii", 7, 8, micros, 8, key_id, 8, micros, -1, -1, -1)
    rows = b"".join(same + struct.pack("!i", len(payload)) + payload for payload in payloads)
    return b"PGCOPY\n\xff\r\n\0" + bytes(8) + rows + b"\xff\xff"


def copy_peer(url: str, payloads: list[bytes], size: int, key_id: int) -> float:
    """Events a second of one connection that COPYs batch after batch, each durable before the next."""
    blocks = [copy_rows(payloads[start : start + size], key_id) for start in range(0, len(payloads), size)]
    statement = (
        "COPY sources_inbox (received_at, key_id, sent_at, shared, message_id, letter_id, payload)"
        " FROM STDIN (FORMAT BINARY)"
    )
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("TRUNCATE sources_inbox")
        connection.execute("CHECKPOINT")
        started = perf_counter()
        for block in blocks:
            with connection.cursor().copy(statement) as copy:
                copy.write(block)
        seconds = perf_counter() - started
    return len(payloads) / seconds


def _client(port: int, secret: str, payloads: list[bytes], size: int, barrier: Barrier, results: Any) -> None:
    """One connection: requests prepared, then written one after the other, each answer awaited."""
    authorization = base64.b64encode(f"{secret}:".encode()).decode()
    requests = []
    for start in range(0, len(payloads), size):
        sent_at = datetime.now(tz=UTC).isoformat()
        body = b'{"batch":[' + b",".join(payloads[start : start + size]) + f'],"sentAt":"{sent_at}"}}'.encode()
        head = (
            f"POST /v1/batch HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Basic {authorization}\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        requests.append(head.encode() + body)
    with socket.create_connection(("127.0.0.1", port)) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        barrier.wait()
        started = time.time()
        for request in requests:
            connection.sendall(request)
            answer = connection.recv(65_536)
            while b'{"success":true}' not in answer:
                more = connection.recv(65_536)
                if not more or b" 200 " not in answer[:20]:
                    raise RuntimeError(f"not taken: {answer + more!r}")
                answer += more
        results.put((started, time.time()))


def http(port: int, secret: str, payloads: list[bytes], size: int, url: str) -> float:
    """Events a second over all connections, from the first request to the last answer."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("TRUNCATE sources_inbox")
        connection.execute("CHECKPOINT")
    barrier = multiprocessing.Barrier(CONNECTIONS)
    results: Any = multiprocessing.Queue()
    share = len(payloads) // CONNECTIONS // size * size
    clients = [
        multiprocessing.Process(
            target=_client, args=(port, secret, payloads[n * share : (n + 1) * share], size, barrier, results)
        )
        for n in range(CONNECTIONS)
    ]
    for client in clients:
        client.start()
    times = [results.get(timeout=600) for _ in clients]
    for client in clients:
        client.join()
    with psycopg.connect(url) as connection:
        stored = connection.execute("SELECT count(*) FROM sources_inbox").fetchone()
    assert stored == (share * CONNECTIONS,), f"{stored} rows stored"
    return share * CONNECTIONS / (max(end for _, end in times) - min(start for start, _ in times))


def fill_seen(url: str, millions: int) -> float:
    """Random hashes of the thirty days before today, in the partitions that they would be in; returns seconds."""
    from huitou.sources.consuming.seen import DAYS, list_partitions, make_partition

    started = perf_counter()
    today = datetime.now(tz=UTC).date()
    each = millions * 1_000_000 // DAYS
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("SET synchronous_commit = off")
        for back in range(DAYS, 0, -1):
            day = today - timedelta(days=back)
            make_partition(day)
            table = next(partition.table for partition in list_partitions() if partition.holds(day))
            connection.execute(f"INSERT INTO {table} SELECT '{day}', gen_random_uuid() FROM generate_series(1, {each})")
        connection.execute("VACUUM ANALYZE sources_seen")
    return perf_counter() - started


def drain(url: str, count: int, key_id: int, seed: int, home: Any) -> dict[str, Any]:
    """The consumer alone against a backlog: every batch committed to the lake."""
    from django.db import connection as session

    from huitou.core.clock import SystemClock
    from huitou.sources.consuming.consumer import consume_once

    block = 100_000
    distinct = []
    for start in range(0, count, block):
        payloads = events(min(block, count - start), seed=seed + start, users=200_000, prefix=f"{start:x}-")
        distinct.append(len(set(payloads)))
        copy_block(url, payloads, key_id)
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("VACUUM ANALYZE sources_inbox")
        connection.execute("CHECKPOINT")
    session.ensure_connection()
    backend = psutil.Process(session.connection.info.backend_pid)
    spent = process_time() + sum(backend.cpu_times()[:2])
    started, batches, accepted = perf_counter(), [], 0
    while True:
        before = perf_counter()
        consumed = consume_once(home=home, clock=SystemClock())
        if not consumed.claimed:
            break
        batches.append(round(consumed.claimed / (perf_counter() - before)))
        accepted += consumed.accepted
        if len(batches) % 10 == 0:
            print(f"  {len(batches)} batches, the last at {batches[-1]} events/s", flush=True)
    seconds = perf_counter() - started
    spent = process_time() + sum(backend.cpu_times()[:2]) - spent
    expected = sum(distinct)
    assert accepted == expected, f"{accepted} of {expected} messages"
    return {
        "events": count,
        "accepted": accepted,
        "seconds": round(seconds, 2),
        "events_per_second": round(count / seconds),
        # What one consumer and its database session would do with a processor of their own: they take turns.
        "cpu_seconds": round(spent, 2),
        "events_per_cpu_second": round(count / spent),
        "slowest_batch": min(batches),
        "fastest_batch": max(batches),
    }


def copy_block(url: str, payloads: list[bytes], key_id: int) -> None:
    """Rows into the inbox as the door leaves them."""
    with psycopg.connect(url, autocommit=True) as connection:
        statement = (
            "COPY sources_inbox (received_at, key_id, sent_at, shared, message_id, letter_id, payload)"
            " FROM STDIN (FORMAT BINARY)"
        )
        with connection.cursor().copy(statement) as copy:
            copy.write(copy_rows(payloads, key_id))


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def serve(port: int) -> subprocess.Popen[bytes]:
    """The real server, once it answers."""
    process = subprocess.Popen(
        [sys.executable, "-m", "config", "serve"], cwd=ROOT, env={**os.environ, "HUITOU_PORT": str(port)}
    )
    for _ in range(200):
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=5):
                return process
        except OSError:
            time.sleep(0.2)
    raise RuntimeError("the server does not answer")


def compare(url: str, secret: str, key_id: int, args: argparse.Namespace) -> dict[str, Any]:
    """Peer and HTTP in turns, three times each, for both sizes of batch."""
    payloads = events(args.events, seed=args.seed, users=50_000)
    print(f"{len(payloads)} events of {sum(map(len, payloads)) / len(payloads):.0f} bytes", flush=True)
    found: dict[str, Any] = {"bytes_per_event": round(sum(map(len, payloads)) / len(payloads))}
    port = free_port()
    server = serve(port)
    try:
        http(port, secret, payloads[:20_000], 100, url)
        for size in (100, 500):
            copied, sent = [], []
            for _ in range(args.rounds):
                copied.append(round(copy_peer(url, payloads, size, key_id)))
                sent.append(round(http(port, secret, payloads, size, url)))
            ratio = statistics.median(sent) / statistics.median(copied)
            found[f"batches_of_{size}"] = {
                "copy_events_per_second": copied,
                "http_events_per_second": sent,
                "ratio_of_medians": round(ratio, 3),
            }
            print(f"batches of {size}: COPY {copied}, HTTP {sent}, ratio {ratio:.2f}", flush=True)
    finally:
        server.send_signal(signal.SIGTERM)
        server.wait()
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=200_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--drain", type=int, default=1_000_000)
    parser.add_argument("--seen-millions", type=int, default=30)
    parser.add_argument("--seed", type=int, default=11)
    parser.add_argument("--out", type=Path, default=ROOT / "benchmarks" / "results" / "ingest.json")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="huitou-ingest-", ignore_cleanup_errors=True) as folder:
        Path(folder).chmod(0o711)
        os.environ["HUITOU_HOME"] = str(Path(folder) / "home")
        from huitou.core import boot

        home = boot.boot()
        lease = boot.current_lease()
        assert lease is not None, "unset HUITOU_DATABASE_URL: this runs on the embedded server"
        from huitou.accounts.keys import create_key
        from huitou.core.clock import SystemClock

        made = create_key(name="benchmark", kind="write", source="web", clock=SystemClock())
        result: dict[str, Any] = {
            "what": "events over HTTP against COPY of the same rows into the same inbox; draining a backlog",
            "seed": args.seed,
            "connections": CONNECTIONS,
            "events": args.events,
            # Whatever else the machine does is taken from these figures.
            "load_average_before": round(os.getloadavg()[0], 1),
        }
        if args.events:
            result |= compare(lease.url, made.secret, made.key.pk, args)
        if args.drain:
            with psycopg.connect(lease.url, autocommit=True) as connection:
                connection.execute("TRUNCATE sources_inbox")
            print(f"{args.seen_millions} million hashes ...", flush=True)
            filled = fill_seen(lease.url, args.seen_millions)
            drained = drain(lease.url, args.drain, made.key.pk, args.seed, home)
            result["drain"] = {"seen_millions": args.seen_millions, "fill_seconds": round(filled, 1), **drained}
            print(result["drain"], flush=True)
        with psycopg.connect(lease.url) as connection:
            server = connection.execute("SHOW server_version").fetchone()
            settings = {
                name: (connection.execute(f"SHOW {name}").fetchone() or ("",))[0]
                for name in ("fsync", "synchronous_commit", "full_page_writes", "shared_buffers")
            }
        result["postgres"] = {"version": server[0] if server else "", **settings}
        packages = ("granian", "msgspec", "psycopg", "django", "deltalake", "pyarrow")
        result["versions"] = {name: version(name) for name in packages}
        result["machine"] = f"{os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}"
    args.out.write_text(json.dumps(result, indent=2) + "\n")
    print(f"written to {args.out}")


if __name__ == "__main__":
    main()
