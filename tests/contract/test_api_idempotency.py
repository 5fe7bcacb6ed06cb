"""A write sent again changes nothing and gets the first answer; two at once are one; a crash leaves both or neither."""

from __future__ import annotations

import json
import threading
from datetime import timedelta
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import huitou.core.http_api.operations as operations
from huitou.accounts.models import ApiKey, AuditEntry
from huitou.core.clock import FixedClock, SystemClock
from huitou.core.http_api.idempotency import KEPT_HOURS, forget_answers
from huitou.core.models import StoredAnswer
from tests.contract.calling import Program, program

BODY = {"name": "page", "scopes": ["metrics.view"]}


def make(caller: Program, key: str, body: Any = None) -> Any:
    return caller.raw("POST", "/keys", body or BODY, idempotency_key=key)


@pytest.mark.django_db
def test_the_same_request_gets_the_first_answer_without_its_secret() -> None:
    caller = program()
    first, second = make(caller, "a"), make(caller, "a")
    assert (first.status_code, second.status_code) == (201, 201)
    assert "Idempotency-Replayed" not in first.headers
    assert second.headers["Idempotency-Replayed"] == "true"
    told, again = json.loads(first.content), json.loads(second.content)
    assert again == {**told, "secret": None}
    assert ApiKey.objects.filter(name="page").count() == 1
    assert told["secret"] not in StoredAnswer.objects.get().body


@pytest.mark.django_db
def test_another_request_with_the_same_key_is_refused() -> None:
    caller = program()
    make(caller, "a")
    for other in (make(caller, "a", {**BODY, "name": "other"}), caller.raw("PATCH", "/brand", {}, idempotency_key="a")):
        assert other.status_code == 422
        assert json.loads(other.content)["code"] == "idempotency_key_reused"
    assert ApiKey.objects.filter(name__in=["page", "other"]).count() == 1


@pytest.mark.django_db
def test_keys_of_two_callers_never_meet() -> None:
    assert make(program(), "a").status_code == 201
    assert "Idempotency-Replayed" not in make(program(), "a").headers
    assert ApiKey.objects.filter(name="page").count() == 2


@pytest.mark.django_db
def test_a_refused_request_can_be_mended_and_sent_again() -> None:
    caller = program()
    assert caller.raw("PATCH", "/brand", {"zone": "Mars/Base"}, idempotency_key="a").status_code == 400
    assert caller.raw("PATCH", "/brand", {"zone": "Europe/Berlin"}, idempotency_key="a").status_code == 200


@pytest.mark.django_db
@pytest.mark.parametrize("key", ["", " ", "a b", "\u00e9", "x" * 201, "a\x00"])
def test_a_key_that_is_none_is_refused(key: str) -> None:
    response = make(program(), key)
    assert response.status_code == 422
    assert json.loads(response.content)["errors"][0]["field"] == "Idempotency-Key"


@pytest.mark.django_db
def test_an_empty_answer_is_repeated_too(home: object) -> None:
    caller = program()
    token = send(caller, b"a\n1\n").json()["upload"]
    first = caller.raw("DELETE", f"/uploads/{token}", idempotency_key="a")
    second = caller.raw("DELETE", f"/uploads/{token}", idempotency_key="a")
    assert (first.status_code, second.status_code) == (204, 204)
    assert caller.raw("DELETE", f"/uploads/{token}").status_code == 404


def send(caller: Program, content: bytes, **headers: str) -> Any:
    return Client().post(
        "/api/v1/uploads",
        {"file": SimpleUploadedFile("orders.csv", content)},
        headers={"authorization": f"Bearer {caller.secret}", **headers},
    )


@pytest.mark.django_db
def test_a_file_sent_again_is_the_same_whatever_divides_the_form(monkeypatch: pytest.MonkeyPatch) -> None:
    caller = program()
    first = send(caller, b"a\n1\n", **{"idempotency-key": "f"})
    monkeypatch.setattr("django.test.client.BOUNDARY", "anotherBoundary")
    monkeypatch.setattr("django.test.client.MULTIPART_CONTENT", "multipart/form-data; boundary=anotherBoundary")
    again = Client().post(
        "/api/v1/uploads",
        {"file": SimpleUploadedFile("orders.csv", b"a\n1\n")},
        content_type="multipart/form-data; boundary=anotherBoundary",
        headers={"authorization": f"Bearer {caller.secret}", "idempotency-key": "f"},
    )
    assert again.json() == first.json()
    assert send(caller, b"a\n2\n", **{"idempotency-key": "f"}).status_code == 422


@pytest.mark.django_db
def test_answers_are_kept_for_two_days() -> None:
    caller = program()
    make(caller, "a")
    now = SystemClock().now()
    assert forget_answers(clock=FixedClock(now + timedelta(hours=KEPT_HOURS - 1))) == 0
    assert forget_answers(clock=FixedClock(now + timedelta(hours=KEPT_HOURS + 1))) == 1


@pytest.mark.django_db
@settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
@given(sent=st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from("xyz")), min_size=1, max_size=12))
def test_whatever_is_sent_in_whatever_order_each_key_acts_once(sent: list[tuple[str, str]]) -> None:
    """Against a model: the first body of a key decides, the others are refused."""
    caller = program()
    before = ApiKey.objects.count()
    decided: dict[str, str] = {}
    answers: dict[str, str] = {}
    for key, name in sent:
        response = make(caller, key, {**BODY, "name": name})
        if decided.setdefault(key, name) != name:
            assert response.status_code == 422
            continue
        assert response.status_code == 201
        prefix = json.loads(response.content)["prefix"]
        assert answers.setdefault(key, prefix) == prefix
    assert ApiKey.objects.count() - before == len(decided)


@pytest.mark.django_db(transaction=True)
def test_two_at_once_are_one() -> None:
    """Four connections send the same request at the same moment; one acts, the others wait for its answer."""
    caller = program()
    start = threading.Barrier(4)
    answers = []

    def send_one() -> None:
        start.wait()
        try:
            answers.append(make(caller, "a"))
        finally:
            connection.close()

    threads = [threading.Thread(target=send_one) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answer.status_code for answer in answers) == [201] * 4
    assert len({json.loads(answer.content)["prefix"] for answer in answers}) == 1
    assert sum("Idempotency-Replayed" in answer.headers for answer in answers) == 3
    assert ApiKey.objects.filter(name="page").count() == 1


@pytest.mark.django_db(transaction=True)
def test_one_that_waits_too_long_is_told_to_come_back(monkeypatch: pytest.MonkeyPatch) -> None:
    """The first request holds its key open; the second one gives up with 409 and acts not."""
    monkeypatch.setattr("huitou.core.http_api.idempotency._WAIT_SECONDS", 1)
    caller, slow, entered = program(), threading.Event(), threading.Event()
    answer = operations._answer

    def dawdle(*args: Any) -> Any:
        if not entered.is_set():
            entered.set()
            assert slow.wait(20)
        return answer(*args)

    monkeypatch.setattr(operations, "_answer", dawdle)
    first = []

    def send_first() -> None:
        try:
            first.append(make(caller, "a"))
        finally:
            connection.close()

    thread = threading.Thread(target=send_first)
    thread.start()
    assert entered.wait(20)
    second = make(caller, "a")
    slow.set()
    thread.join()
    assert second.status_code == 409
    assert second.headers["Retry-After"]
    assert json.loads(second.content)["code"] == "idempotency_in_progress"
    assert first[0].status_code == 201
    assert make(caller, "a").headers["Idempotency-Replayed"] == "true"


@pytest.mark.django_db(transaction=True)
def test_a_crash_between_write_and_answer_leaves_neither(monkeypatch: pytest.MonkeyPatch) -> None:
    """The connection dies after the service has written and before the answer is stored."""
    caller = program()
    answer = operations._answer

    def die(*_args: Any) -> Any:
        connection.close()
        raise ConnectionError("killed")

    before = AuditEntry.objects.count()
    monkeypatch.setattr(operations, "_answer", die)
    assert make(caller, "a").status_code >= 500
    monkeypatch.setattr(operations, "_answer", answer)
    assert AuditEntry.objects.count() == before
    assert StoredAnswer.objects.count() == 0
    response = make(caller, "a")
    assert response.status_code == 201
    assert "Idempotency-Replayed" not in response.headers
    assert ApiKey.objects.filter(name="page").count() == 1
