"""Every URL says who may open it, and every role gets exactly what the table here gives it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from django.core.cache import cache
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver

from huitou.accounts.models import User
from huitou.accounts.roles import ADMIN, ANALYST, OPERATOR, PERMISSIONS, ROLES, SERVICE
from huitou.accounts.services import create_brand
from huitou.console.shell import Door, registry
from huitou.core.clock import SystemClock
from huitou.customers.models import Person

pytestmark = pytest.mark.django_db

EVERYONE = frozenset({ADMIN, OPERATOR, ANALYST, SERVICE})
IMPORTERS = frozenset({ADMIN, OPERATOR})
SERVING = frozenset({ADMIN, OPERATOR, SERVICE})
DATA_READERS = IMPORTERS | {ANALYST}
ADMINS = frozenset({ADMIN})

# URL name: (who may look, who may send its form). Written by hand: the code's declarations are held against it.
TABLE: dict[str, tuple[frozenset[str], frozenset[str]]] = {
    "overview": (EVERYONE, EVERYONE),
    "journeys": (DATA_READERS, IMPORTERS),
    "journeys_flow": (DATA_READERS, IMPORTERS),
    "journeys_terms": (DATA_READERS, IMPORTERS),
    "journeys_step": (DATA_READERS, IMPORTERS),
    "tasks": (EVERYONE, SERVING),
    "metrics": (EVERYONE, EVERYONE),
    "metrics_csv": (EVERYONE, EVERYONE),
    "metrics_xlsx": (EVERYONE, EVERYONE),
    "contact_gap": (EVERYONE, DATA_READERS),
    "contact_gap_csv": (ADMINS, ADMINS),
    "customers": (EVERYONE, EVERYONE),
    "customers_csv": (EVERYONE, EVERYONE),
    "customers_timeline": (EVERYONE, EVERYONE),
    "customers_detail": (EVERYONE, EVERYONE),
    "customers_whole": (SERVING, SERVING),
    "customers_join": (SERVING, SERVING),
    "customers_consent": (SERVING, SERVING),
    "customers_export": (ADMINS, ADMINS),
    "customers_erase": (ADMINS, ADMINS),
    "customers_undo": (SERVING, SERVING),
    "review": (EVERYONE, EVERYONE),
    "review_decide": (SERVING, SERVING),
    "data": (DATA_READERS, DATA_READERS),
    "data_upload": (IMPORTERS, IMPORTERS),
    "data_file": (IMPORTERS, IMPORTERS),
    "data_import": (DATA_READERS, DATA_READERS),
    "data_rejects": (IMPORTERS, IMPORTERS),
    "data_connections": (DATA_READERS, DATA_READERS),
    "data_connection_new": (IMPORTERS, IMPORTERS),
    "data_connection": (DATA_READERS, IMPORTERS),
    "data_feeds": (DATA_READERS, DATA_READERS),
    "data_feed": (DATA_READERS, IMPORTERS),
    "data_letters": (DATA_READERS, IMPORTERS),
    "data_letter": (DATA_READERS, IMPORTERS),
    "data_plan": (DATA_READERS, DATA_READERS),
    "data_plan_event": (DATA_READERS, IMPORTERS),
    "data_plan_dismiss": (IMPORTERS, IMPORTERS),
    "plays": (DATA_READERS, DATA_READERS),
    "plays_launch": (DATA_READERS, DATA_READERS),
    "plays_pause": (IMPORTERS, IMPORTERS),
    "plays_resume": (IMPORTERS, IMPORTERS),
    "plays_stop": (IMPORTERS, IMPORTERS),
    "plays_play": (DATA_READERS, DATA_READERS),
    "plays_size": (DATA_READERS, DATA_READERS),
    "plays_preview": (DATA_READERS, DATA_READERS),
    "plays_start": (DATA_READERS, IMPORTERS),
    "plays_copy": (IMPORTERS, IMPORTERS),
    "plays_rehearse": (DATA_READERS, IMPORTERS),
    "plays_rehearsal": (DATA_READERS, DATA_READERS),
    "plays_rehearsal_csv": (DATA_READERS, DATA_READERS),
    "example": (EVERYONE, EVERYONE),
    "example_load": (IMPORTERS, IMPORTERS),
    "example_advance": (IMPORTERS, IMPORTERS),
    "example_remove": (IMPORTERS, IMPORTERS),
    "data_own": (IMPORTERS, IMPORTERS),
    "experiments": (DATA_READERS, DATA_READERS),
    "experiments_readout": (DATA_READERS, DATA_READERS),
    "settings_holdout": (ADMINS, ADMINS),
    "settings_margin": (ADMINS, ADMINS),
    "segments": (EVERYONE, EVERYONE),
    "segments_new": (DATA_READERS, DATA_READERS),
    "segments_builder": (EVERYONE, EVERYONE),
    "segments_preview": (EVERYONE, EVERYONE),
    "segments_layers": (DATA_READERS, DATA_READERS),
    "segments_one": (EVERYONE, EVERYONE),
    "segments_edit": (EVERYONE, DATA_READERS),
    "segments_archive": (DATA_READERS, DATA_READERS),
    "segments_members": (ADMINS, ADMINS),
    "tags": (EVERYONE, DATA_READERS),
    "texts": (EVERYONE, EVERYONE),
    "texts_correct": (SERVING, SERVING),
    "texts_learn": (SERVING, SERVING),
    "tags_rule": (EVERYONE, DATA_READERS),
    "strategies": (EVERYONE, DATA_READERS),
    "customers_tags": (DATA_READERS, DATA_READERS),
    "messages": (DATA_READERS, DATA_READERS),
    "messages_decide": (IMPORTERS, IMPORTERS),
    "messages_send": (IMPORTERS, IMPORTERS),
    "messages_export": (ADMINS, ADMINS),
    "messages_take": (ADMINS, ADMINS),
    "messages_report": (IMPORTERS, IMPORTERS),
    "settings_channels": (DATA_READERS, ADMINS),
    "settings_channel_new": (ADMINS, ADMINS),
    "settings_channel": (DATA_READERS, ADMINS),
    "settings": (DATA_READERS, ADMINS),
    "settings_staff": (DATA_READERS, ADMINS),
    "settings_staff_person": (ADMINS, ADMINS),
    "settings_staff_active": (ADMINS, ADMINS),
    "settings_staff_password": (ADMINS, ADMINS),
    "settings_keys": (DATA_READERS, ADMINS),
    "settings_keys_revoke": (ADMINS, ADMINS),
    "settings_audit": (DATA_READERS, DATA_READERS),
    "password": (EVERYONE, EVERYONE),
    "logout": (EVERYONE, EVERYONE),
}
# Open to strangers, each for a reason: the way in, the language of the way in, and what load balancers ask.
PUBLIC = {
    "login",
    "language",
    "healthz",
    "readyz",
    "message_link",
    "message_unsubscribe",
    "channel_callback",
}
# Doors with rules of their own, which their own tests hold.
ELSEWHERE = ("api/", "admin/")


@dataclass(frozen=True)
class Address:
    """One URL of the console: its path with 1 for every argument, its name, and the view."""

    path: str
    name: str
    view: Any


def addresses(resolver: URLResolver, before: str = "") -> Iterator[Address]:
    """Every URL below `resolver`, but those of `ELSEWHERE`."""
    for entry in resolver.url_patterns:
        path = before + re.sub(r"<\w+:\w+>", "1", str(entry.pattern))
        if path.startswith(ELSEWHERE):
            continue
        if isinstance(entry, URLPattern):
            yield Address(f"/{path}", entry.name or "", entry.callback)
        else:
            yield from addresses(entry, path)


def every_address() -> list[Address]:
    return list(addresses(get_resolver()))


def test_every_url_says_who_may_open_it() -> None:
    undeclared = {
        a.path for a in every_address() if not hasattr(a.view, "door") and getattr(a.view, "login_required", True)
    }
    assert undeclared == set(), "decorate with accounts.doors.requires or signed_in"


def test_only_known_urls_are_open_to_strangers() -> None:
    assert {a.name for a in every_address() if not getattr(a.view, "login_required", True)} == PUBLIC


def test_the_table_names_every_url() -> None:
    assert {a.name for a in every_address()} - PUBLIC == set(TABLE), "say here who may open it"


def test_declared_permissions_exist_and_everybody_has_one_role_that_reaches_them() -> None:
    doors: list[Door] = [a.view.door for a in every_address() if hasattr(a.view, "door")]
    named = {name for door in doors for name in (door.look, door.change) if name}
    assert named <= set(PERMISSIONS)
    assert ROLES[ADMIN] == set(PERMISSIONS)


def client_of(role: str) -> Client:
    cache.clear()
    client = Client()
    client.force_login(User.objects.create_user(f"{role}-person", password="a long enough secret", role=role))
    return client


@pytest.fixture
def store() -> None:
    """A brand with one customer, whose number is 1 like every argument of an address here."""
    create_brand(name="小满生活", clock=SystemClock())
    Person.objects.create(pk=1, display_name="张三", phone="13912345678", created_at=SystemClock().now())


@pytest.mark.parametrize("role", sorted(EVERYONE))
@pytest.mark.usefixtures("store")
def test_a_role_opens_what_the_table_gives_it_and_nothing_else(role: str) -> None:
    client, wrong = client_of(role), []
    for address in every_address():
        if address.name in PUBLIC | {"logout"}:
            continue
        for method, allowed in zip(("GET", "POST"), TABLE[address.name], strict=True):
            for part in ({}, {"HX-Request": "true"}):
                status = client.generic(method, address.path, headers=part).status_code
                # 404 and 405 are answers of a view that was reached; a redirect to the login would be none.
                if (status == 403) == (role in allowed) or status >= 500:
                    wrong.append(f"{method} {address.path} {part}: {status}")
    assert wrong == []


@pytest.mark.parametrize("role", sorted(EVERYONE))
@pytest.mark.usefixtures("store")
def test_the_navigation_shows_what_opens_and_hides_the_rest(role: str) -> None:
    text = client_of(role).get("/").content.decode()
    shown = {
        page.slug for page in registry().pages if f'"/{"" if page.slug == "overview" else page.slug + "/"}"' in text
    }
    assert shown == {page.slug for page in registry().pages if role in TABLE[page.url_name][0]}


@pytest.mark.usefixtures("store")
def test_no_page_shows_a_role_a_link_or_a_form_that_is_closed_to_it() -> None:
    by_path = [(re.compile(f"^{a.path.replace('1', '[^/]+')}$"), a.name) for a in every_address()]
    wrong = []
    for role in sorted(EVERYONE):
        client = client_of(role)
        for address in every_address():
            response = client.get(address.path) if address.name not in PUBLIC | {"logout", "example"} else None
            if response is None or response.status_code != 200 or "html" not in response.headers["Content-Type"]:
                continue
            text = response.content.decode()
            links = re.findall(r'<a [^>]*href="(/[^"?#]*)', text)
            forms = re.findall(r'<form method="post"[^>]*action="(/[^"?#]*)', text)
            for target, which in [*((link, 0) for link in links), *((form, 1) for form in forms)]:
                name = next((name for pattern, name in by_path if pattern.match(target)), "")
                if name in TABLE and role not in TABLE[name][which]:
                    wrong.append(f"{role} at {address.path}: {target}")
    assert wrong == []


@pytest.mark.usefixtures("store")
def test_a_closed_page_says_which_role_opens_it_and_whom_to_ask() -> None:
    User.objects.create_user("boss", password="a long enough secret", role=ADMIN, first_name="王店长")
    client = client_of(SERVICE)
    text = client.get("/data/").content.decode()
    for word in ("客服", "管理员", "运营", "分析", "王店长"):
        assert word in text
    part = client.get("/data/", headers={"HX-Request": "true"}).content.decode()
    assert "王店长" in part
    assert client.get("/data/").headers["HX-Refused"] == "data.view"
    assert "<html" not in part


def test_a_deactivated_person_is_a_stranger_at_once() -> None:
    client = client_of(OPERATOR)
    assert client.get("/").status_code == 200
    User.objects.update(is_active=False)
    assert client.get("/").headers["Location"].startswith("/login/")
