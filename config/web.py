"""What each web worker process imports: a database lease of its own, then the application."""

from __future__ import annotations

from huitou.core.boot import boot
from huitou.core.log_files import log_to_file
from huitou.core.postgres.death import end_with_parent
from huitou.core.serving.keeper import keep_database

end_with_parent()
log_to_file(boot(), "web")
keep_database()

from config.wsgi import application  # noqa: E402 - Django's settings need the lease
from huitou.reports.warming import start_warming  # noqa: E402

start_warming()

__all__ = ["application"]
