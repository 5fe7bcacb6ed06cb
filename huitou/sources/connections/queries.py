"""Connections as pages, programs and commands show them: how fresh, what is wrong, what to do."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db.models import QuerySet
from django.utils.translation import gettext as _

from huitou.core.clock import Clock
from huitou.sources.connections.sealing import unseal
from huitou.sources.connectors.connector import Connector
from huitou.sources.connectors.kinds import find_connector
from huitou.sources.connectors.trouble import PullError, describe, remedy_of
from huitou.sources.job_progress import JobState, read_state
from huitou.sources.models import Connection

_PATIENCE = 3
_LEAST_LATE = timedelta(hours=1)


def pull_job_name(connection_id: int) -> str:
    """Under this name the progress of a pull is kept."""
    return f"connection-{connection_id}"


@dataclass(frozen=True)
class ConnectionView:
    """One connection. `is_late`: no good pull for three times as long as is set, an hour at least."""

    connection: Connection
    connector: Connector | None
    is_late: bool
    secrets_set: tuple[str, ...]
    job: JobState | None

    @property
    def label(self) -> str:
        """What kind it is."""
        return str(self.connector.label) if self.connector else self.connection.kind

    @property
    def error(self) -> str:
        """What is wrong, empty where nothing is."""
        row = self.connection
        return describe(row.error_code, row.error_detail) if row.error_code else ""

    @property
    def remedy(self) -> str:
        """What to do about it."""
        return remedy_of(self.connection.error_code) if self.connection.error_code else ""

    @property
    def next_at(self) -> datetime | None:
        """When it is pulled next; None where it is not pulled by itself."""
        return self.connection.due_at if self.connection.state == "active" else None


def list_connections() -> QuerySet[Connection]:
    """Every connection, by name."""
    return Connection.objects.order_by("name")


def find_connection(name: str) -> Connection | None:
    """The connection of that name."""
    return Connection.objects.filter(name=name).first()


def list_due(clock: Clock) -> list[int]:
    """Those whose time has come, longest overdue first."""
    rows = Connection.objects.filter(state="active", due_at__lte=clock.now()).order_by("due_at", "pk")
    return list(rows.values_list("pk", flat=True))


def view_connection(row: Connection, clock: Clock) -> ConnectionView:
    """One connection with how it is."""
    try:
        held = tuple(sorted(unseal(row.secrets)))
    except PullError:
        held = ()
    return ConnectionView(
        row,
        find_connector(row.kind),
        is_late(row, clock.now()),
        held,
        read_state(settings.HOME, pull_job_name(row.pk)),
    )


def longest_gap(row: Connection) -> timedelta:
    """How long there may be no good pull."""
    return max(timedelta(minutes=row.every_minutes * _PATIENCE), _LEAST_LATE)


def is_late(row: Connection, now: datetime) -> bool:
    """Whether the last good pull is too long ago; a paused one is never late."""
    return row.state != "paused" and now - (row.last_ok_at or row.created_at) > longest_gap(row)


def connection_report(view: ConnectionView) -> dict[str, Any]:
    """A connection as programs read it; no secret is in it."""
    row = view.connection
    return {
        "id": row.pk,
        "kind": row.kind,
        "name": row.name,
        "place": row.place,
        "state": row.state,
        "every_minutes": row.every_minutes,
        "settings": row.settings,
        "secrets_set": list(view.secrets_set),
        "is_late": view.is_late,
        "last_started_at": row.last_started_at,
        "last_ok_at": row.last_ok_at,
        "last_rows": row.last_rows,
        "next_pull_at": view.next_at,
        "failures": row.failures,
        "error_code": row.error_code,
        "error": view.error,
        "remedy": view.remedy,
    }


def state_words() -> dict[str, str]:
    """States in the reader's language."""
    return {"active": _("on schedule"), "paused": _("paused"), "stopped": _("stopped")}
