"""When to say later: too many requests at work, or an inbox fuller than it may be. Said before anything is taken."""

from __future__ import annotations

import logging
import math
import threading
import time
from collections.abc import Callable

from huitou.sources.intake import sql
from huitou.sources.intake.storing import Store

logger = logging.getLogger(__name__)
_LOOK_SECONDS = 1.0
LONGEST_RETRY_SECONDS = 300
# Said where nobody drains at all: somebody has to start a worker first.
_IDLE_RETRY_SECONDS = 30
# A sender that comes back finds room for a while, not a single place.
_ROOM = 0.9


class Pressure:
    """The inbox's fullness, looked at once a second by whichever request comes first."""

    def __init__(self, store: Store, max_backlog: Callable[[], int]) -> None:
        self._store = store
        self._max_backlog = max_backlog
        self._lock = threading.Lock()
        self._looked_at = -math.inf
        self._retry_after: int | None = None

    def retry_after(self) -> int | None:
        """Seconds after which a sender should come again; None while there is room. Raises psycopg errors."""
        if time.monotonic() - self._looked_at > _LOOK_SECONDS and self._lock.acquire(blocking=False):
            try:
                self._retry_after = self._look()
                self._looked_at = time.monotonic()
            finally:
                self._lock.release()
        return self._retry_after

    def _look(self) -> int | None:
        backlog, rate = self._store.ask(sql.BACKLOG, sql.DRAIN_RATE)
        limit = self._max_backlog()
        if backlog < limit:
            return None
        logger.warning(
            "intake: %s events wait in the inbox, at most %s may; senders are asked to come later", backlog, limit
        )
        return seconds_until_room(backlog, limit, rate)


def seconds_until_room(backlog: int, limit: int, rate: float) -> int:
    """Whole seconds until a backlog is below the limit by a tenth, drained at `rate` events a second; 1 to 300."""
    if rate <= 0:
        return _IDLE_RETRY_SECONDS
    return max(1, min(LONGEST_RETRY_SECONDS, math.ceil((backlog - _ROOM * limit) / rate)))
