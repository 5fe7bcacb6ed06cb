"""Who gets in at the API: keys with scopes, sessions with CSRF; everybody else is told what is missing."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from django.conf import LazySettings
from django.test import Client

from huitou.accounts.access_api import _note_use
from huitou.accounts.keys import create_key, revoke_key
from huitou.accounts.models import ApiKey, AuditEntry, User
from huitou.accounts.roles import ROLES
from huitou.core.clock import FixedClock, SystemClock
from tests.contract.calling import Program, program

pytestmark = pytest.mark.django_db
PASSWORD = "a long enough secret"


def person(role: str, *, csrf: bool = False) -> Client:
    """Somebody of that role, signed in at the console."""
    user = User.objects.create_user("somebody", password=PASSWORD, role=role, is_superuser=role == "admin")
    client = Client(enforce_csrf_checks=csrf)
    client.force_login(user)
    return client


def test_a_key_may_what_its_scopes_say_and_nothing_else() -> None:
    looker = program("metrics.view")
    assert looker.ask("GET", "/me", expect=200)["permissions"] == ["metrics.view"]
    looker.ask("GET", "/metrics", expect=200)
    told = looker.ask("GET", "/keys", expect=403)
    assert told["missing"] == "settings.view"
    assert "settings.view" in told["detail"]
    assert told["type"] == "urn:huitou:problem:forbidden"


@pytest.mark.parametrize(
    "header",
    [
        "",
        "Bearer",
        "Bearer ",
        "Basic abc",
        "Bearer ha_unknownunknown",
        "Bearer \u00e9\u00e9\u00e9",
        "Bearer a\x00b",
        "ha_x" * 999,
    ],
)
def test_what_is_no_key_opens_nothing(header: str) -> None:
    response = Client().get("/api/v1/me", headers={"authorization": header} if header else {})
    assert response.status_code == 401
    assert response.headers["Content-Type"] == "application/problem+json"
    assert response.headers["WWW-Authenticate"].startswith("Bearer")
    assert response.json()["code"] == "unauthorized"


def test_revoked_keys_and_write_keys_open_nothing() -> None:
    revoked = create_key(name="old", kind="api", scopes=["metrics.view"], clock=SystemClock())
    revoke_key(prefix=revoked.key.prefix, clock=SystemClock())
    writing = create_key(name="feed", kind="write", source="web", clock=SystemClock())
    for secret, word in ((revoked.secret, "revoked"), (writing.secret, "write key")):
        told = Program(secret).ask("GET", "/me", expect=401)
        assert word in told["detail"]


def test_a_key_does_not_fall_back_to_the_session() -> None:
    client = person("admin")
    assert client.get("/api/v1/brand", headers={"authorization": "Bearer ha_unknownunknown"}).status_code == 401


@pytest.mark.parametrize("role", sorted(ROLES))
def test_the_console_session_may_what_the_role_may(role: str) -> None:
    client = person(role)
    assert client.get("/api/v1/me").json()["permissions"] == sorted(ROLES[role])
    assert (client.get("/api/v1/keys").status_code == 200) == ("settings.view" in ROLES[role])
    assert (client.get("/api/v1/imports").status_code == 200) == ("data.view" in ROLES[role])


def test_a_session_needs_the_token_of_its_page_for_writes() -> None:
    client = person("admin", csrf=True)
    assert client.get("/api/v1/me").status_code == 200
    refused = client.patch("/api/v1/brand", {"name": "X"}, content_type="application/json")
    assert refused.status_code == 403
    assert refused.json()["code"] == "csrf"
    client.get("/settings/")
    token = client.cookies["csrftoken"].value if "csrftoken" in client.cookies else ""
    if not token:
        client.get("/login/")
        token = client.cookies["csrftoken"].value
    done = client.patch("/api/v1/brand", {"name": "X"}, content_type="application/json", headers={"x-csrftoken": token})
    assert done.status_code == 200
    assert AuditEntry.objects.latest("pk").actor_label == "somebody"


def test_somebody_who_left_gets_nothing() -> None:
    client = person("admin")
    User.objects.update(is_active=False)
    assert client.get("/api/v1/me").status_code == 401


def test_a_one_time_password_opens_nothing_but_its_change() -> None:
    client = person("admin")
    User.objects.update(must_change_password=True)
    response = client.get("/api/v1/keys")
    assert (response.status_code, response.json()["code"]) == (403, "password_change_needed")


def test_nobody_takes_over_a_role_that_may_more() -> None:
    User.objects.create_user("boss", password=PASSWORD, role="admin", is_superuser=True)
    User.objects.create_user("gone", password=PASSWORD, role="operator", is_active=False)
    hirer = program("staff.write", *ROLES["analyst"])
    made = hirer.ask("POST", "/staff", {"username": "lihua", "role": "analyst"}, expect=201)
    assert Client().login(username="lihua", password=made["password"])
    for method, path, body in (
        ("POST", "/staff", {"username": "wang", "role": "admin"}),
        ("PATCH", "/staff/lihua", {"role": "operator"}),
        ("PATCH", "/staff/boss", {"is_active": False}),
        ("PATCH", "/staff/gone", {"is_active": True}),
        ("PATCH", "/staff/gone", {"role": "analyst"}),
        ("POST", "/staff/boss/password-reset", None),
    ):
        assert hirer.ask(method, path, body, expect=403)["code"] == "forbidden"
    assert User.objects.get(username="lihua").role == "analyst"
    assert (User.objects.get(username="boss").is_active, User.objects.get(username="gone").is_active) == (True, False)


def test_the_last_administrator_stays() -> None:
    User.objects.create_user("boss", password=PASSWORD, role="admin", is_superuser=True)
    assert program().ask("PATCH", "/staff/boss", {"is_active": False}, expect=409)["code"] == "last_admin"


def test_the_audit_log_names_the_key() -> None:
    caller = program("settings.write")
    caller.ask("PATCH", "/brand", {"name": "小满生活"}, expect=200)
    assert AuditEntry.objects.latest("pk").actor_label == f"key {caller.secret[:11]}"


def test_the_use_of_a_key_is_noted_once_a_minute() -> None:
    made = create_key(name="page", kind="api", scopes=["metrics.view"], clock=SystemClock())
    start = SystemClock().now()
    noted = []
    for seconds in (0, 30, 59, 60, 90, 121):
        key = ApiKey.objects.get(pk=made.key.pk)
        _note_use(key, FixedClock(start + timedelta(seconds=seconds)))
        noted.append((ApiKey.objects.get(pk=made.key.pk).last_used_at or start) - start)
    assert [at.total_seconds() for at in noted] == [0, 0, 0, 60, 60, 121]


def test_who_asks_too_often_is_told_when_to_come_back(settings: LazySettings) -> None:
    settings.API_REQUESTS_PER_MINUTE = 3
    busy, other = program("metrics.view"), program("metrics.view")
    assert [busy.raw("GET", "/me").status_code for _ in range(4)] == [200, 200, 200, 429]
    response = busy.raw("GET", "/me")
    assert json.loads(response.content)["code"] == "rate_limited"
    assert 1 <= int(response.headers["Retry-After"]) <= 20
    other.ask("GET", "/me", expect=200)


def test_nobody_gives_away_what_they_may_not() -> None:
    hirer = program("staff.write", "metrics.view")
    hirer.ask("POST", "/keys", {"name": "a", "scopes": ["metrics.view"]}, expect=201)
    told = hirer.ask("POST", "/keys", {"name": "b", "scopes": ["customers.erase"]}, expect=403)
    assert told["missing"] == "customers.erase"


def test_a_made_key_works_and_a_revoked_one_does_not() -> None:
    admin = program()
    made = admin.ask("POST", "/keys", {"name": "page", "scopes": ["metrics.view"]}, expect=201)
    fresh = Program(made["secret"])
    fresh.ask("GET", "/me", expect=200)
    for _twice in range(2):
        admin.ask("POST", f"/keys/{made['prefix']}/revocation", expect=200)
    fresh.ask("GET", "/me", expect=401)
    listed = admin.ask("GET", "/keys", expect=200)["items"]
    assert [key["prefix"] for key in listed if key["revoked_at"]] == [made["prefix"]]
    assert made["secret"] not in json.dumps(listed)
