"""The web application: console, API and health, and in front of them the door for events. Under any WSGI server, it
needs `HUITOU_DATABASE_URL`, or a lease of the embedded PostgreSQL, which it takes if this process has none yet.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from wsgiref.types import StartResponse

from django.core.handlers.wsgi import WSGIHandler

from huitou.core.boot import boot
from huitou.core.serving.web import BLOCKING_THREADS, CONSOLE_THREADS

boot()
# Django is set up already; to do it again, as its own factory does, would take the log file away.
django_application = WSGIHandler()

from huitou.sources.intake.door import PREFIX, Door  # noqa: E402 - needs Django set up

door = Door(inflight=BLOCKING_THREADS - CONSOLE_THREADS)


def application(environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
    """Events to their door, everything else to Django."""
    if environ["PATH_INFO"].startswith(PREFIX):
        return door(environ, start_response)
    return django_application(environ, start_response)
