"""What each web worker process imports: a database lease of its own, then the application."""

from __future__ import annotations

import signal

from huitou.core.boot import boot
from huitou.core.postgres.death import stop_with_parent
from huitou.core.serving.keeper import keep_database

stop_with_parent(signal.SIGTERM)
boot()
keep_database()

from config.wsgi import application  # noqa: E402 - Django's settings need the lease
from huitou.reports.warming import start_warming  # noqa: E402

start_warming()

__all__ = ["application"]
