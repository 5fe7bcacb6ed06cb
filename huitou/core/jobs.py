"""The worker: runs the jobs that the apps defer, and takes up what a killed worker left."""

from __future__ import annotations

import asyncio
import logging
import signal
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from django.conf import settings

from huitou.core.serving.keeper import keep_database

if TYPE_CHECKING:
    from procrastinate import App

logger = logging.getLogger(__name__)
# Short jobs on a schedule have a queue and a runner of their own: a long import must not delay them.
PERIODIC_QUEUE = "periodic"
CONCURRENCY = 2
_RESTART_SECONDS = 1.0
_STOPS = (signal.SIGTERM, signal.SIGINT)


def run_worker(*, queues: Sequence[str] | None = None, wait: bool = True) -> None:
    """Run jobs until SIGTERM or Ctrl-C; with `wait` False, until none is left. Jobs under way are finished.

    `queues` None means all of them. A lost database is waited for, unless the worker was asked to stop.
    """
    keep_database()
    stop_asked = threading.Event()
    while True:
        try:
            asyncio.run(_run(queues, wait, stop_asked))
        except OSError as error:
            if stop_asked.is_set():
                logger.warning("worker: %s while it was stopping", error)
                return
            if not wait:
                raise
            logger.warning("worker: %s; trying again", error)
        except Exception as error:
            if not _is_connection_trouble(error):
                raise
            if stop_asked.is_set():
                logger.warning("worker: the database does not answer while it was stopping")
                return
            if not wait:
                raise
            logger.warning("worker: the database does not answer; trying again")
        else:
            return
        asyncio.run(asyncio.sleep(_RESTART_SECONDS))


async def _run(queues: Sequence[str] | None, wait: bool, stop_asked: threading.Event) -> None:
    from django.utils.module_loading import autodiscover_modules
    from procrastinate import PsycopgConnector
    from procrastinate.contrib.django import app

    # Here, and not when Django is set up: who runs no jobs need not load all that they do.
    autodiscover_modules("tasks")
    with app.replace_connector(PsycopgConnector(kwargs=database_address)) as worker_app:
        async with worker_app.open_async():
            await retry_stalled()
            runners = [_runner(worker_app, queues, CONCURRENCY, wait)]
            if queues is None:
                runners.append(_runner(worker_app, [PERIODIC_QUEUE], 1, wait))
            with _stopping_on_signals(runners, stop_asked):
                done, others = await asyncio.wait(runners, return_when=asyncio.FIRST_EXCEPTION)
                _ask_to_stop(others)
                await asyncio.gather(*others, return_exceptions=True)
            for runner in done:
                if not runner.cancelled():
                    runner.result()


def database_address() -> dict[str, Any]:
    """Where the database is now, asked for at each new connection: the embedded server may come back elsewhere."""
    database: dict[str, Any] = settings.DATABASES["default"]
    names = {"dbname": "NAME", "user": "USER", "password": "PASSWORD", "host": "HOST", "port": "PORT"}
    found = {name: database[setting] for name, setting in names.items() if database[setting]}
    return {**found, **database["OPTIONS"]}


def _runner(app: App, queues: Sequence[str] | None, concurrency: int, wait: bool) -> asyncio.Task[None]:
    return asyncio.create_task(
        app.run_worker_async(
            queues=queues,  # type: ignore[arg-type]  # None means all, as its documentation says
            concurrency=concurrency,
            wait=wait,
            delete_jobs="successful",
            # Each would replace the other's handlers, and only one would hear that it has to stop.
            install_signal_handlers=False,
        )
    )


@contextmanager
def _stopping_on_signals(runners: Sequence[asyncio.Task[None]], stop_asked: threading.Event) -> Iterator[None]:
    """The first signal asks the runners to stop; from then on the process ignores them, for it is ending.

    Handlers of the event loop are not used: closing takes their pipe away before it takes them away, and then gives
    signals back their usual effect, so that a second one would leave a traceback or end the threads beside us.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    loop = asyncio.get_running_loop()
    usual = {sent: signal.getsignal(sent) for sent in _STOPS}

    def stop(_number: int, _frame: object) -> None:
        stop_asked.set()
        for sent in _STOPS:
            signal.signal(sent, signal.SIG_IGN)
        loop.call_soon_threadsafe(_ask_to_stop, runners)

    for sent in _STOPS:
        signal.signal(sent, stop)
    try:
        yield
    finally:
        for sent, before in usual.items():
            if signal.getsignal(sent) is stop:
                signal.signal(sent, before or signal.SIG_DFL)


def _ask_to_stop(runners: Iterable[asyncio.Task[None]]) -> None:
    """A cancelled runner finishes the jobs it has in hand and takes no further ones."""
    for runner in runners:
        runner.cancel()


async def retry_stalled() -> int:
    """Queue again what a worker had in hand when it was killed (jobs are idempotent); returns how many."""
    from procrastinate.contrib.django import app
    from procrastinate.exceptions import UniqueViolation
    from procrastinate.jobs import Status

    stalled = list(await app.job_manager.get_stalled_jobs())
    for job in stalled:
        logger.warning("job %s (%s) was left by a killed worker; it runs again", job.id, job.task_name)
        try:
            await app.job_manager.retry_job(job)
        except UniqueViolation:
            # One of its kind was queued meanwhile and waits: that one does the work.
            await app.job_manager.finish_job(job, status=Status.FAILED, delete_job=True)
    return len(stalled)


def _is_connection_trouble(error: BaseException) -> bool:
    import psycopg
    from procrastinate.exceptions import ConnectorException

    return isinstance(error, ConnectorException | psycopg.OperationalError)
