"""Sessions: rotated at login, ended by idleness and age, their cookie out of reach of scripts and of plain HTTP."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.conf import LazySettings
from django.contrib.sessions.models import Session
from django.test import Client

from huitou.accounts import middleware
from huitou.accounts.models import User
from huitou.accounts.tasks import clear_sessions
from huitou.core.clock import FixedClock, SystemClock

pytestmark = pytest.mark.django_db
NOON = datetime(2026, 3, 4, 4, tzinfo=UTC)
PASSWORD = "a long enough secret"


@pytest.fixture
def lin() -> User:
    return User.objects.create_user("lin", password=PASSWORD)


def travel(monkeypatch: pytest.MonkeyPatch, **later: float) -> None:
    monkeypatch.setattr(middleware, "SystemClock", lambda: FixedClock(NOON + timedelta(**later)))


def log_in(client: Client, **more: object) -> None:
    answer = client.post("/login/", {"username": "lin", "password": PASSWORD}, **more)  # type: ignore[arg-type]
    assert answer.status_code == 302


@pytest.mark.usefixtures("lin")
def test_a_session_that_nobody_uses_ends_and_pages_that_ask_by_themselves_are_no_use(
    monkeypatch: pytest.MonkeyPatch, settings: LazySettings
) -> None:
    settings.SESSION_IDLE_SECONDS = 3600
    client = Client()
    log_in(client)
    travel(monkeypatch)
    assert client.get("/").status_code == 200
    travel(monkeypatch, minutes=50)
    assert client.get("/", headers={"HX-Request": "true"}).status_code == 200
    travel(monkeypatch, minutes=59)
    assert client.get("/").status_code == 200
    travel(monkeypatch, minutes=110)
    assert client.get("/", headers={"HX-Request": "true"}).status_code == 200
    travel(monkeypatch, minutes=120)
    answer = client.get("/", follow=True)
    assert answer.redirect_chain[0][0].startswith("/login/")
    assert "请重新登录" in answer.content.decode()


@pytest.mark.usefixtures("lin")
def test_a_session_in_use_ends_by_age(monkeypatch: pytest.MonkeyPatch, settings: LazySettings) -> None:
    settings.SESSION_COOKIE_AGE = 7200
    client = Client()
    log_in(client)
    for minutes in (0, 40, 80, 119):
        travel(monkeypatch, minutes=minutes)
        assert client.get("/").status_code == 200
    travel(monkeypatch, minutes=121)
    assert client.get("/").status_code == 302


@pytest.mark.usefixtures("lin")
def test_the_session_of_a_stranger_is_not_the_one_that_gets_in() -> None:
    client = Client()
    client.session["planted"] = "x"
    session = client.session
    session["planted"] = "x"
    session.save()
    planted = session.session_key
    log_in(client)
    assert client.session.session_key != planted


@pytest.mark.usefixtures("lin")
@pytest.mark.parametrize("secure", [False, True])
def test_cookies_are_for_the_server_only_and_for_https_where_it_is_spoken(secure: bool) -> None:
    client = Client()
    client.get("/login/", secure=secure)
    log_in(client, secure=secure)
    client.post("/language/", {"language": "en"}, secure=secure)
    for name in ("sessionid", "csrftoken", "django_language", "huitou_device"):
        cookie = client.cookies[name]
        assert cookie["httponly"]
        assert cookie["samesite"] == "Lax"
        assert bool(cookie["secure"]) is secure, name


def test_every_form_of_the_console_refuses_a_post_from_elsewhere(lin: User) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(lin)
    for address in ("/password/", "/language/", "/logout/", "/settings/staff/", "/data/upload/"):
        assert client.post(address, {}).status_code == 403, address


@pytest.mark.usefixtures("lin")
def test_sessions_that_are_over_are_deleted_and_others_stay() -> None:
    client = Client()
    log_in(client)
    over = Session.objects.create(
        session_key="over", session_data="", expire_date=SystemClock().now() - timedelta(minutes=1)
    )
    clear_sessions(timestamp=0)
    assert not Session.objects.filter(pk=over.pk).exists()
    assert client.get("/").status_code == 200


def test_a_form_that_grew_old_is_explained(lin: User) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(lin)
    assert "没有任何改动" in client.post("/language/", {}).content.decode()
