"""`huitou connections`: outside systems that are pulled on a schedule."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from huitou.core.boot import booted

if TYPE_CHECKING:
    from huitou.sources.connectors.connector import Connector
    from huitou.sources.models import Connection

app = typer.Typer(no_args_is_help=True, help="Connect outside systems, and pull their orders and members on schedule.")
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]
NameArgument = Annotated[str, typer.Argument(help="Name of the connection, which is its feed.", show_default=False)]
SetOption = Annotated[
    list[str] | None, typer.Option("--set", metavar="SETTING=VALUE", help="One setting; repeat. No secrets.")
]
SecretsOption = Annotated[
    Path | None,
    typer.Option("--secrets", help="JSON file with the secrets, - for standard input; else they are asked for."),
]


@app.command("kinds")
@booted
def kinds(as_json: JsonOption = False) -> None:
    """List what can be connected, with its settings."""
    from huitou.core.terminal import print_json
    from huitou.sources.connectors.kinds import CONNECTORS

    told = [
        {
            "kind": one.kind,
            "label": str(one.label),
            "settings": {s.name: str(s.label) for s in one.settings if not s.is_secret},
            "secrets": {s.name: str(s.label) for s in one.settings if s.is_secret},
        }
        for one in CONNECTORS
    ]
    if as_json:
        print_json({"kinds": told})
        return
    for row in told:
        typer.echo(f"{row['kind']:<10} {row['label']}")
        for part in ("settings", "secrets"):
            for name, label in row[part].items():  # type: ignore[attr-defined]
                typer.echo(f"  {part[:-1]:<8} {name:<14} {label}")


@app.command("list")
@booted
def list_(as_json: JsonOption = False) -> None:
    """List connections: how fresh each is, what is wrong and what to do."""
    from huitou.sources.connections.queries import list_connections

    _show(list(list_connections()), as_json)


@app.command("add")
@booted
def add(
    kind: Annotated[str, typer.Argument(help="youzan, http_csv ...: see huitou connections kinds")],
    name: NameArgument,
    settings: SetOption = None,
    secrets: SecretsOption = None,
    every: Annotated[int, typer.Option(help="Minutes between pulls.")] = 30,
    as_json: JsonOption = False,
) -> None:
    """Connect an outside system; the worker pulls it at once."""
    from huitou.core.clock import SystemClock
    from huitou.sources.connections.services import create_connection
    from huitou.sources.connectors.kinds import find_connector

    connector = find_connector(kind)
    given = {**_pairs(settings or ()), **(_secrets(connector, secrets) if connector else {})}
    made = create_connection(kind=kind, name=name, settings=given, every_minutes=every, clock=SystemClock())
    _show([made], as_json)


@app.command("change")
@booted
def change(
    name: NameArgument,
    settings: SetOption = None,
    secrets: SecretsOption = None,
    every: Annotated[int | None, typer.Option(help="Minutes between pulls.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Change settings, secrets or the rhythm; a stopped connection is tried again."""
    from huitou.core.clock import SystemClock
    from huitou.sources.connections.services import change_connection

    given = {**_pairs(settings or ()), **(_read_secrets(secrets) if secrets else {})}
    found = change_connection(
        connection_id=_find(name).pk, settings=given or None, every_minutes=every, clock=SystemClock()
    )
    _show([found], as_json)


@app.command("pull")
@booted
def pull(
    name: NameArgument,
    since: Annotated[
        str, typer.Option(help="Pull everything again that changed from this day on, like 2025-03-31.")
    ] = "",
    as_json: JsonOption = False,
) -> None:
    """Pull one connection now, in this process. Figures follow with the next refresh."""
    from django.utils.translation import gettext as _

    from huitou.core.clock import SystemClock
    from huitou.core.terminal import print_json, progress
    from huitou.sources.connections.pulling import pull_connection
    from huitou.sources.connections.services import request_pull

    found = request_pull(connection_id=_find(name).pk, since=_day(since) if since else None, clock=SystemClock())
    with progress(_("Pull %(name)s") % {"name": name}) as tell:
        done = pull_connection(found.pk, clock=SystemClock(), progress=tell)
    found.refresh_from_db()
    if as_json:
        told = {"rows": done.rows, "imports": list(done.imports), "is_busy": done.is_busy}
        print_json({**told, "connection": _told([found])[0]})
    elif done.is_busy:
        typer.echo(_("It is being pulled by another process."))
    else:
        typer.echo(_("%(rows)s rows taken in.") % {"rows": f"{done.rows:,}"})
        _show([found], as_json=False)
    if done.error:
        raise typer.Exit(1)


@app.command("pause")
@booted
def pause(name: NameArgument, as_json: JsonOption = False) -> None:
    """Pull it no more until it is resumed."""
    from huitou.core.clock import SystemClock
    from huitou.sources.connections.services import pause_connection

    _show([pause_connection(connection_id=_find(name).pk, clock=SystemClock())], as_json)


@app.command("resume")
@booted
def resume(name: NameArgument, as_json: JsonOption = False) -> None:
    """Pull it on schedule again, from where it stood."""
    from huitou.core.clock import SystemClock
    from huitou.sources.connections.services import resume_connection

    _show([resume_connection(connection_id=_find(name).pk, clock=SystemClock())], as_json)


@app.command("remove")
@booted
def remove(name: NameArgument) -> None:
    """Forget the connection and its secrets; what it brought stays."""
    from huitou.core.clock import SystemClock
    from huitou.sources.connections.services import remove_connection

    remove_connection(connection_id=_find(name).pk, clock=SystemClock())


def _find(name: str) -> Connection:
    from django.utils.translation import gettext as _

    from huitou.sources.connections.queries import find_connection
    from huitou.sources.connections.services import ConnectionUnknownError

    found = find_connection(name)
    if found is None:
        raise ConnectionUnknownError(_("There is no connection named %(name)s.") % {"name": name})
    return found


def _day(text: str) -> datetime:
    from huitou.accounts.models import Brand
    from huitou.accounts.queries import find_brand
    from huitou.core.clock import day_start

    try:
        return day_start(datetime.fromisoformat(text).date(), (find_brand() or Brand()).tz)
    except ValueError as error:
        raise typer.BadParameter("--since is no day; write it like 2025-03-31") from error


def _pairs(given: Sequence[str]) -> dict[str, str]:
    pairs = [text.partition("=") for text in given]
    if wrong := [name for name, equals, _value in pairs if not equals]:
        raise typer.BadParameter(f"--set {wrong[0]}: write SETTING=VALUE")
    return {name.strip(): value for name, _equals, value in pairs}


def _secrets(connector: Connector, file: Path | None) -> dict[str, str]:
    """From the file, or asked for one by one without showing them."""
    if file is not None:
        return _read_secrets(file)
    asked = [setting for setting in connector.settings if setting.is_secret]
    return {s.name: typer.prompt(str(s.label), default="", show_default=False, hide_input=True) for s in asked}


def _read_secrets(file: Path) -> dict[str, str]:
    try:
        text = sys.stdin.read() if str(file) == "-" else file.read_text(encoding="utf-8")
        found = json.loads(text)
    except (OSError, ValueError) as error:
        raise typer.BadParameter("--secrets is no JSON file that can be read") from error
    if not isinstance(found, dict) or not all(isinstance(value, str) for value in found.values()):
        raise typer.BadParameter('--secrets must hold one JSON object of texts, like {"client_secret": "..."}')
    return found


def _told(rows: Sequence[Connection]) -> list[dict[str, Any]]:
    from huitou.core.clock import SystemClock
    from huitou.sources.connections.queries import connection_report, view_connection

    return [connection_report(view_connection(row, SystemClock())) for row in rows]


def _show(rows: Sequence[Connection], as_json: bool) -> None:
    from django.utils.translation import gettext as _

    from huitou.accounts.models import Brand
    from huitou.accounts.queries import find_brand
    from huitou.console.formats import format_instant
    from huitou.core.terminal import print_json
    from huitou.sources.connections.queries import state_words

    told = _told(rows)
    if as_json:
        print_json({"connections": told})
        return
    states, zone = state_words(), (find_brand() or Brand()).tz
    if not told:
        typer.echo(_("Nothing is connected yet. See what can be: huitou connections kinds"))
    for row in told:
        last = format_instant(row["last_ok_at"], zone) if row["last_ok_at"] else _("never")
        state = _("late") if row["is_late"] and row["state"] == "active" else states[row["state"]]
        typer.echo(f"{row['name']}  {row['kind']}  {state}  {last}  {row['place']}")
        if row["error"]:
            typer.echo(f"  {row['error']}\n  {row['remedy']}")
