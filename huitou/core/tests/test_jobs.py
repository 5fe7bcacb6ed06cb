"""The worker runs what was deferred, and takes up what a killed worker had in hand."""

from __future__ import annotations

import asyncio
import gc
import signal
from collections.abc import Iterator

import psycopg
import pytest
from django.db import connection, transaction
from procrastinate.contrib.django import app

from huitou.core import jobs
from huitou.core.jobs import run_worker

pytestmark = [
    pytest.mark.django_db(transaction=True),
    # Threads of a worker that ends leave their database connection to the garbage collector, which complains.
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]
ran: list[str] = []


@app.task(name="tests.remember", queue="default")
def remember(word: str) -> None:
    ran.append(word)


@pytest.fixture(autouse=True)
def _forget() -> Iterator[None]:
    ran.clear()
    yield
    with connection.cursor() as cursor:
        cursor.execute("TRUNCATE procrastinate_jobs, procrastinate_workers RESTART IDENTITY CASCADE")
    # Here, and not in a later test that knows nothing of it.
    gc.collect()


def statuses() -> dict[str, int]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT status, count(*) FROM procrastinate_jobs WHERE task_name = 'tests.remember' GROUP BY 1")
        return dict(cursor.fetchall())


def test_a_deferred_job_runs() -> None:
    remember.defer(word="once")
    run_worker(wait=False)
    assert ran == ["once"]
    assert statuses() == {}, "finished jobs are not kept"


def test_a_job_deferred_in_a_transaction_that_fails_never_runs() -> None:
    with transaction.atomic():
        remember.defer(word="never")
        transaction.set_rollback(True)
    run_worker(wait=False)
    assert ran == []


@pytest.mark.parametrize(("silent_seconds", "expected"), [(120, ["again"]), (0, [])])
def test_a_job_of_a_silent_worker_runs_again(silent_seconds: int, expected: list[str]) -> None:
    remember.defer(word="again")
    with connection.cursor() as cursor:
        cursor.execute(
            "WITH worker AS (INSERT INTO procrastinate_workers (last_heartbeat) "
            "VALUES (now() - make_interval(secs => %s)) RETURNING id) "
            "UPDATE procrastinate_jobs SET status = 'doing', worker_id = (SELECT id FROM worker)",
            [silent_seconds],
        )
    run_worker(wait=False)
    assert ran == expected


def test_a_worker_for_one_queue_leaves_the_others() -> None:
    remember.defer(word="elsewhere")
    run_worker(queues=["other"], wait=False)
    assert ran == []
    assert statuses() == {"todo": 1}


def test_a_left_job_gives_way_to_one_of_its_kind_that_waits() -> None:
    """Of its kind only one may wait: the left one cannot be queued beside it, and the worker starts all the same."""
    again = remember.configure(queueing_lock="tests.one")
    again.defer(word="left")
    with connection.cursor() as cursor:
        cursor.execute(
            "WITH worker AS (INSERT INTO procrastinate_workers (last_heartbeat) "
            "VALUES (now() - make_interval(secs => 120)) RETURNING id) "
            "UPDATE procrastinate_jobs SET status = 'doing', worker_id = (SELECT id FROM worker)"
        )
    again.defer(word="waiting")
    run_worker(wait=False)
    assert ran == ["waiting"]
    assert statuses() == {}


@pytest.mark.parametrize("trouble", [OSError("gone"), psycopg.OperationalError("gone")])
def test_a_database_that_goes_while_the_worker_stops_does_not_start_it_again(
    monkeypatch: pytest.MonkeyPatch, trouble: Exception
) -> None:
    """The runner meets the trouble when it is asked to stop, as one that finishes its job does."""
    starts = 0

    def runner(*_given: object) -> asyncio.Task[None]:
        async def work() -> None:
            nonlocal starts
            starts += 1
            assert starts == 1, "started again"
            signal.raise_signal(signal.SIGTERM)
            try:
                await asyncio.sleep(30)
            except asyncio.CancelledError:
                raise trouble from None

        return asyncio.create_task(work())

    monkeypatch.setattr(jobs, "_runner", runner)
    before = {sent: signal.getsignal(sent) for sent in (signal.SIGTERM, signal.SIGINT)}
    try:
        jobs.run_worker(queues=["some"])
    finally:
        for sent, handler in before.items():
            signal.signal(sent, handler)
    assert starts == 1
