"""Back-pressure: said before anything is taken, with a time that follows from the pace of the consumers."""

from __future__ import annotations

import io
import threading
import time
from typing import Any

import psycopg
import pytest
from django.conf import LazySettings
from django.db import connection

from huitou.core.clock import SystemClock
from huitou.core.home import Home
from huitou.sources.intake import door as door_module
from huitou.sources.intake.bodies import Bodies, SlowBodyError
from huitou.sources.intake.pressure import LONGEST_RETRY_SECONDS, seconds_until_room
from huitou.sources.intake.requests import parse_body
from huitou.sources.models import Consumer, DeadLetter, InboxEvent
from huitou.sources.tests.eventing import Answer, Client, consume, make_client, track


@pytest.mark.parametrize(
    ("backlog", "limit", "rate", "seconds"),
    [
        (1000, 1000, 10.0, 10),  # a tenth of the limit has to go, at ten a second
        (1000, 1000, 1e9, 1),
        (10_000_000, 1000, 1.0, LONGEST_RETRY_SECONDS),
        (1000, 1000, 0.0, 30),
    ],
)
def test_the_time_to_come_again(backlog: int, limit: int, rate: float, seconds: int) -> None:
    assert seconds_until_room(backlog, limit, rate) == seconds


def test_a_full_inbox_takes_nothing_until_it_is_drained(
    client: Client, home: Home, settings: LazySettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("huitou.sources.intake.pressure._LOOK_SECONDS", 0.0)
    settings.INBOX_MAX_EVENTS = 20
    client.clock.instant = SystemClock().now()
    Consumer.objects.create(name="other", at=SystemClock().now(), events=10, seconds=5.0)
    event = {"userId": "u", "type": "track", "event": "E"}
    assert client.batch(*({**event, "messageId": f"a{n}"} for n in range(20))).status == 200
    answer = client.batch(track("one"), track("bad", type="shout"))
    assert (answer.status, answer.json["code"]) == (429, "inbox_full")
    assert answer.headers["Retry-After"] == "1"  # two to go, two a second
    assert InboxEvent.objects.count() == 20
    assert not DeadLetter.objects.exists()
    consume(home, client.clock)
    assert client.batch(track("one")).status == 200


def test_too_many_at_once_are_asked_to_come_again(transactional_db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    client = make_client(inflight=1)
    inside, go_on, answers = threading.Event(), threading.Event(), []
    parse = parse_body

    def slow(endpoint: str, body: bytes) -> Any:
        inside.set()
        assert go_on.wait(10)
        return parse(endpoint, body)

    monkeypatch.setattr(door_module, "parse_body", slow)
    first = threading.Thread(target=lambda: answers.append(client.batch(track("a"))))
    first.start()
    try:
        assert inside.wait(10)
        second = client.batch(track("b"))
        assert (second.status, second.json["code"], second.headers["Retry-After"]) == (429, "busy", "1")
    finally:
        go_on.set()
        first.join()
        client.door.close()
    assert answers[0].status == 200
    assert InboxEvent.objects.count() == 1


def test_without_a_database_nothing_is_acknowledged(client: Client) -> None:
    assert client.batch(track("a")).status == 200
    with connection.cursor() as cursor:
        # The server goes away under the pool's connections, as it does when it is killed.
        cursor.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()"
            " AND datname = current_database() AND query LIKE '%%sources_inbox%%'"
        )
    statuses = [client.batch(track(f"b{n}")).status for n in range(3)]
    assert statuses[-1] == 200
    assert set(statuses) <= {200, 503}
    assert InboxEvent.objects.count() == 1 + statuses.count(200)


def test_a_database_that_refuses_is_told_with_a_time(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    def gone(*_: object, **__: object) -> None:
        raise psycopg.OperationalError("gone")

    monkeypatch.setattr("huitou.sources.intake.storing._copy", gone)
    answer = client.batch(track("a"))
    assert (answer.status, answer.json["code"], answer.headers["Retry-After"]) == (503, "unavailable", "1")
    assert not InboxEvent.objects.exists()


def test_a_broken_door_answers_in_json(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object, **__: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(door_module, "check_event", broken)
    answer = client.batch(track("a"))
    assert (answer.status, answer.json["success"]) == (500, False)


class Stalled(io.BytesIO):
    """The body of a sender that stops in the midst, until it hangs up."""

    def __init__(self) -> None:
        super().__init__(b"{")
        self.hung_up = threading.Event()

    def read(self, size: int | None = -1) -> bytes:
        assert self.hung_up.wait(20)
        return super().read(size)


def test_senders_that_stop_in_the_midst_hold_no_more_than_half_of_the_places(transactional_db: None) -> None:
    """However many there are, others get in, and those beyond half hear that it took too long."""
    client = make_client(inflight=4, body_seconds=0.2)
    stalled = [Stalled() for _ in range(12)]
    answers: list[Answer] = []

    def send(body: Stalled) -> None:
        answers.append(client.post("/v1/batch", b"x" * 100, **{"wsgi.input": body}))  # type: ignore[arg-type]

    threads = [threading.Thread(target=send, args=(body,)) for body in stalled]
    for thread in threads:
        thread.start()
        time.sleep(0.02)
    try:
        deadline = time.monotonic() + 10
        while client.batch(track("a")).status != 200:
            assert time.monotonic() < deadline
            time.sleep(0.05)
        assert {client.batch(track(f"b{n}")).status for n in range(5)} == {200}
        for thread in threads[2:]:
            thread.join(5)
            assert not thread.is_alive()
        told = {(answer.status, answer.json["code"], answer.headers["Retry-After"]) for answer in answers}
        assert ("503", "body_slow") in {(str(status), code) for status, code, _retry in told}
        assert told <= {(503, "body_slow", "1"), (429, "busy", "1")}
        assert len(answers) == 10
    finally:
        for body in stalled:
            body.hung_up.set()
        for thread in threads:
            thread.join()
        client.door.close()
    assert sorted(answer.status for answer in answers)[:2] == [400, 400]


def test_readers_that_are_left_behind_have_a_number() -> None:
    bodies, stalled = Bodies(own=1, seconds=0.05, most_left=2), Stalled()
    waiting = threading.Thread(target=bodies.read, args=(stalled, 10))
    waiting.start()
    time.sleep(0.05)
    for _ in range(3):
        with pytest.raises(SlowBodyError):
            bodies.read(stalled, 10)
    # There is no third thread: it is told at once.
    assert len([thread for thread in threading.enumerate() if thread.name == "body-reader"]) == 2
    stalled.hung_up.set()
    waiting.join()
    while any(thread.name == "body-reader" for thread in threading.enumerate()):
        time.sleep(0.01)
    assert bodies.read_beside(io.BytesIO(b"whole"), 10, 5) == b"whole"
