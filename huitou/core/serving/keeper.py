"""Long-lived processes outlive the death of the embedded server's supervisor."""

from __future__ import annotations

import logging
import threading

from huitou.core import boot
from huitou.core.errors import DomainError
from huitou.core.postgres import Lease

logger = logging.getLogger(__name__)
INTERVAL_SECONDS = 1.0


def keep_database(interval: float = INTERVAL_SECONDS) -> threading.Thread | None:
    """Watch this process's lease in the background, and have a server again when its supervisor was killed.

    The server normally comes back at the same address; if it cannot, Django's settings follow, and the next
    connection of each thread goes to the new one. Returns None where another PostgreSQL is used.
    """
    lease = boot.current_lease()
    if lease is None:
        return None
    thread = threading.Thread(target=_watch, args=(lease, interval), name="database-keeper", daemon=True)
    thread.start()
    return thread


def _watch(lease: Lease, interval: float) -> None:
    from django.conf import settings

    pause = threading.Event()
    while not pause.wait(interval):
        if lease.is_served():
            continue
        try:
            if lease.renew():
                settings.DATABASES["default"].update(boot.connection_settings(lease.url))
        except DomainError as error:
            logger.warning("%s", error)
        else:
            logger.warning("%s", "; ".join(lease.notes))
