"""What experiments do on schedule. Twice without harm."""

from __future__ import annotations

from django.conf import settings
from procrastinate.contrib.django import app

from huitou.core.clock import SystemClock
from huitou.core.jobs import PERIODIC_QUEUE


@app.periodic(cron="*/5 * * * *", periodic_id="every-five-minutes")
@app.task(
    name="experiments.write_exposures",
    queue=PERIODIC_QUEUE,
    queueing_lock="experiments.write_exposures",
    lock="experiments.write_exposures",
)
def write_exposures_job(timestamp: int) -> None:
    """Bring assignments and first touches into the lake."""
    from huitou.experiments.exposures import write_exposures

    write_exposures(home=settings.HOME, clock=SystemClock())
