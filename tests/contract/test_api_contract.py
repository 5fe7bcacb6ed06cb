"""Every operation keeps the contract: declared permission and section, documented, reachable, and none is missing."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver

import huitou
from config.api import doors, schema
from huitou.accounts.models import User
from huitou.accounts.roles import PERMISSIONS
from huitou.console.shell import SECTIONS
from huitou.core.http_api.openapi import operations
from huitou.core.http_api.operations import PERMISSION, SECTION, WRITES

ROOT = Path(huitou.__path__[0])
OPERATIONS = {f"{method.upper()} {path}": operation for path, method, operation in operations(schema())}

# URL name of each console view that takes a form: the operations that do the same.
TWINS: dict[str, set[str]] = {
    "settings": {"PATCH /api/v1/brand"},
    "settings_holdout": {"PUT /api/v1/holdout"},
    "settings_margin": {"PUT /api/v1/margin"},
    "settings_keys": {"POST /api/v1/keys"},
    "settings_keys_revoke": {"POST /api/v1/keys/{prefix}/revocation"},
    "settings_staff": {"POST /api/v1/staff"},
    "settings_staff_person": {"PATCH /api/v1/staff/{username}"},
    "settings_staff_active": {"PATCH /api/v1/staff/{username}"},
    "settings_staff_password": {"POST /api/v1/staff/{username}/password-reset"},
    "data_upload": {"POST /api/v1/uploads"},
    "data_file": {
        "POST /api/v1/uploads/{upload}/preview",
        "POST /api/v1/imports",
        "DELETE /api/v1/uploads/{upload}",
    },
    "customers": {"POST /api/v1/customers/search"},
    "customers_whole": {"POST /api/v1/customers/{person_id}/unmaskings"},
    "customers_join": {"POST /api/v1/merges"},
    "customers_consent": {"POST /api/v1/customers/{person_id}/consents"},
    "customers_export": {"POST /api/v1/customers/{person_id}/exports"},
    "customers_erase": {"POST /api/v1/customers/{person_id}/erasure"},
    "customers_undo": {"DELETE /api/v1/merges/{merge_id}"},
    "review_decide": {
        "POST /api/v1/merges",
        "POST /api/v1/merge-cases/partings",
        "DELETE /api/v1/merge-cases/{case_id}",
    },
    "data_letters": {"POST /api/v1/dead-letters/replays", "POST /api/v1/dead-letters/discards"},
    "data_letter": {"POST /api/v1/dead-letters/{letter_id}/replay"},
    "data_connection_new": {"POST /api/v1/connections"},
    "data_connection": {
        "PATCH /api/v1/connections/{connection_id}",
        "DELETE /api/v1/connections/{connection_id}",
        "POST /api/v1/connections/{connection_id}/pulls",
        "POST /api/v1/connections/{connection_id}/pause",
        "DELETE /api/v1/connections/{connection_id}/pause",
    },
    "messages_decide": {"POST /api/v1/messages/{touch_id}/decision", "DELETE /api/v1/messages/{touch_id}"},
    "messages_send": {"POST /api/v1/messages"},
    "messages_export": {"POST /api/v1/handoff-lists"},
    "messages_take": {"POST /api/v1/handoff-lists/{list_id}/takings"},
    "messages_report": {"POST /api/v1/handoff-lists/{list_id}/report"},
    "settings_channels": {"PATCH /api/v1/contact-policy"},
    "settings_channel_new": {"POST /api/v1/channel-accounts"},
    "settings_channel": {
        "PATCH /api/v1/channel-accounts/{account_id}",
        "PUT /api/v1/channel-accounts/{account_id}/welcome",
        "POST /api/v1/channel-accounts/{account_id}/check",
        "POST /api/v1/channel-accounts/{account_id}/pause",
        "DELETE /api/v1/channel-accounts/{account_id}/pause",
    },
    "data_feed": {"PUT /api/v1/feeds/expectation"},
    "data_plan_event": {"POST /api/v1/tracking-plan/declarations", "POST /api/v1/tracking-plan/withdrawals"},
    "data_plan_dismiss": {"DELETE /api/v1/tracking-plan/problems/{problem_id}"},
    "contact_gap": {"POST /api/v1/contact-gap/{month}/segment"},
    "segments_new": {"POST /api/v1/segments"},
    "segments_builder": {"GET /api/v1/condition-schema"},
    "segments_preview": {"POST /api/v1/segment-counts"},
    "segments_layers": {"POST /api/v1/segment-layers"},
    "segments_edit": {"PATCH /api/v1/segments/{name}"},
    "segments_archive": {"DELETE /api/v1/segments/{name}", "POST /api/v1/segments/{name}/restoration"},
    "texts": {"POST /api/v1/texts/understanding"},
    "texts_correct": {"POST /api/v1/texts/corrections"},
    "texts_learn": {"POST /api/v1/texts/lessons", "PUT /api/v1/texts/lessons/current"},
    "tags": {
        "POST /api/v1/tags",
        "DELETE /api/v1/tags/{name}",
        "DELETE /api/v1/tags/{name}/rule",
        "POST /api/v1/tags/{name}/givings",
        "POST /api/v1/tags/{name}/takings",
    },
    "tags_rule": {"POST /api/v1/tags"},
    "strategies": {"PUT /api/v1/strategies/{name}", "DELETE /api/v1/strategies/{name}"},
    "customers_tags": {
        "POST /api/v1/customers/{person_id}/tags",
        "DELETE /api/v1/customers/{person_id}/tags/{name}",
    },
    "journeys": {"POST /api/v1/journeys"},
    "journeys_flow": {
        "PUT /api/v1/journeys/{name}/draft",
        "POST /api/v1/journeys/{name}/publication",
        "DELETE /api/v1/journeys/{name}",
    },
    "journeys_terms": {"PUT /api/v1/journeys/{name}/draft"},
    "journeys_step": {"PUT /api/v1/journeys/{name}/draft"},
    "tasks": {
        "PUT /api/v1/tasks/{task_id}/assignment",
        "DELETE /api/v1/tasks/{task_id}/assignment",
        "PUT /api/v1/tasks/{task_id}/snooze",
        "PUT /api/v1/tasks/{task_id}/outcome",
    },
    "plays_start": {"POST /api/v1/plays/{name}/launches"},
    "plays_copy": {"POST /api/v1/plays/{name}/copies"},
    "plays_rehearse": {"POST /api/v1/plays/{name}/rehearsals"},
    "plays_pause": {"POST /api/v1/play-launches/{number}/pause"},
    "plays_resume": {"DELETE /api/v1/play-launches/{number}/pause"},
    "plays_stop": {"POST /api/v1/play-launches/{number}/stop"},
    "example_load": {"POST /api/v1/example"},
    "example_advance": {"POST /api/v1/example/advances"},
    "example_remove": {"DELETE /api/v1/example"},
}
# Views that are about the browser itself, each with the reason why a program needs no operation for it.
BROWSER_ONLY = {
    "message_unsubscribe": "a customer opens it from a message",
    "login": "a program shows its key at each request",
    "logout": "a program shows its key at each request",
    "password": "a program has a key and no password",
    "language": "a program names its language at each request, in Accept-Language",
}


def views(resolver: URLResolver, before: str = "") -> Iterator[tuple[str, Any]]:
    """URL name and view of everything below `resolver` but the API itself and the back office."""
    for entry in resolver.url_patterns:
        path = before + str(entry.pattern)
        if path.startswith(("api/", "admin/")):
            continue
        if isinstance(entry, URLPattern):
            yield entry.name or "", entry.callback
        else:
            yield from views(entry, path)


def test_every_module_that_declares_operations_is_in_it() -> None:
    """By reading the sources: whoever makes an `Operations` is found by the listing."""
    made = {
        ".".join(path.relative_to(ROOT.parent).with_suffix("").parts)
        for path in ROOT.rglob("*.py")
        if re.search(r"^router = Operations\(", path.read_text(), re.MULTILINE)
    }
    assert {name for name, _router in doors()} == made


def test_every_app_with_pages_has_operations() -> None:
    shells = {"console"}  # draws what others show
    pages = {path.parent.name for path in ROOT.glob("*/pages.py")} - shells
    assert pages <= {name.split(".")[1] for name, _router in doors()}


@pytest.mark.parametrize("name", sorted(OPERATIONS))
def test_an_operation_declares_what_it_needs(name: str) -> None:
    operation = OPERATIONS[name]
    assert operation[PERMISSION] in PERMISSIONS or name == "GET /api/v1/me"
    assert operation[SECTION] in SECTIONS
    assert operation["summary"]
    assert "{" in name or {"401", "403", "422", "429"} <= set(operation["responses"])
    method = name.split()[0]
    if method in {"PUT", "PATCH", "DELETE"}:
        assert operation.get(WRITES), "it changes something"
    if operation.get(WRITES):
        assert {"$ref": "#/components/parameters/idempotency_key"} in operation["parameters"]
        assert not operation[PERMISSION].endswith(".view"), "whoever may only look changes nothing"


def test_operations_have_names_of_their_own() -> None:
    names = [operation["operationId"] for operation in OPERATIONS.values()]
    assert len(set(names)) == len(names)


def test_every_field_that_is_money_or_time_says_its_unit() -> None:
    """Whole numbers named after money carry `_minor`; instants are date-time."""
    wrong = []
    for form, declared in schema()["components"]["schemas"].items():
        for name, field in declared.get("properties", {}).items():
            if re.search(r"(amount|price|spend|discount|revenue)$", name):
                wrong.append(f"{form}.{name}")
            if name.endswith("_at") and "date-time" not in str(field):
                wrong.append(f"{form}.{name}")
    assert wrong == []


@pytest.mark.django_db
@pytest.mark.parametrize("name", sorted(OPERATIONS))
def test_no_operation_answers_a_stranger(name: str) -> None:
    method, path = name.split()
    address = re.sub(r"\{(\w+)\}", "1", path)
    response = Client().generic(method, address, b"{}", content_type="application/json")
    assert response.status_code == 401, name


@pytest.mark.django_db
def test_the_schema_is_open_and_says_what_the_snapshot_says() -> None:
    response = Client().get("/api/v1/openapi.json")
    assert response.status_code == 200
    assert response.json() == schema()


def test_everything_that_the_console_does_has_an_operation() -> None:
    named = dict(views(get_resolver()))
    taking = {name for name, view in named.items() if takes_a_form(view)}
    assert taking - set(TWINS) - set(BROWSER_ONLY) == set(), "name the operations that do the same, in TWINS"
    assert set(TWINS) | set(BROWSER_ONLY) <= taking, "these views are gone"
    assert {twin for twins in TWINS.values() for twin in twins} - set(OPERATIONS) == set()


def takes_a_form(view: Any) -> bool:
    """Whether the view's source, or a function of its module that it hands the request to, looks at what was posted, or
    lets nothing but posts through."""
    while (made := getattr(view, "view_class", None)) is None and hasattr(view, "__wrapped__"):
        view = view.__wrapped__
    if made is not None:
        return hasattr(made, "post")
    source = inspect.getsource(view)
    handed = {getattr(inspect.getmodule(view), name, None) for name in re.findall(r"\b(_\w+)\(request", source)}
    source += "".join(inspect.getsource(function) for function in handed if inspect.isfunction(function))
    return bool(re.search(r'require_POST|request\.POST|method [!=]= "POST"', source))


@pytest.mark.django_db
def test_the_console_lists_every_operation_under_its_strict_policy(client: Client) -> None:
    client.force_login(User.objects.create_user("somebody", role="analyst"))
    response = client.get("/api/docs/")
    text = response.content.decode()
    assert response.status_code == 200
    assert [name for name in OPERATIONS if f"<code>{name}</code>" not in text] == []
    assert "style-src 'self';" in response.headers["Content-Security-Policy"]
    assert "https://" not in text, "it works without a network"


def test_no_two_forms_share_a_name() -> None:
    """The published document knows a form by its name alone: of two, one would describe the other's answers."""
    named: dict[str, set[str]] = {}
    for file in sorted(ROOT.rglob("*api.py")):
        for name in re.findall(r"^class (\w+)\((?:Schema|Body|Filter|\w+Out|\w+In)\b", file.read_text(), re.MULTILINE):
            named.setdefault(name, set()).add(str(file.relative_to(ROOT)))
    assert len(named) > 50
    assert {name: files for name, files in named.items() if len(files) > 1} == {}
