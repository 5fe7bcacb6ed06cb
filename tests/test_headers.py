"""What every answer carries, of whatever kind it is: page, part, error, file, static file."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.cache import cache
from django.test import Client, RequestFactory

from huitou.accounts.models import User
from huitou.accounts.roles import ADMIN, ANALYST
from huitou.accounts.services import create_brand
from huitou.console.downloads import csv_response
from huitou.console.middleware import SecurityHeaders
from huitou.core.clock import SystemClock
from huitou.core.home import Home
from huitou.sources.models import ImportRun

pytestmark = pytest.mark.django_db


@pytest.fixture
def admin() -> Client:
    cache.clear()
    client = Client()
    client.force_login(User.objects.create_user("boss", password="a long enough secret", role=ADMIN))
    return client


@pytest.fixture
def rejects(home: Home) -> str:
    """An import with a file of refused rows; its address."""
    home.rejects.mkdir(parents=True)
    file = home.rejects / "import-1.csv"
    file.write_text("Row,Reason\n")
    run = ImportRun.objects.create(
        key="k", kind="orders", source="s", file_name="f", file_path="f", content_hash="0",
        created_at=SystemClock().now(), reject_path=str(file),
    )  # fmt: skip
    return f"/data/imports/{run.pk}/rejects/"


def close_files(answer: Any) -> None:
    """Close the files that are streamed; closing the answer itself would close the test's database as well."""
    for close in answer._resource_closers:
        close()


@pytest.mark.parametrize("secure", [False, True])
def test_every_kind_of_answer_is_guarded(admin: Client, rejects: str, secure: bool) -> None:
    create_brand(name="小满", clock=SystemClock())
    stranger = Client()
    answers = {
        "page": admin.get("/settings/", secure=secure),
        "part": admin.get("/data/", headers={"HX-Request": "true"}, secure=secure),
        "charts": admin.get("/", secure=secure),
        "not found": admin.get("/nowhere/", secure=secure),
        "refused": admin.post("/logout/x", secure=secure),
        "redirect": stranger.get("/", secure=secure),
        "login": stranger.get("/login/", secure=secure),
        "file": admin.get(rejects, secure=secure),
        "figures": admin.get("/metrics/figures.csv?metric=nothing", secure=secure),
        "static": stranger.get("/static/console/icons.svg", secure=secure),
        "health": stranger.get("/healthz", secure=secure),
    }
    for kind, answer in answers.items():
        close_files(answer)
        headers = answer.headers
        assert headers["X-Content-Type-Options"] == "nosniff", kind
        assert headers["Referrer-Policy"] == "same-origin", kind
        assert headers["Cross-Origin-Opener-Policy"] == "same-origin", kind
        assert headers["Cross-Origin-Resource-Policy"] == "same-origin", kind
        assert "camera=()" in headers["Permissions-Policy"], kind
        policy = headers["Content-Security-Policy"]
        assert policy.startswith("default-src 'none'"), kind
        assert "frame-ancestors 'none'" in policy, kind
        assert "unsafe-eval" not in policy, kind
        if kind not in {"static"}:
            assert headers["X-Frame-Options"] == "DENY", kind
        assert headers.get("Strict-Transport-Security", "") == ("max-age=31536000" if secure else ""), kind


def test_what_is_made_for_one_person_is_kept_by_no_cache(admin: Client, rejects: str) -> None:
    for address in ("/", "/settings/", "/customers/", rejects):
        answer = admin.get(address)
        close_files(answer)
        assert "no-store" in answer.headers["Cache-Control"], address
    static = Client().get("/static/console/icons.svg")
    close_files(static)
    assert "no-store" not in static.headers["Cache-Control"]


def test_a_file_can_only_be_saved_and_may_do_nothing_if_it_is_opened(admin: Client, rejects: str) -> None:
    made = SecurityHeaders(lambda _request: csv_response("a.csv", ["a"], [[1]]))(RequestFactory().get("/a.csv"))
    for answer in (admin.get(rejects), made):
        close_files(answer)
        assert answer.headers["Content-Disposition"].startswith("attachment")
        assert "sandbox" in answer.headers["Content-Security-Policy"]
        assert answer.headers["Content-Type"].startswith("text/csv")


def test_a_role_that_may_not_gets_a_guarded_answer_as_well() -> None:
    client = Client()
    client.force_login(User.objects.create_user("ana", password="a long enough secret", role=ANALYST))
    answer = client.get("/own-data/")
    assert answer.status_code == 403
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
