"""The back office shows tables to administrators and writes nothing that a service does not write."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from django.contrib import admin
from django.core.cache import cache
from django.db import models
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, reverse

from huitou.accounts.back_office import LookOnly
from huitou.accounts.keys import create_key
from huitou.accounts.models import AuditEntry, Brand, User
from huitou.accounts.roles import ADMIN, ANALYST, OPERATOR, SERVICE
from huitou.accounts.services import create_brand
from huitou.core.clock import FixedClock

pytestmark = [
    pytest.mark.django_db,
    # The admin's date filters of Django and Unfold's paginator are theirs to mend.
    pytest.mark.filterwarnings("ignore::django.utils.deprecation.RemovedInDjango60Warning"),
]
NOON = FixedClock(datetime(2026, 3, 4, 4, tzinfo=UTC))
# Models that may be changed there, each by calling its service.
BY_SERVICE = {Brand}
# Apps whose tables hold personal data or value that must not even be looked at past the log.
HIDDEN_APPS = {"customers", "sessions"}
HIDDEN_FIELDS = {"password", "secret_hash", "session_epoch", "payload", "shared"}


def client_of(role: str) -> Client:
    cache.clear()
    client = Client()
    client.force_login(User.objects.create_user(f"{role}-person", password="a long enough secret", role=role,
                                                is_superuser=role == ADMIN, is_staff=role == ADMIN))  # fmt: skip
    return client


def addresses() -> Iterator[str]:
    def walk(resolver: URLResolver, before: str) -> Iterator[str]:
        for entry in resolver.url_patterns:
            pattern = str(entry.pattern)
            path = before + re.sub(r"<\w+:\w+>", "1", pattern).replace("^", "").replace("$", "")
            if isinstance(entry, URLResolver):
                yield from walk(entry, path)
            elif isinstance(entry, URLPattern) and "(?P" not in path:
                yield f"/{path}"

    for path in walk(get_resolver(), ""):
        if path.startswith("/admin/"):
            yield path


def test_only_administrators_get_in_anywhere() -> None:
    paths = list(addresses())
    assert len(paths) > 30
    for role in (OPERATOR, ANALYST, SERVICE):
        client = client_of(role)
        open_ = {path for path in paths if client.get(path).status_code != 403}
        # The login hands on to the console's own, which sends a signed-in person to the 403 page.
        assert open_ <= {"/admin/login/", "/admin/logout/"}, role
    stranger = Client()
    assert {path for path in paths if "/login/" not in stranger.get(path).headers.get("Location", "")} == set()


@pytest.mark.parametrize("model", sorted(admin.site._registry, key=str), ids=str)
def test_a_table_can_be_looked_at_and_not_written(model: type[models.Model]) -> None:
    client = client_of(ADMIN)
    create_brand(name="小满", clock=NOON)
    create_key(name="k", kind="write", source="s", clock=NOON)
    name = f"admin:{model._meta.app_label}_{model._meta.model_name}"
    listed = client.get(reverse(f"{name}_changelist"))
    assert listed.status_code == 200
    row = model._default_manager.first()
    if row is not None:
        assert client.get(reverse(f"{name}_change", args=[row.pk])).status_code == 200
    before = list(model._default_manager.order_by("pk").values())
    target = [row.pk if row else 1]
    assert client.post(reverse(f"{name}_add"), {}).status_code == 403
    assert client.post(reverse(f"{name}_delete", args=target), {"post": "yes"}).status_code in {403, 302}
    bulk = {"action": "delete_selected", "_selected_action": target, "post": "yes"}
    client.post(reverse(f"{name}_changelist"), bulk)
    if model not in BY_SERVICE:
        assert client.post(reverse(f"{name}_change", args=target), {}).status_code in {403, 302}
    assert list(model._default_manager.order_by("pk").values()) == before


def test_every_registered_table_is_for_looking_and_shows_neither_secrets_nor_customers() -> None:
    for model, shown in admin.site._registry.items():
        assert isinstance(shown, LookOnly), model
        assert model._meta.app_label not in HIDDEN_APPS, model
        names = {*shown.list_display, *(shown.fields or ()), *shown.readonly_fields}
        if not shown.fields:
            names |= {field.name for field in model._meta.fields}
        assert not names & HIDDEN_FIELDS, model
        can_change = type(shown).has_change_permission is not LookOnly.has_change_permission
        assert can_change == (model in BY_SERVICE), model


def test_what_is_set_there_goes_through_the_service_with_its_checks_and_its_entry() -> None:
    client = client_of(ADMIN)
    brand = create_brand(name="小满", clock=NOON)
    address = reverse("admin:accounts_brand_change", args=[brand.pk])
    refused = client.post(address, {"thresholds": '{"no_such_cut_off": 1}'})
    assert refused.status_code == 200
    brand.refresh_from_db()
    assert brand.thresholds == {}
    assert AuditEntry.objects.filter(action="brand.updated").count() == 0
    assert client.post(address, {"thresholds": '{"new_days": 45}', "name": "other"}).status_code == 302
    brand.refresh_from_db()
    assert brand.name == "小满"
    assert brand.thresholds == {"new_days": 45}
    assert AuditEntry.objects.get(action="brand.updated").actor_label == "admin-person"


def test_the_way_in_and_the_password_are_the_consoles_own() -> None:
    client = client_of(ADMIN)
    assert client.get("/admin/password_change/").headers["Location"] == "/password/"
    assert Client().get("/admin/login/?next=/admin/").headers["Location"].startswith("/login/?next=")
    assert Client().post("/admin/login/", {"username": "x", "password": "y"}).headers["Location"].startswith("/login/")


def test_its_policy_is_its_own_and_nobody_elses() -> None:
    client = client_of(ADMIN)
    policy = client.get("/admin/").headers["Content-Security-Policy"]
    assert "'unsafe-eval'" in policy
    assert "script-src 'self' 'unsafe-eval';" in policy
    for address in ("/", "/settings/", "/administration/", "/nowhere/admin/"):
        assert "unsafe-eval" not in client.get(address).headers["Content-Security-Policy"], address


def test_tables_speak_the_readers_language_and_tell_the_brands_time() -> None:
    create_brand(name="Test", zone="Asia/Shanghai", clock=NOON)
    create_key(name="k", kind="write", source="app", clock=NOON)
    client = client_of(ADMIN)
    texts = {}
    for name in ("accounts_auditentry", "accounts_apikey", "sources_importrun", "orders_refreshrun"):
        path = f"/admin/{name.replace('_', '/')}/" if name != "orders_refreshrun" else "/admin/core/refreshrun/"
        page = client.get(path, headers={"accept-language": "zh-hans"}).content.decode()
        texts[name] = " ".join(re.sub(r"<[^>]+>", " ", page.partition("<main")[2] or page).split())
    everything = " ".join(texts.values())
    assert "brand.created" not in texts["accounts_auditentry"]
    assert "命令行" in texts["accounts_auditentry"]
    assert "12:00" in texts["accounts_auditentry"]
    english = ("Actor label", "Target", "Type to search", "No results", "Last used at", "File name", "Create a new")
    assert [text for text in english if text in everything] == []
