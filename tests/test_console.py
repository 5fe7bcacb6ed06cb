"""Every door of the console: closed to strangers, guarded by its policy, in two languages, clear about bad input."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.conf import LazySettings
from django.core.cache import cache
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client, override_settings
from django.urls import URLPattern, URLResolver, get_resolver

from huitou.accounts.models import AuditEntry, Brand, User
from huitou.accounts.services import create_brand, create_first_admin
from huitou.console.shell import registry
from huitou.core.clock import SystemClock
from huitou.core.home import Home
from huitou.sources.models import ImportRun
from huitou.sources.uploads import GuardedUpload

pytestmark = pytest.mark.django_db
PASSWORD = "a long enough secret"


@pytest.fixture
def admin() -> Client:
    cache.clear()
    create_first_admin(clock=SystemClock(), password=PASSWORD)
    client = Client()
    assert client.login(username="admin", password=PASSWORD)
    return client


@pytest.fixture
def brand() -> Brand:
    return create_brand(name="小满生活", clock=SystemClock())


def _addresses(resolver: URLResolver, before: str = "/") -> Iterator[str]:
    for entry in resolver.url_patterns:
        if isinstance(entry, URLPattern):
            yield before + re.sub(r"<\w+:\w+>", "1", str(entry.pattern))


def test_strangers_are_sent_to_the_login_everywhere() -> None:
    opened = {
        address
        for address in _addresses(get_resolver())
        if "/login/" not in Client().get(address, follow=False).headers.get("Location", "")
    }
    # A token in the address is the key of providers that call back and of customers who follow a link.
    by_token = {"/callbacks/1", "/l/1", "/u/1"}
    assert opened == {"/login/", "/language/", "/healthz", "/readyz"} | by_token


def test_every_page_of_the_navigation_opens_on_an_empty_store(admin: Client) -> None:
    for page in registry().pages:
        response = admin.get(f"/{'' if page.slug == 'overview' else page.slug + '/'}")
        assert response.status_code == 200, page.slug
        assert "<h1>" in response.content.decode()


def test_the_policy_forbids_inline_scripts_everywhere(admin: Client) -> None:
    for address in ("/", "/metrics/", "/settings/", "/nowhere/", "/login/"):
        response = admin.get(address)
        policy = response.headers["Content-Security-Policy"]
        assert "script-src 'self';" in policy
        assert "unsafe-eval" not in policy
        assert response.headers["X-Frame-Options"] == "DENY"
        text = response.content.decode()
        assert not re.search(r"<script(?![^>]*(src=|application/json))", text), "no inline script"
        assert not re.search(r"\son\w+=", text), "no inline handler"
        assert "://" not in re.sub(r"http://www\.w3\.org/\S+", "", "".join(re.findall(r'(?:src|href)="([^"]*)"', text)))


def test_styles_may_be_inline_only_where_charts_are(admin: Client) -> None:
    assert "style-src 'self';" in admin.get("/settings/").headers["Content-Security-Policy"]


def test_the_console_speaks_chinese_until_somebody_switches(admin: Client) -> None:
    assert 'lang="zh-Hans"' in admin.get("/", headers={"accept-language": "en"}).content.decode()
    response = admin.post("/language/", {"language": "en", "next": "/settings/"})
    assert response.headers["Location"] == "/settings/"
    assert "Settings" in admin.get("/settings/").content.decode()
    # The choice belongs to the person: it comes back at the next login, on another machine.
    other = Client()
    other.post("/login/", {"username": "admin", "password": PASSWORD})
    assert 'lang="en"' in other.get("/").content.decode()


@pytest.mark.parametrize("target", ["https://evil.example/", "//evil.example", "javascript:alert(1)"])
def test_switching_the_language_leads_nowhere_else(target: str) -> None:
    assert Client().post("/language/", {"language": "en", "next": target}).headers["Location"] == "/"


def test_settings_become_rules_and_targets(admin: Client, brand: Brand) -> None:
    sent = {
        "name": "小满生活馆",
        "zone": "Asia/Shanghai",
        "currency": "CNY",
        "order_types": ["brushing"],
        "min_amount": "9.90",
        "channels": "测试店\n",
        "skus": "",
        "target_repurchase_rate": "35",
    }
    assert admin.post("/settings/", sent).status_code == 302
    brand.refresh_from_db()
    assert brand.name == "小满生活馆"
    assert brand.exclusions["min_amount_minor"] == 990
    assert brand.exclusions["order_types"] == ["brushing"]
    assert brand.exclusions["channels"] == ["测试店"]
    assert brand.targets == {"repurchase_rate": 0.35}


def test_a_setting_that_cannot_be_is_explained_beside_its_field(admin: Client, brand: Brand) -> None:
    response = admin.post("/settings/", {"name": "", "zone": "Mars/Base", "currency": "CNY"})
    assert response.status_code == 422
    text = response.content.decode()
    assert "Mars/Base" in text
    assert 'aria-invalid="true"' in text
    brand.refresh_from_db()
    assert brand.zone == "Asia/Shanghai"


def test_a_file_that_cannot_be_read_is_refused_with_a_sentence(admin: Client, home: Home) -> None:
    file = SimpleUploadedFile("run.exe", b"MZ")
    response = admin.post("/data/upload/", {"kind": "orders", "file": file}, follow=True)
    assert "run.exe" in response.content.decode()
    assert not home.uploads.exists()


def test_a_file_that_is_too_large_is_not_even_written_and_the_sentence_says_what_to_do(
    admin: Client, home: Home, settings: LazySettings
) -> None:
    settings.UPLOAD_MAX_BYTES = 1 << 20
    file = SimpleUploadedFile("orders.csv", b"x" * (2 << 20))
    text = admin.post("/data/upload/", {"kind": "orders", "file": file}, follow=True).content.decode()
    assert "huitou import orders" in text
    assert not home.uploads.exists()


def test_the_limit_is_of_all_files_of_a_request(admin: Client, home: Home, settings: LazySettings) -> None:
    settings.UPLOAD_MAX_BYTES = 1 << 20
    many = [SimpleUploadedFile(f"{n}.csv", b"x" * (1 << 19)) for n in range(3)]
    text = admin.post("/data/upload/", {"kind": "orders", "file": many}, follow=True).content.decode()
    assert "huitou import orders" in text
    assert not home.uploads.exists()


@pytest.mark.parametrize(
    ("role", "address", "begun"),
    [
        ("", "/login/", 0),
        ("", "/language/", 0),
        ("analyst", "/language/", 0),
        ("service", "/data/upload/", 0),
        ("operator", "/data/upload/", 1),
    ],
)
def test_only_who_may_import_sends_files(role: str, address: str, begun: int, home: Home) -> None:
    """Of others' files nothing is written, to whatever page they are sent."""
    files: list[str] = []

    class Watched(GuardedUpload):
        def new_file(self, field_name: str, *args: Any, **kwargs: Any) -> None:
            super().new_file(field_name, *args, **kwargs)
            files.append(field_name)

    client = Client()
    if role:
        create_brand(name="小满", clock=SystemClock())
        client.force_login(User.objects.create_user("somebody", role=role))
    with override_settings(FILE_UPLOAD_HANDLERS=[f"{__name__}.Watched"]):
        sys.modules[__name__].Watched = Watched  # type: ignore[attr-defined]
        client.post(address, {"username": "x", "password": "y", "file": SimpleUploadedFile("a.csv", b"x" * 100_000)})
    assert len(files) == begun


def test_the_example_keeps_own_files_out(admin: Client) -> None:
    create_brand(name="Example", clock=SystemClock(), is_example=True, clock_now=SystemClock().now())
    response = admin.post("/data/upload/", {"kind": "orders", "file": SimpleUploadedFile("o.csv", b"a\n1\n")})
    assert response.headers["Location"] == "/own-data/"


def test_only_files_of_the_rejects_folder_are_given_out(admin: Client, home: Home, tmp_path: Path) -> None:
    secret = tmp_path / "secret.csv"
    secret.write_text("x")
    run = ImportRun.objects.create(
        key="k",
        kind="orders",
        source="s",
        file_name="f",
        file_path="f",
        content_hash="0",
        created_at=SystemClock().now(),
        reject_path=str(secret),
    )
    assert admin.get(f"/data/imports/{run.pk}/rejects/").status_code == 404
    home.rejects.mkdir(parents=True)
    inside = home.rejects / "import-1.csv"
    inside.write_text("Row,Reason\n")
    ImportRun.objects.filter(pk=run.pk).update(reject_path=str(inside))
    assert b"".join(admin.get(f"/data/imports/{run.pk}/rejects/").streaming_content) == b"Row,Reason\n"  # type: ignore[attr-defined]
    # Such a file holds what the shop knows of customers: who took it is on record.
    taken = AuditEntry.objects.filter(action="import.rejects_taken")
    assert list(taken.values_list("actor_label", "target")) == [("admin", f"import-{run.pk}")]


def test_logging_out_needs_a_post_and_ends_at_the_login(admin: Client) -> None:
    assert admin.get("/logout/").status_code == 405
    assert admin.post("/logout/").headers["Location"] == "/login/"
    assert User.objects.count() == 1
    assert admin.get("/").status_code == 302
