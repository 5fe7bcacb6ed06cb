"""Operations on connections: what can be connected, how fresh each is, changing, pausing and pulling them."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from django.http import HttpRequest
from django.utils.translation import gettext as _
from ninja import Path, Schema
from pydantic import Field

from huitou.accounts.access_api import acting, require
from huitou.core.clock import SystemClock
from huitou.core.http_api.fields import MAX_ID, Body, Id, Instant, Text, Whole, Word
from huitou.core.http_api.operations import Operations
from huitou.core.http_api.problems import NotFoundError
from huitou.sources.connections import services
from huitou.sources.connections.queries import connection_report, list_connections, view_connection
from huitou.sources.connectors.kinds import CONNECTORS, find_connector
from huitou.sources.models import Connection
from huitou.sources.tasks import queue_pull

router = Operations("connect")
_CLOCK = SystemClock()
ConnectionId = Annotated[Id, Path(ge=1, le=MAX_ID, description="Number of the connection.")]
Rhythm = Annotated[Whole, Field(ge=services.LEAST_MINUTES, le=services.MOST_MINUTES)]
Setting = Annotated[Text, Field(max_length=2000)]
SettingName = Annotated[Text, Field(max_length=50)]


class SettingOut(Schema):
    """One setting of a kind of connection."""

    name: str = Field(examples=["client_id"])
    label: str
    hint: str
    form: Literal["text", "choice", "day"]
    is_secret: bool = Field(description="It is kept sealed and never shown again.")
    required: bool
    choices: list[str]
    default: str


class ConnectionKindOut(Schema):
    """One kind of outside system."""

    kind: str = Field(examples=["youzan"])
    label: str
    doc: str
    permission: str = Field(description="What making or changing one needs besides `data.write`; may be empty.")
    settings: list[SettingOut]


class ConnectionKindsOut(Schema):
    """What can be connected."""

    items: list[ConnectionKindOut]


class ConnectionOut(Schema):
    """One connection. No secret is in it."""

    id: int
    kind: str = Field(examples=["youzan"])
    name: str = Field(description="Also the name of its feed.", examples=["youzan"])
    place: str = Field(description="The outside, without secrets.")
    state: Literal["active", "paused", "stopped"] = Field(description="stopped: somebody has to mend it first.")
    every_minutes: int
    settings: dict[str, str]
    secrets_set: list[str] = Field(description="Names of the secrets that are kept.")
    is_late: bool = Field(description="No good pull for three times as long as is set, an hour at least.")
    last_started_at: datetime | None
    last_ok_at: datetime | None = Field(description="Until then everything is here: how fresh the feed is.")
    last_rows: int = Field(description="Rows that the last good pull brought.")
    next_pull_at: datetime | None
    failures: int = Field(description="Failed pulls since the last good one.")
    error_code: str
    error: str
    remedy: str


class ConnectionsOut(Schema):
    """Every connection, by name."""

    items: list[ConnectionOut]


@router.read("/connection-kinds", permission="data.view", returns=ConnectionKindsOut)
def show_connection_kinds(request: HttpRequest) -> ConnectionKindsOut:
    """What can be connected, with its settings."""
    return ConnectionKindsOut(
        items=[
            ConnectionKindOut(
                kind=one.kind,
                label=str(one.label),
                doc=str(one.doc),
                permission=one.permission,
                settings=[
                    SettingOut(
                        name=s.name,
                        label=str(s.label),
                        hint=str(s.hint),
                        form=s.form,  # type: ignore[arg-type]  # checked by the schema
                        is_secret=s.is_secret,
                        required=s.required,
                        choices=[code for code, _label in s.choices()],
                        default=s.default,
                    )
                    for s in one.settings
                ],
            )
            for one in CONNECTORS
        ]
    )


@router.read("/connections", permission="data.view", returns=ConnectionsOut)
def show_connections(request: HttpRequest) -> ConnectionsOut:
    """Every connection: how fresh it is, when it is pulled next, what is wrong and what to do."""
    return ConnectionsOut(items=[_out(row) for row in list_connections()])


@router.read("/connections/{int:connection_id}", permission="data.view", returns=ConnectionOut)
def show_connection(request: HttpRequest, connection_id: ConnectionId) -> ConnectionOut:
    """One connection."""
    return _out(_get(connection_id))


class ConnectionIn(Body):
    """An outside system to be pulled."""

    kind: Annotated[Word, Field(max_length=50)] = Field(examples=["youzan"])
    name: Annotated[Word, Field(max_length=100)] = Field(examples=["youzan"])
    settings: dict[SettingName, Setting] = Field(
        max_length=50, description="Secrets too: see GET /connection-kinds.", examples=[{"client_id": "..."}]
    )
    every_minutes: Rhythm = Field(30, examples=[30])


@router.write("/connections", permission="data.write", returns=ConnectionOut, status=201)
def create_connection(request: HttpRequest, body: ConnectionIn) -> ConnectionOut:
    """Connect an outside system; the worker pulls it at once."""
    _require_for(request, body.kind)
    made = services.create_connection(**body.dict(), clock=_CLOCK, **acting(request))
    queue_pull(made.pk)
    return _out(made)


class ConnectionChangeIn(Body):
    """What to change; what is left out stays."""

    settings: dict[SettingName, Setting] | None = Field(
        None, max_length=50, description="Those to change; a secret that is empty stays as it is."
    )
    every_minutes: Rhythm | None = None


@router.write("/connections/{int:connection_id}", method="PATCH", permission="data.write", returns=ConnectionOut)
def change_connection(request: HttpRequest, connection_id: ConnectionId, body: ConnectionChangeIn) -> ConnectionOut:
    """Change settings, secrets or the rhythm; a stopped connection is tried again."""
    _require_for(request, _get(connection_id).kind)
    found = services.change_connection(connection_id=connection_id, **body.dict(), clock=_CLOCK, **acting(request))
    return _out(found)


@router.write("/connections/{int:connection_id}", method="DELETE", permission="data.write", returns=None)
def remove_connection(request: HttpRequest, connection_id: ConnectionId) -> None:
    """Forget the connection and its secrets; what it brought stays."""
    services.remove_connection(connection_id=connection_id, clock=_CLOCK, **acting(request))


@router.write("/connections/{int:connection_id}/pause", permission="data.write", returns=ConnectionOut)
def pause_connection(request: HttpRequest, connection_id: ConnectionId) -> ConnectionOut:
    """Pull it no more until the pause is deleted."""
    return _out(services.pause_connection(connection_id=connection_id, clock=_CLOCK, **acting(request)))


@router.write("/connections/{int:connection_id}/pause", method="DELETE", permission="data.write", returns=ConnectionOut)
def resume_connection(request: HttpRequest, connection_id: ConnectionId) -> ConnectionOut:
    """Pull it on schedule again, from where it stood."""
    return _out(services.resume_connection(connection_id=connection_id, clock=_CLOCK, **acting(request)))


class PullIn(Body):
    """From where to pull."""

    since: Instant | None = Field(None, description="Everything again that changed from then on; null: what is new.")


@router.write("/connections/{int:connection_id}/pulls", permission="data.write", returns=ConnectionOut, status=202)
def pull_connection(request: HttpRequest, connection_id: ConnectionId, body: PullIn) -> ConnectionOut:
    """Have the worker pull it now, also where it was paused or had stopped."""
    found = services.request_pull(connection_id=connection_id, since=body.since, clock=_CLOCK, **acting(request))
    queue_pull(found.pk)
    return _out(found)


def _require_for(request: HttpRequest, kind: str) -> None:
    connector = find_connector(kind)
    if connector is not None and connector.permission:
        require(request, connector.permission)


def _get(connection_id: int) -> Connection:
    found = Connection.objects.filter(pk=connection_id).first()
    if found is None:
        raise NotFoundError(_("There is no connection %(id)s.") % {"id": connection_id})
    return found


def _out(row: Connection) -> ConnectionOut:
    told: dict[str, Any] = connection_report(view_connection(row, _CLOCK))
    return ConnectionOut(**told)
