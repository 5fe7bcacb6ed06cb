"""/healthz and /readyz tell the truth, to anybody."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test import Client

from huitou.core.home import Home

pytestmark = pytest.mark.django_db


def test_an_empty_store_is_ready_and_says_that_no_worker_runs(client: Client) -> None:
    response = client.get("/readyz")
    assert response.status_code == 200
    body = response.json()
    assert body["failing"] == []
    assert {name for name, part in body["parts"].items() if part["ok"]} == {"database", "migrations", "lake"}
    assert body["parts"]["worker"] == {"ok": False, "detail": "no worker runs"}


@pytest.mark.parametrize(("silent_seconds", "ok"), [(3, True), (300, False)])
def test_the_workers_heartbeat_is_reported(client: Client, silent_seconds: int, ok: bool) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO procrastinate_workers (last_heartbeat) VALUES (now() - make_interval(secs => %s))",
            [silent_seconds],
        )
    response = client.get("/readyz")
    assert response.status_code == 200
    assert response.json()["parts"]["worker"]["ok"] is ok


def test_a_store_that_is_behind_is_not_ready(client: Client) -> None:
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM django_migrations WHERE app = 'core'")
    response = client.get("/readyz")
    assert response.status_code == 503
    assert response.json()["failing"] == ["migrations"]


def test_an_unreadable_lake_is_not_ready(client: Client, home: Home) -> None:
    log = home.root / "lake" / "fct_order_lines" / "_delta_log"
    log.mkdir(parents=True)
    (log / "00000000000000000000.json").write_text("not a transaction log\n")
    response = client.get("/readyz")
    assert response.status_code == 503
    assert response.json()["failing"] == ["lake"]
    assert response.json()["parts"]["lake"]["detail"]


def test_the_process_is_healthy_whatever_the_rest_does(client: Client, django_assert_num_queries: object) -> None:
    with django_assert_num_queries(0):  # type: ignore[operator]
        response = client.get("/healthz")
    assert response.status_code == 200
    assert response.json() == {"status": "ok"}
