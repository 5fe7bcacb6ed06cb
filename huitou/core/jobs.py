"""The worker: runs the jobs that the apps defer, and takes up what a killed worker left."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence

from huitou.core.serving.keeper import keep_database

logger = logging.getLogger(__name__)
# Short jobs on a schedule have a queue and a runner of their own: a long import must not delay them.
PERIODIC_QUEUE = "periodic"
CONCURRENCY = 2
_RESTART_SECONDS = 1.0


def run_worker(*, queues: Sequence[str] | None = None, wait: bool = True) -> None:
    """Run jobs until SIGTERM or Ctrl-C; with `wait` False, until none is left. Jobs under way are finished.

    `queues` None means all of them. A lost database is waited for.
    """
    keep_database()
    while True:
        try:
            asyncio.run(_run(queues, wait))
        except OSError as error:
            if not wait:
                raise
            logger.warning("worker: %s; trying again", error)
        except Exception as error:
            if not wait or not _is_connection_trouble(error):
                raise
            logger.warning("worker: the database does not answer; trying again")
        else:
            return
        asyncio.run(asyncio.sleep(_RESTART_SECONDS))


async def _run(queues: Sequence[str] | None, wait: bool) -> None:
    from procrastinate.contrib.django import app

    with app.replace_connector(app.connector.get_worker_connector()) as worker_app:  # type: ignore[attr-defined]
        async with worker_app.open_async():
            await retry_stalled()
            all_jobs = worker_app.run_worker_async(
                queues=queues,  # type: ignore[arg-type]  # None means all, as its documentation says
                concurrency=CONCURRENCY,
                wait=wait,
                delete_jobs="successful",
            )
            if queues is not None:
                await all_jobs
                return
            on_schedule = worker_app.run_worker_async(
                queues=[PERIODIC_QUEUE], name=PERIODIC_QUEUE, wait=wait, delete_jobs="successful"
            )
            await asyncio.gather(all_jobs, on_schedule)


async def retry_stalled() -> int:
    """Queue again what a worker had in hand when it was killed (jobs are idempotent); returns how many."""
    from procrastinate.contrib.django import app

    stalled = list(await app.job_manager.get_stalled_jobs())
    for job in stalled:
        logger.warning("job %s (%s) was left by a killed worker; it runs again", job.id, job.task_name)
        await app.job_manager.retry_job(job)
    return len(stalled)


def _is_connection_trouble(error: BaseException) -> bool:
    import psycopg
    from procrastinate.exceptions import ConnectorException

    return isinstance(error, ConnectorException | psycopg.OperationalError)
