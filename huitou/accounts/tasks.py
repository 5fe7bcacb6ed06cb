"""Schedules of the platform's people: what is over is not kept."""

from __future__ import annotations

from importlib import import_module

from django.conf import settings
from procrastinate.contrib.django import app

from huitou.core.jobs import PERIODIC_QUEUE


@app.periodic(cron="23 4 * * *")
@app.task(name="accounts.clear_sessions", queue=PERIODIC_QUEUE, queueing_lock="accounts.clear_sessions")
def clear_sessions(timestamp: int) -> None:
    """Every night: delete sessions that are over. Twice without harm."""
    import_module(settings.SESSION_ENGINE).SessionStore.clear_expired()
