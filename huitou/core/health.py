"""Whether this deployment can do its work, part by part."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from django.db import Error, connection

from huitou.core.boot import has_pending_migrations
from huitou.core.clock import Clock

# Workers report every 10 seconds.
WORKER_SILENT_SECONDS = 30


@dataclass(frozen=True)
class Part:
    """One part's state. `required` parts make the whole unready when they fail."""

    name: str
    ok: bool
    detail: str = ""
    required: bool = True


def check_parts(clock: Clock) -> list[Part]:
    """Every part in the order in which a failure explains the next."""
    database = _attempt("database", _ask_database)
    if not database.ok:
        return [database]
    return [
        database,
        _attempt("migrations", _check_migrations),
        _attempt("lake", _read_lake),
        _worker(clock),
    ]


def _attempt(name: str, check: Callable[[], None]) -> Part:
    try:
        check()
    except Exception as error:  # whatever it is, it belongs into the answer
        return Part(name, ok=False, detail=f"{type(error).__name__}: {str(error).strip().splitlines()[0]}"[:300])
    return Part(name, ok=True)


def _ask_database() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")


def _check_migrations() -> None:
    if has_pending_migrations():
        raise RuntimeError("not all migrations are applied; any huitou command applies them")


def _read_lake() -> None:
    from huitou.analytics.tables import TABLES
    from huitou.core.lake_mark import home_lake

    lake = home_lake(settings.HOME)
    for table in TABLES:
        lake.version(table)


def worker_silence(clock: Clock) -> float | None:
    """Seconds since a worker reported last; None if none ever did."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT max(last_heartbeat) FROM procrastinate_workers")
        seen: datetime | None = cursor.fetchone()[0]
    return None if seen is None else (clock.now() - seen).total_seconds()


def _worker(clock: Clock) -> Part:
    try:
        silent = worker_silence(clock)
    except Error as error:
        return Part("worker", ok=False, detail=str(error).strip(), required=False)
    if silent is None:
        return Part("worker", ok=False, detail="no worker runs", required=False)
    return Part("worker", silent <= WORKER_SILENT_SECONDS, f"last heard of {silent:.0f} s ago", required=False)
