"""`huitou staff` and `huitou keys`: the same services as the pages, secrets printed once."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from django.utils import translation
from typer.testing import CliRunner

from config.cli import build
from huitou.accounts.keys import find_key
from huitou.accounts.models import ApiKey, AuditEntry, Brand, User
from huitou.core.errors import DomainError

pytestmark = pytest.mark.django_db


def run(*words: str) -> Any:
    done = CliRunner().invoke(build(), [*words, "--json"])
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    assert done.exit_code == 0, done.output
    return json.loads(done.stdout)


def test_a_person_is_let_in_changed_and_sent_away() -> None:
    made = run("staff", "add", "lin", "--role", "admin", "--name", "林小满")
    assert User.objects.get(username="lin").check_password(made["password"])
    run("staff", "add", "wu")
    assert run("staff", "set", "wu", "--role", "operator")["staff"][0]["role"] == "operator"
    again = run("staff", "set", "wu", "--new-password")
    assert User.objects.get(username="wu").check_password(again["password"])
    run("staff", "set", "wu", "--inactive")
    listed = run("staff", "list")["staff"]
    assert [(p["username"], p["role"], p["active"]) for p in listed] == [
        ("lin", "admin", True),
        ("wu", "operator", False),
    ]
    with pytest.raises(DomainError):
        run("staff", "set", "lin", "--inactive")


def test_a_key_is_made_listed_and_revoked() -> None:
    write = run("keys", "create", "mini-program", "--source", "youzan")
    api = run("keys", "create", "warehouse", "--scope", "metrics.view", "--scope", "data.view")
    assert find_key(write["secret"]) is not None
    assert api["scopes"] == ["data.view", "metrics.view"]
    run("keys", "revoke", write["prefix"])
    assert find_key(write["secret"]) is None
    listed = run("keys", "list")["keys"]
    assert {(k["name"], k["revoked_at"] is None) for k in listed} == {("mini-program", False), ("warehouse", True)}
    assert "secret" not in listed[0]
    assert AuditEntry.objects.filter(action__startswith="key.").count() == 3


def test_a_key_is_revoked_by_as_much_of_it_as_tells_it_from_the_others() -> None:
    one, other = (run("keys", "create", name, "--source", "youzan")["prefix"] for name in "ab")
    with pytest.raises(DomainError, match=one):
        run("keys", "revoke", "hw_")
    length = next(n for n in range(4, len(one) + 1) if one[:n] != other[:n])
    assert run("keys", "revoke", one[:length])["keys"][0]["prefix"] == one
    assert [key["prefix"] for key in run("keys", "list")["keys"] if key["revoked_at"] is None] == [other]
    with pytest.raises(DomainError):
        run("keys", "revoke", "hw_none")


def test_times_are_the_brands_to_the_minute_and_headings_in_the_readers_language() -> None:
    Brand.objects.create(pk=1, name="b", currency="CNY", zone="Asia/Shanghai")
    run("staff", "add", "lin")
    run("keys", "create", "shop", "--source", "youzan")
    used = datetime(2026, 3, 9, 18, 5, 7, 123456, tzinfo=UTC)
    User.objects.update(last_login=used)
    ApiKey.objects.update(last_used_at=used)
    with translation.override("zh-hans"):
        for command, heading in (("staff", "最近登录"), ("keys", "最近使用")):
            shown = CliRunner().invoke(build(), [command, "list"]).stdout
            assert "2026-03-10 02:05" in shown
            assert heading in shown
            assert "123456" not in shown


def test_tables_for_people_hold_no_secret() -> None:
    made = run("keys", "create", "mini-program", "--source", "youzan")
    shown = CliRunner().invoke(build(), ["keys", "list"]).stdout
    assert made["prefix"] in shown
    assert made["secret"] not in shown
