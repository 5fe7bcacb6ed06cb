"""Schedules of the platform itself."""

from __future__ import annotations

from procrastinate.contrib.django import app

from huitou.core.jobs import PERIODIC_QUEUE, retry_stalled


@app.periodic(cron="* * * * *")
@app.task(name="core.retry_stalled_jobs", queue=PERIODIC_QUEUE, queueing_lock="core.retry_stalled_jobs")
async def retry_stalled_jobs(timestamp: int) -> None:
    """Every minute: take up what killed workers left."""
    await retry_stalled()
