"""Every write to connections by people and programs."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from huitou.accounts.models import User
from huitou.accounts.queries import find_brand
from huitou.accounts.services import ExampleLoadedError, record_audit
from huitou.core.clock import Clock
from huitou.core.errors import DomainError
from huitou.core.http_api.fields import is_storable
from huitou.sources.connections.sealing import seal, unseal
from huitou.sources.connectors.connector import Connector
from huitou.sources.connectors.kinds import CONNECTORS, find_connector
from huitou.sources.connectors.trouble import PullError
from huitou.sources.models import Connection

LEAST_MINUTES, MOST_MINUTES = 5, 7 * 24 * 60
_LONGEST = {"name": 100, "setting": 2000}


class ConnectionUnknownError(DomainError):
    """There is no such connection, or it was removed."""

    code = "connection_unknown"
    status = 404


class ConnectionExistsError(DomainError):
    """Another connection has this name."""

    code = "connection_exists"
    status = 409


class ConnectionInvalidError(DomainError):
    """A kind, a name, a setting or a rhythm that cannot be used."""

    code = "connection_invalid"
    status = 422


def create_connection(
    *,
    kind: str,
    name: str,
    settings: Mapping[str, str],
    every_minutes: int = 30,
    clock: Clock,
    actor: User | None = None,
    actor_label: str = "cli",
) -> Connection:
    """Connect an outside system, to be pulled at once. `settings` holds its secrets too.

    Raises ConnectionInvalidError or what the connector says of its settings, ConnectionExistsError, ExampleLoadedError.
    """
    connector = _connector(kind)
    given = _checked(connector, settings)
    name = _checked_name(name)
    _check_rhythm(every_minutes)
    brand = find_brand()
    if brand is not None and brand.is_example:
        raise ExampleLoadedError(
            _("The store holds the example brand. Remove it first (huitou example remove), then connect.")
        )
    try:
        with transaction.atomic():
            made = Connection.objects.create(
                kind=kind,
                name=name,
                every_minutes=every_minutes,
                due_at=clock.now(),
                created_at=clock.now(),
                created_by=actor,
                **_kept(connector, given),
            )
            record_audit(
                action="connection.created",
                clock=clock,
                actor=actor,
                actor_label=actor_label,
                target=name,
                detail={"kind": kind, "minutes": every_minutes},
            )
    except IntegrityError as error:
        raise ConnectionExistsError(
            _("There is a connection named %(name)s already. Change that one, or choose another name.") % {"name": name}
        ) from error
    return made


def change_connection(
    *,
    connection_id: int,
    settings: Mapping[str, str] | None = None,
    every_minutes: int | None = None,
    clock: Clock,
    actor: User | None = None,
    actor_label: str = "cli",
) -> Connection:
    """Change what is set; secrets that are not given, or are empty, stay as they are.

    Where a setting changed that is no secret, everything is pulled anew, and repeats replace what came before. A
    stopped connection is tried again. Raises ConnectionUnknownError, and what `create_connection` raises.
    """
    with transaction.atomic():
        found = _locked(connection_id)
        connector = _connector(found.kind)
        changed: list[str] = []
        if settings is not None:
            kept = _open_secrets(found)
            given = {n: v for n, v in settings.items() if n not in connector.secrets or v.strip()}
            whole = _checked(connector, {**found.settings, **kept, **given})
            before = {**{s.name: "" for s in connector.settings}, **found.settings, **kept}
            changed = sorted(n for n, v in whole.items() if v != before.get(n))
            if changed:
                _set(found, _kept(connector, whole))
            if set(changed) - connector.secrets or (set(changed) and "url" in changed):
                found.cursor, found.pending_cursor = {}, None
        if every_minutes is not None and every_minutes != found.every_minutes:
            _check_rhythm(every_minutes)
            found.every_minutes = every_minutes
            changed.append("minutes")
        if changed:
            _try_again(found, clock)
            found.save()
            record_audit(
                action="connection.changed",
                clock=clock,
                actor=actor,
                actor_label=actor_label,
                target=found.name,
                detail={"fields": changed},
            )
    return found


def pause_connection(
    *, connection_id: int, clock: Clock, actor: User | None = None, actor_label: str = "cli"
) -> Connection:
    """Pull no more until somebody resumes; a pull under way ends with the part in hand."""
    with transaction.atomic():
        found = _locked(connection_id)
        if found.state != "paused":
            found.state = "paused"
            found.revision += 1
            found.save(update_fields=["state", "revision"])
            record_audit(
                action="connection.paused", clock=clock, actor=actor, actor_label=actor_label, target=found.name
            )
    return found


def resume_connection(
    *, connection_id: int, clock: Clock, actor: User | None = None, actor_label: str = "cli"
) -> Connection:
    """Pull on schedule again, from where it stood."""
    with transaction.atomic():
        found = _locked(connection_id)
        if found.state != "active":
            _try_again(found, clock)
            found.save()
            record_audit(
                action="connection.resumed", clock=clock, actor=actor, actor_label=actor_label, target=found.name
            )
    return found


def request_pull(
    *,
    connection_id: int,
    since: datetime | None = None,
    clock: Clock,
    actor: User | None = None,
    actor_label: str = "cli",
) -> Connection:
    """Make it due now, also where it was paused or had stopped. `since`: everything that changed from then on, again.

    The worker pulls what is due within a minute; the doors ask it to at once.
    """
    with transaction.atomic():
        found = _locked(connection_id)
        if since is not None:
            found.cursor, found.pending_cursor = _connector(found.kind).restart(since), None
        _try_again(found, clock)
        found.save()
        record_audit(
            action="connection.pull_requested",
            clock=clock,
            actor=actor,
            actor_label=actor_label,
            target=found.name,
            detail={"since": since.isoformat()} if since else {},
        )
    return found


def remove_connection(*, connection_id: int, clock: Clock, actor: User | None = None, actor_label: str = "cli") -> None:
    """Forget the connection and its secrets; what it brought stays. Raises ConnectionUnknownError."""
    with transaction.atomic():
        found = _locked(connection_id)
        found.delete()
        record_audit(action="connection.removed", clock=clock, actor=actor, actor_label=actor_label, target=found.name)


def _locked(connection_id: int) -> Connection:
    found = Connection.objects.select_for_update().filter(pk=connection_id).first()
    if found is None:
        raise ConnectionUnknownError(_("There is no such connection; it may have been removed."))
    return found


def _connector(kind: str) -> Connector:
    found = find_connector(kind)
    if found is None:
        raise ConnectionInvalidError(
            _("There is no kind of connection named %(kind)s; there are: %(known)s.")
            % {"kind": kind, "known": ", ".join(CONNECTORS.kinds())}
        )
    return found


def _checked_name(name: str) -> str:
    name = " ".join(name.split())
    if not name or len(name) > _LONGEST["name"] or not is_storable(name):
        raise ConnectionInvalidError(_("Give the connection a name of at most 100 characters."))
    return name


def _check_rhythm(every_minutes: int) -> None:
    if not LEAST_MINUTES <= every_minutes <= MOST_MINUTES:
        raise ConnectionInvalidError(_("Pull at most every 5 minutes and at least once a week."))


def _checked(connector: Connector, settings: Mapping[str, str]) -> dict[str, str]:
    """All settings of the connector with their values, cleaned."""
    known = {setting.name: setting for setting in connector.settings}
    if unknown := sorted(set(settings) - set(known)):
        raise ConnectionInvalidError(
            _("There is no setting named %(name)s; there are: %(known)s.")
            % {"name": ", ".join(unknown), "known": ", ".join(known)}
        )
    given = {}
    for name, setting in known.items():
        value = str(settings.get(name) or setting.default).strip()
        allowed = [code for code, _label in setting.choices()]
        if setting.required and not value:
            raise ConnectionInvalidError(_("%(setting)s is missing; give it.") % {"setting": setting.label})
        if len(value) > _LONGEST["setting"] or not value.isprintable() or (allowed and value and value not in allowed):
            raise ConnectionInvalidError(_("%(setting)s cannot be used as given.") % {"setting": setting.label})
        given[name] = value
    connector.check(given)
    return given


def _kept(connector: Connector, given: Mapping[str, str]) -> dict[str, Any]:
    """How the settings lie in the database."""
    return {
        "settings": {n: v for n, v in given.items() if n not in connector.secrets},
        "secrets": seal({n: v for n, v in given.items() if n in connector.secrets and v}),
        "place": connector.place(given)[:300],
    }


def _set(found: Connection, values: Mapping[str, Any]) -> None:
    for name, value in values.items():
        setattr(found, name, value)


def _open_secrets(found: Connection) -> dict[str, str]:
    try:
        return unseal(found.secrets)
    except PullError:
        # Lost with the old key: they have to be given anew, which is what this change may be about.
        return {}


def _try_again(found: Connection, clock: Clock) -> None:
    found.state, found.failures, found.due_at = "active", 0, clock.now()
    found.error_code = found.error_detail = ""
    found.revision += 1


def soon(failures: int, every_minutes: int) -> timedelta:
    """How long to wait after so many failed pulls: twice as long each time, six hours at most."""
    return timedelta(minutes=min(2 ** min(failures, 12), max(every_minutes, 360)))
