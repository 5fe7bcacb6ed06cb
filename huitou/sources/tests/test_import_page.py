"""The page of an import stops watching when nothing more will happen, also after a worker was killed."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client

from huitou.accounts.services import create_brand, create_first_admin
from huitou.core.clock import SystemClock
from huitou.core.home import Home
from huitou.core.models import RefreshRun
from huitou.sources.job_progress import JobState, write_state
from huitou.sources.models import ImportRun
from huitou.sources.tasks import import_job_name

pytestmark = pytest.mark.django_db
PASSWORD = "a long enough secret"


@pytest.fixture
def page(home: Home) -> Client:
    create_first_admin(clock=SystemClock(), password=PASSWORD)
    create_brand(name="小满生活", clock=SystemClock())
    client = Client()
    client.login(username="admin", password=PASSWORD)
    return client


def _run(state: str) -> ImportRun:
    now = SystemClock().now()
    return ImportRun.objects.create(
        key=state,
        kind="orders",
        source="file",
        file_name="订单.csv",
        file_path="x",
        content_hash="0",
        state=state,
        created_at=now,
        finished_at=now if state in {"done", "failed"} else None,
    )


def _watches(page: Client, run: ImportRun) -> bool:
    return "every 1s" in page.get(f"/data/imports/{run.pk}/").content.decode()


@pytest.mark.parametrize("state", ["uploaded", "preparing", "prepared", "claimed"])
def test_an_import_under_way_is_watched(page: Client, state: str) -> None:
    assert _watches(page, _run(state))


def test_an_import_that_is_over_is_not(page: Client, home: Home) -> None:
    assert not _watches(page, _run("failed"))
    run = _run("done")
    assert not _watches(page, run)
    write_state(home, import_job_name(run.pk), JobState("done"))
    assert not _watches(page, run)


def test_the_refresh_after_an_import_is_watched_until_one_has_its_orders(page: Client, home: Home) -> None:
    run = _run("done")
    write_state(home, import_job_name(run.pk), JobState("running", step="refresh"))
    assert _watches(page, run)
    later = SystemClock().now() + timedelta(seconds=1)
    RefreshRun.objects.create(as_of=later, started_at=later, finished_at=later)
    assert not _watches(page, run)


def test_an_import_that_nobody_works_on_says_so(page: Client) -> None:
    """No worker gives a sign of life: the page does not pretend, and is right again as soon as one does."""
    run = _run("preparing")
    address = f"/data/imports/{run.pk}/"
    assert "后台任务没有运行" in page.get(address).content.decode()
    with connection.cursor() as cursor:
        cursor.execute("INSERT INTO procrastinate_workers (last_heartbeat) VALUES (now())")
        assert "后台任务没有运行" not in page.get(address).content.decode()
        cursor.execute("UPDATE procrastinate_workers SET last_heartbeat = now() - interval '40 seconds'")
    assert "后台任务没有运行" in page.get(address).content.decode()
    assert "后台任务没有运行" not in page.get(f"/data/imports/{_run('failed').pk}/").content.decode()
