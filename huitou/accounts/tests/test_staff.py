"""People who work here: let in with a one-time password, changed, sent away; the last administrator stays."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from django.db import connection
from django.test import Client
from django.utils import translation

from huitou.accounts import staff
from huitou.accounts.models import AuditEntry, User
from huitou.accounts.roles import ADMIN, ANALYST, OPERATOR
from huitou.accounts.staff import (
    LastAdminError,
    PasswordRefusedError,
    StaffInvalidError,
    StaffUnknownError,
    add_staff,
    change_password,
    change_staff,
    reset_password,
)
from huitou.core.clock import FixedClock

NOON = FixedClock(datetime(2026, 3, 4, 4, tzinfo=UTC))
PASSWORD = "a long enough secret"


@pytest.fixture(autouse=True)
def in_english() -> Iterator[None]:
    with translation.override("en"):
        yield


def signed_in(username: str, password: str) -> Client:
    client = Client()
    assert client.login(username=username, password=password)
    return client


def is_in(client: Client) -> bool:
    return "/login/" not in client.get("/").headers.get("Location", "")


@pytest.mark.django_db
def test_a_new_person_must_choose_an_own_password_before_anything_opens() -> None:
    made = add_staff(username="lin", role=OPERATOR, full_name="林小满", clock=NOON)
    client = signed_in("lin", made.password)
    for address in ("/", "/data/", "/settings/"):
        assert client.get(address).headers["Location"] == "/password/"
    sent = {"old": made.password, "new": "moon over the lake", "again": "moon over the lake"}
    assert client.post("/password/", sent).headers["Location"] == "/"
    assert client.get("/data/").status_code == 200
    assert signed_in("lin", "moon over the lake")


@pytest.mark.parametrize(
    ("new", "why"),
    [("short", "short"), ("12345678901", "numeric"), ("password123", "common"), ("lin-operator", "similar")],
)
@pytest.mark.django_db
def test_a_password_that_is_easy_to_guess_is_refused_with_the_reason(new: str, why: str) -> None:
    user = User.objects.create_user("lin-operator", password=PASSWORD)
    with pytest.raises(PasswordRefusedError, match=why):
        change_password(user=user, password=new, clock=NOON)
    assert User.objects.get().check_password(PASSWORD)


@pytest.mark.django_db
def test_changing_the_password_ends_every_other_session_and_rotates_ones_own() -> None:
    User.objects.create_user("lin", password=PASSWORD)
    here, there = signed_in("lin", PASSWORD), signed_in("lin", PASSWORD)
    before = here.session.session_key
    wrong = here.post("/password/", {"old": "no", "new": "moon over the lake", "again": "moon over the lake"})
    assert wrong.status_code == 422
    assert is_in(there)
    here.post("/password/", {"old": PASSWORD, "new": "moon over the lake", "again": "moon over the lake"})
    assert is_in(here)
    assert here.session.session_key != before
    assert not is_in(there)


@pytest.mark.django_db
def test_who_is_let_in_again_does_not_find_old_sessions_open() -> None:
    User.objects.create_user("lin", password=PASSWORD, role=OPERATOR)
    client = signed_in("lin", PASSWORD)
    for active in (False, True):
        change_staff(username="lin", changes={"is_active": active}, clock=NOON)
        assert not is_in(client)


@pytest.mark.django_db
def test_a_reset_ends_sessions_and_the_old_password() -> None:
    User.objects.create_user("lin", password=PASSWORD)
    client = signed_in("lin", PASSWORD)
    made = reset_password(username="lin", clock=NOON)
    assert not is_in(client)
    assert not Client().login(username="lin", password=PASSWORD)
    assert signed_in("lin", made.password).get("/").headers["Location"] == "/password/"


@pytest.mark.django_db
def test_the_last_administrator_can_be_neither_demoted_nor_deactivated() -> None:
    add_staff(username="boss", role=ADMIN, clock=NOON)
    gone = add_staff(username="former", role=ADMIN, clock=NOON)
    change_staff(username="former", changes={"is_active": False}, clock=NOON)
    for changes in ({"role": ANALYST}, {"is_active": False}):
        with pytest.raises(LastAdminError, match="boss"):
            change_staff(username="boss", changes=changes, clock=NOON)
    change_staff(username=gone.user.username, changes={"is_active": True}, clock=NOON)
    assert change_staff(username="boss", changes={"role": ANALYST}, clock=NOON).role == ANALYST
    assert not User.objects.get(username="boss").is_superuser


@pytest.mark.django_db(transaction=True)
def test_two_administrators_who_demote_each_other_at_once_leave_one(monkeypatch: pytest.MonkeyPatch) -> None:
    real = staff._has_other_admin

    def slow(user: User) -> bool:
        answer = real(user)
        time.sleep(0.3)  # wide enough for the other to look as well, if nothing keeps it waiting
        return answer

    monkeypatch.setattr(staff, "_has_other_admin", slow)
    for name in ("one", "two"):
        add_staff(username=name, role=ADMIN, clock=NOON)
    start = threading.Barrier(2)
    refused: list[str] = []

    def demote(name: str) -> None:
        start.wait()
        try:
            change_staff(username=name, changes={"role": OPERATOR}, clock=NOON)
        except LastAdminError:
            refused.append(name)
        finally:
            connection.close()

    threads = [threading.Thread(target=demote, args=(name,)) for name in ("one", "two")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(refused) == 1
    assert User.objects.filter(role=ADMIN, is_active=True).count() == 1


@pytest.mark.django_db
def test_each_change_is_in_the_log_once_and_no_password_is() -> None:
    boss = add_staff(username="boss", role=ADMIN, clock=NOON)
    made = add_staff(username="lin", role=ANALYST, clock=NOON, actor=boss.user)
    for _ in range(2):
        change_staff(username="lin", changes={"role": OPERATOR}, clock=NOON, actor=boss.user)
    change_staff(username="lin", changes={"is_active": False}, clock=NOON, actor=boss.user)
    again = reset_password(username="lin", clock=NOON, actor=boss.user)
    entries = list(AuditEntry.objects.order_by("pk").filter(target="lin").values_list("action", "actor_label"))
    assert entries == [
        ("staff.added", "boss"),
        ("staff.changed", "boss"),
        ("staff.deactivated", "boss"),
        ("staff.password_reset", "boss"),
    ]
    stored = str(list(AuditEntry.objects.values()))
    assert made.password not in stored
    assert again.password not in stored


@pytest.mark.parametrize(
    ("username", "role", "why"),
    [("lin", OPERATOR, "exists"), ("LIN", OPERATOR, "exists"), ("a b", OPERATOR, "user name"), ("wu", "king", "role")],
)
@pytest.mark.django_db
def test_a_person_that_cannot_be_added_is_refused_with_the_reason(username: str, role: str, why: str) -> None:
    add_staff(username="lin", role=ANALYST, clock=NOON)
    with pytest.raises(StaffInvalidError, match=why):
        add_staff(username=username, role=role, clock=NOON)
    with pytest.raises(StaffUnknownError):
        reset_password(username="nobody", clock=NOON)
