"""Guessing passwords gets slow: by account and address, for all processes, and without telling who exists."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.contrib.auth.hashers import PBKDF2PasswordHasher
from django.db import connection
from django.test import Client

from huitou.accounts import throttle
from huitou.accounts.models import AuditEntry, LoginCounter, User
from huitou.accounts.throttle import LoginThrottledError, claim_guess, forgive_guess
from huitou.core.clock import FixedClock

NOON = datetime(2026, 3, 4, 4, tzinfo=UTC)
PASSWORD = "a long enough secret"


def at(**later: float) -> FixedClock:
    return FixedClock(NOON + timedelta(**later))


def guess(name: str = "lin", address: str = "192.0.2.1", clock: FixedClock | None = None, device: str = "") -> None:
    claim_guess(username=name, address=address, clock=clock or at(), device=device)


def waits(name: str = "lin", address: str = "192.0.2.1", clock: FixedClock | None = None, device: str = "") -> int:
    with pytest.raises(LoginThrottledError) as refused:
        guess(name, address, clock, device)
    return refused.value.wait_seconds


@pytest.mark.django_db
def test_waits_begin_after_five_guesses_and_double_up_to_a_quarter_of_an_hour() -> None:
    for _ in range(4):
        guess()
    second = 0.0
    for expected in (30, 60, 120, 240, 480, 900, 900):
        guess(clock=at(seconds=second))
        assert waits(clock=at(seconds=second)) == expected
        second += expected
    assert waits(clock=at(seconds=second - 1)) == 1


@pytest.mark.django_db
def test_a_wait_is_the_same_however_the_name_is_written_and_whoever_has_it() -> None:
    User.objects.create_user("lin", password=PASSWORD)
    for name in ("lin", "LIN", " lin ", "Lin", "ｌｉｎ"):
        guess(name)
    assert waits("lin") == 30
    for _ in range(5):
        guess("nobody", "192.0.2.9")
    assert waits("nobody", "192.0.2.9") == 30


@pytest.mark.django_db
def test_an_address_that_tries_many_names_waits_as_well_and_a_neighbor_does_not() -> None:
    for i in range(30):
        guess(f"name{i}", f"2001:db8:0:1::{i:x}")  # one subscriber has all of these
    assert waits("another", "2001:db8:0:1::ffff") == 30
    guess("another", "2001:db8:0:2::1")


@pytest.mark.django_db
def test_the_right_password_forgets_failures_and_a_day_does_too() -> None:
    for _ in range(4):
        guess()
    forgive_guess(claim_guess(username="lin", address="192.0.2.1", clock=at()), clock=at())
    for _ in range(5):
        guess()
    assert waits() == 30
    guess(clock=at(days=1, minutes=1))
    guess(clock=at(days=1, minutes=1))


@pytest.mark.django_db
def test_strangers_cannot_lock_out_a_browser_that_was_in_before() -> None:
    for i in range(5):
        guess(address=f"192.0.2.{i}")
    assert waits(address="192.0.2.77") == 30
    for _ in range(5):
        guess(address="192.0.2.77", device="known")
    assert waits(address="192.0.2.77", device="known") == 30


@pytest.mark.django_db
def test_neither_names_nor_addresses_are_stored_and_the_log_names_only_who_exists() -> None:
    User.objects.create_user("lin", password=PASSWORD)
    for name, address in (("lin", "192.0.2.1"), ("my-secret-password", "192.0.2.2")):
        for _ in range(5):
            guess(name, address)
    stored = str(list(LoginCounter.objects.values())) + str(list(AuditEntry.objects.values()))
    assert "192.0.2" not in stored
    assert "my-secret-password" not in stored
    assert sorted(AuditEntry.objects.values_list("action", "target")) == [
        ("login.throttled", ""),
        ("login.throttled", "lin"),
    ]


@pytest.mark.django_db(transaction=True)
def test_guesses_that_arrive_together_in_several_processes_are_counted_one_by_one() -> None:
    passed: list[int] = []
    start = threading.Barrier(12)

    def run(i: int) -> None:
        start.wait()
        try:
            guess(address=f"192.0.2.{i}")
            passed.append(i)
        except LoginThrottledError:
            pass
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=(i,)) for i in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(passed) == 5
    assert max(LoginCounter.objects.values_list("failures", flat=True)) == 5


@pytest.fixture
def hashed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Passwords that were hashed: the expensive step, by which a listener could tell accounts apart."""
    seen: list[str] = []
    real = PBKDF2PasswordHasher.encode

    def encode(self: PBKDF2PasswordHasher, password: str, salt: str, iterations: int | None = None) -> str:
        seen.append(password)
        return real(self, password, salt, iterations)

    monkeypatch.setattr(PBKDF2PasswordHasher, "encode", encode)
    return seen


def send(client: Client, name: str, password: str = "wrong one") -> Any:
    return client.post("/login/", {"username": name, "password": password})


@pytest.mark.django_db
def test_the_answer_does_not_tell_whether_an_account_exists(hashed: list[str]) -> None:
    User.objects.create_user("lin", password=PASSWORD)
    User.objects.create_user("gone", password=PASSWORD, is_active=False)
    answers, work = {}, {}
    for name in ("lin", "gone", "nobody"):
        hashed.clear()
        answer = send(Client(), name, PASSWORD if name == "gone" else "wrong one")
        text = answer.content.decode().replace(name, "NAME")
        answers[name] = (answer.status_code, text[text.index("<h1>") : text.index("door-foot")])
        work[name] = len(hashed)
    assert answers["lin"] == answers["gone"] == answers["nobody"]
    assert set(work.values()) == {1}


@pytest.mark.django_db
def test_a_throttled_login_names_the_wait_and_never_looks_at_the_password(hashed: list[str]) -> None:
    User.objects.create_user("lin", password=PASSWORD)
    for name in ("lin", "nobody"):
        client = Client(REMOTE_ADDR="192.0.2.1" if name == "lin" else "192.0.2.2")
        for _ in range(5):
            assert send(client, name).status_code == 200
        hashed.clear()
        answer = send(client, name, PASSWORD)
        assert answer.status_code == 429
        assert 25 <= int(answer.headers["Retry-After"]) <= 30
        assert "秒后再试" in answer.content.decode()
        assert hashed == []
        assert "_auth_user_id" not in client.session


@pytest.mark.django_db
def test_a_browser_that_signed_in_before_still_gets_in_while_others_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    User.objects.create_user("lin", password=PASSWORD)
    User.objects.create_user("wu", password=PASSWORD)
    own = Client(REMOTE_ADDR="192.0.2.1")
    assert send(own, "lin", PASSWORD).status_code == 302
    own.post("/logout/")
    stranger = Client(REMOTE_ADDR="192.0.2.2")
    for _ in range(5):
        send(stranger, "lin")
    assert send(Client(REMOTE_ADDR="192.0.2.3"), "lin", PASSWORD).status_code == 429
    assert send(own, "lin", PASSWORD).status_code == 302
    # The cookie is good for its own account only.
    own.post("/logout/")
    for _ in range(5):
        send(stranger, "wu")
    assert send(own, "wu", PASSWORD).status_code == 429


@pytest.mark.django_db
def test_a_stolen_session_guesses_the_password_no_faster_than_a_stranger(hashed: list[str]) -> None:
    client = Client()
    client.force_login(User.objects.create_user("lin", password=PASSWORD))
    sent = {"old": "wrong one", "new": "moon over the lake", "again": "moon over the lake"}
    for _ in range(5):
        assert "当前密码不正确" in client.post("/password/", sent).content.decode()
    hashed.clear()
    answer = client.post("/password/", {**sent, "old": PASSWORD})
    assert answer.status_code == 422
    assert "后再试" in answer.content.decode()
    assert hashed == []
    assert User.objects.get().check_password(PASSWORD)


def test_the_longest_wait_is_reached_without_overflow() -> None:
    assert throttle.FIRST_WAIT * 2**20 > throttle.LONGEST_WAIT
