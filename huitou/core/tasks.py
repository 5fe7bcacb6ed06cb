"""Schedules of the platform itself."""

from __future__ import annotations

from procrastinate.contrib.django import app

from huitou.core.clock import SystemClock
from huitou.core.jobs import PERIODIC_QUEUE, retry_stalled


@app.periodic(cron="* * * * *")
@app.task(name="core.retry_stalled_jobs", queue=PERIODIC_QUEUE, queueing_lock="core.retry_stalled_jobs")
async def retry_stalled_jobs(timestamp: int) -> None:
    """Every minute: take up what killed workers left."""
    await retry_stalled()


@app.periodic(cron="41 3 * * *")
@app.task(name="core.forget_answers", queue=PERIODIC_QUEUE, queueing_lock="core.forget_answers")
def forget_old_answers(timestamp: int) -> None:
    """Every night: answers of the API that nobody can expect to be repeated any more. Twice without harm."""
    from huitou.core.http_api.idempotency import forget_answers

    forget_answers(clock=SystemClock())
