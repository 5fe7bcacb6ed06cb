"""Refusals: one form for all of them, in the caller's language, naming what is wrong and how to mend it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.conf import LazySettings
from django.db import OperationalError
from django.test import Client

import huitou.accounts.api as accounts_api
from tests.contract.calling import program

pytestmark = pytest.mark.django_db


def problem_of(response: Any) -> dict[str, Any]:
    """The problem, which has the form of every problem."""
    assert response.headers["Content-Type"] == "application/problem+json"
    told: dict[str, Any] = json.loads(response.content)
    assert {"type", "title", "status", "code", "detail"} <= set(told)
    assert told["status"] == response.status_code
    assert told["type"] == f"urn:huitou:problem:{told['code']}"
    return told


def test_every_value_that_cannot_be_used_is_named_with_its_mend() -> None:
    body = {"nam": "X", "zone": 3, "exclusions": {"min_amount_minor": -1, "order_types": ["gift"]}}
    told = problem_of(program().raw("PATCH", "/brand", body))
    assert told["status"] == 422
    found = {error["field"]: error for error in told["errors"]}
    assert set(found) == {"nam", "zone", "exclusions.min_amount_minor", "exclusions.order_types.0"}
    assert {error["place"] for error in found.values()} == {"body"}
    assert found["exclusions.min_amount_minor"]["message"] == "1 is the least; give a larger number."
    assert "'sample'" in found["exclusions.order_types.0"]["message"]


@pytest.mark.parametrize(
    ("path", "field"),
    [("/keys?limit=0", "limit"), ("/keys?limit=201", "limit"), ("/keys?limit=x", "limit"), ("/keys?limt=5", "limt")],
)
def test_parameters_are_checked_and_misspelled_ones_refused(path: str, field: str) -> None:
    told = problem_of(program().raw("GET", path))
    assert told["status"] == 422
    assert [(error["place"], error["field"]) for error in told["errors"]] == [("query", field)]


def test_refusals_of_the_product_keep_their_code_and_sentence() -> None:
    told = problem_of(program().raw("GET", "/brand"))
    assert (told["status"], told["code"]) == (409, "no_brand")
    told = problem_of(program().raw("PATCH", "/brand", {"zone": "Mars/Base"}))
    assert (told["status"], told["code"]) == (400, "brand_invalid")
    assert "Mars/Base" in told["detail"]


@pytest.mark.parametrize(
    ("language", "title", "content_language"),
    [
        ("en", "Not found", "en"),
        ("zh-CN,zh;q=0.9,en;q=0.8", "找不到", "zh-hans"),
        ("de, en-GB;q=0.7", "Not found", "en"),
        ("de", "找不到", "zh-hans"),
        ("*;q=0.1, \x01", "找不到", "zh-hans"),
    ],
)
def test_refusals_speak_the_callers_language(language: str, title: str, content_language: str) -> None:
    response = program().raw("GET", "/imports/17", accept_language=language)
    assert problem_of(response)["title"] == title
    assert response.headers["Content-Language"] == content_language
    assert "Accept-Language" in response.headers["Vary"]


def test_addresses_methods_and_forms_that_do_not_exist() -> None:
    caller = program()
    assert problem_of(caller.raw("GET", "/nowhere"))["status"] == 404
    assert problem_of(caller.raw("GET", "/customers/abc"))["status"] == 404
    assert problem_of(caller.raw("GET", "/imports/%0A"))["status"] == 404
    assert problem_of(caller.raw("GET", "/customers/1%0A/person"))["status"] == 404
    refused = caller.raw("PUT", "/brand", {})
    assert problem_of(refused)["status"] == 405
    assert set(refused.headers["Allow"].split(", ")) == {"GET", "PATCH"}
    headers = {"authorization": f"Bearer {caller.secret}"}
    plain = Client().generic("PATCH", "/api/v1/brand", b"name=X", content_type="text/plain", headers=headers)
    assert problem_of(plain)["status"] == 415


@pytest.mark.parametrize(
    "body",
    [
        b"{",
        b"\xff\xfe",
        b'{"name": NaN}',
        b'{"name": "a\\u0000b"}',
        b'{"name": "\\ud800"}',
        b'{"na\\u0000me": "x"}',
        b"[" * 100_000,
        b'{"targets": {"a": 1e999}}',
        b'{"targets": {"a": ' + b"9" * 5_000 + b"}}",
        b'{"thresholds": {"new_days": 99999999999999999999999}}',
        b'{"name": "' + b"x" * 101 + b'"}',
        b'{"exclusions": ' + b'{"a":' * 50 + b"1" + b"}" * 51,
        b"null",
        b"7",
        b'"text"',
        b"[]",
    ],
)
def test_no_body_does_harm(body: bytes) -> None:
    headers = {"authorization": f"Bearer {program().secret}"}
    response = Client().generic("PATCH", "/api/v1/brand", body, content_type="application/json", headers=headers)
    assert problem_of(response)["status"] in {400, 422}


def test_a_body_beyond_the_limit_is_refused() -> None:
    response = program().raw("PATCH", "/brand", {"name": "x" * 3_000_000})
    assert problem_of(response)["status"] == 413


def test_a_fault_of_ours_is_told_without_its_insides(
    monkeypatch: pytest.MonkeyPatch, settings: LazySettings, caplog: pytest.LogCaptureFixture
) -> None:
    def fail() -> None:
        raise RuntimeError("secret of the house")

    monkeypatch.setattr(accounts_api, "get_brand", fail)
    for debug in (False, True):
        settings.DEBUG = debug
        response = program().raw("GET", "/brand")
        assert problem_of(response)["status"] == 500
        assert b"secret of the house" not in response.content
    assert "secret of the house" in caplog.text


def test_a_database_that_is_away_is_no_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail() -> None:
        raise OperationalError("connection refused")

    monkeypatch.setattr(accounts_api, "get_brand", fail)
    response = program().raw("GET", "/brand")
    assert problem_of(response)["status"] == 503
    assert response.headers["Retry-After"]
