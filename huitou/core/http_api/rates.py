"""How often one caller may ask: so many requests a minute, counted in the database for all web processes together."""

from __future__ import annotations

import math
from datetime import datetime, timedelta

from django.conf import settings
from django.db import connection, transaction
from django.utils.translation import gettext as _

from huitou.core.clock import Clock
from huitou.core.http_api.problems import ApiError

# The generic cell rate algorithm: each request moves the caller's `free_at` on by one interval, as long as that
# leaves it less than a minute ahead. One statement, so that two processes cannot both take the last place. Further
# ahead than that, with room for clocks that differ, it was written by a clock that was wrong, and counts as now.
_TAKE = """
INSERT INTO core_ratelimit AS held (caller, free_at)
VALUES (%(caller)s, %(now)s::timestamptz + make_interval(secs => %(seconds)s))
ON CONFLICT (caller) DO UPDATE
SET free_at = CASE WHEN held.free_at > %(now)s::timestamptz + interval '2 minutes' THEN %(now)s::timestamptz
    ELSE greatest(held.free_at, %(now)s) END + make_interval(secs => %(seconds)s)
WHERE held.free_at > %(now)s::timestamptz + interval '2 minutes'
    OR greatest(held.free_at, %(now)s) + make_interval(secs => %(seconds)s)
        <= %(now)s::timestamptz + interval '1 minute'
RETURNING free_at
"""
_WHEN = "SELECT free_at FROM core_ratelimit WHERE caller = %s"


class RateLimitedError(ApiError):
    """The caller asks more often than it may."""

    code = "rate_limited"
    status = 429

    def __init__(self, limit: int, wait_seconds: int) -> None:
        super().__init__(
            _("More than %(limit)d requests in a minute. Wait %(seconds)d seconds, as Retry-After says.")
            % {"limit": limit, "seconds": wait_seconds}
        )
        self.headers = {"Retry-After": str(wait_seconds)}


def take_turn(caller: str, *, clock: Clock) -> None:
    """Count one request. Raises RateLimitedError with the seconds after which the next one is taken."""
    limit: int = settings.API_REQUESTS_PER_MINUTE
    interval, now = timedelta(minutes=1) / limit, clock.now()
    with transaction.atomic(), connection.cursor() as cursor:
        # Losing a count in a crash harms nobody; waiting for the disk at each request would.
        cursor.execute("SET LOCAL synchronous_commit TO off")
        cursor.execute(_TAKE, {"caller": caller, "now": now, "seconds": interval.total_seconds()})
        if cursor.fetchone() is not None:
            return
        cursor.execute(_WHEN, [caller])
        free_at: datetime = cursor.fetchone()[0]
    wait = free_at + interval - timedelta(minutes=1) - now
    raise RateLimitedError(limit, max(1, math.ceil(wait.total_seconds())))
