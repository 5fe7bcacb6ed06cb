"""`huitou brand`, `huitou staff`, `huitou keys`: the brand's settings, who works here, and which programs may."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated, Any

import typer

from huitou.core.boot import booted

if TYPE_CHECKING:
    from datetime import datetime

    from huitou.accounts.models import ApiKey, Brand, User

app = typer.Typer(name="brand", no_args_is_help=True, help="Show or change the brand's settings.")
staff_app = typer.Typer(name="staff", no_args_is_help=True, help="Let people in, change their role, send them away.")
keys_app = typer.Typer(name="keys", no_args_is_help=True, help="Keys with which programs send events or use the API.")
COMMANDS = {"brand": app, "staff": staff_app, "keys": keys_app}


@app.command("show")
@booted
def show(as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False) -> None:
    """Show the brand's settings."""
    from huitou.accounts.queries import get_brand

    _print(get_brand(), as_json)


@app.command("set")
@booted
def set_(
    name: Annotated[str | None, typer.Option(help="Display name of the brand.")] = None,
    zone: Annotated[str | None, typer.Option(help="Time zone in which days are decided: Asia/Shanghai.")] = None,
    currency: Annotated[str | None, typer.Option(help="Currency of every amount, as a code: CNY.")] = None,
    exclusions: Annotated[str | None, typer.Option(help="Purchase exclusions as a JSON object.")] = None,
    thresholds: Annotated[str | None, typer.Option(help="Cut-offs of features and layers as a JSON object.")] = None,
    target: Annotated[list[str] | None, typer.Option(help="Target of a metric: repurchase_rate=0.35.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Change the brand's settings; on an empty store this creates the brand."""
    from huitou.accounts.queries import find_brand
    from huitou.accounts.services import update_brand
    from huitou.core.clock import SystemClock

    texts = {"name": name, "zone": zone, "currency": currency}
    objects = {"exclusions": exclusions, "thresholds": thresholds}
    changes: dict[str, object] = {field: text for field, text in texts.items() if text is not None}
    changes |= {field: _object(field, text) for field, text in objects.items() if text is not None}
    if target:
        brand = find_brand()
        changes["targets"] = {**(brand.targets if brand else {}), **dict(_target(part) for part in target)}
    _print(update_brand(changes=changes, clock=SystemClock()), as_json)


def _object(field: str, text: str) -> dict[str, Any]:
    try:
        value = json.loads(text)
    except ValueError as error:
        raise typer.BadParameter(f"--{field} is not JSON: {error}") from error
    if not isinstance(value, dict):
        raise typer.BadParameter(f'--{field} must be a JSON object, for example {{"min_amount_minor": 100}}')
    return value


def _target(text: str) -> tuple[str, float]:
    metric, _, value = text.partition("=")
    try:
        return metric.strip(), float(value)
    except ValueError as error:
        raise typer.BadParameter(f"--target {text}: write METRIC=NUMBER, for example repurchase_rate=0.35") from error


def _print(brand: Brand, as_json: bool) -> None:
    from huitou.accounts.exclusions import describe_exclusions
    from huitou.analytics.rules import Exclusions

    effective = Exclusions.from_json(brand.exclusions)
    shown = {
        "name": brand.name,
        "zone": brand.zone,
        "currency": brand.currency,
        "is_example": brand.is_example,
        "now": brand.clock_now.astimezone(brand.tz).isoformat() if brand.clock_now else None,
        "exclusions": brand.exclusions,
        "thresholds": brand.thresholds,
        "targets": brand.targets,
    }
    if as_json:
        typer.echo(json.dumps({**shown, "effective_exclusions": effective.to_json()}, ensure_ascii=False))
        return
    # As it stands beside every figure: with what is left out unless the brand says otherwise.
    shown |= {"name": brand.shown_name, "exclusions": describe_exclusions(effective, brand.currency)}
    for field, value in shown.items():
        typer.echo(f"{field:<11} {json.dumps(value, ensure_ascii=False) if isinstance(value, dict) else value}")


@staff_app.command("add")
@booted
def add_person(
    username: Annotated[str, typer.Argument(help="What the person signs in with.")],
    role: Annotated[str, typer.Option(help="admin, operator, analyst or service.")] = "analyst",
    name: Annotated[str, typer.Option(help="The person's name.")] = "",
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Let a person in. The one-time password is printed once."""
    from huitou.accounts.staff import add_staff
    from huitou.core.clock import SystemClock

    made = add_staff(username=username, role=role, full_name=name, clock=SystemClock())
    _print_password(made.user, made.password, as_json)


@staff_app.command("set")
@booted
def set_person(
    username: Annotated[str, typer.Argument(help="What the person signs in with.")],
    role: Annotated[str | None, typer.Option(help="admin, operator, analyst or service.")] = None,
    name: Annotated[str | None, typer.Option(help="The person's name.")] = None,
    active: Annotated[bool | None, typer.Option("--active/--inactive", help="Whether the person may sign in.")] = None,
    new_password: Annotated[bool, typer.Option("--new-password", help="Make and print a one-time password.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Change a person's role, name or password, or send them away. Their sessions end where rights change."""
    from huitou.accounts.staff import change_staff, reset_password
    from huitou.core.clock import SystemClock

    given = {"role": role, "full_name": name, "is_active": active}
    changes: dict[str, object] = {field: value for field, value in given.items() if value is not None}
    user = change_staff(username=username, changes=changes, clock=SystemClock())
    if new_password:
        made = reset_password(username=username, clock=SystemClock())
        _print_password(made.user, made.password, as_json)
    else:
        _print_people([user], as_json)


@staff_app.command("list")
@booted
def list_people(as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False) -> None:
    """Everybody who works here, with role, state and last login."""
    from huitou.accounts.models import User

    _print_people(list(User.objects.order_by("-is_active", "username")), as_json)


def _person(user: User) -> dict[str, Any]:
    return {
        "username": user.username,
        "name": user.first_name,
        "role": user.role,
        "active": user.is_active,
        "one_time_password": user.must_change_password,
        "last_login": user.last_login.isoformat() if user.last_login else None,
    }


def _print_people(users: list[User], as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps({"staff": [_person(user) for user in users]}, ensure_ascii=False))
        return
    from django.utils.translation import gettext as _

    def state(user: User) -> str:
        if not user.is_active:
            return _("Deactivated")
        return _("One-time password") if user.must_change_password else _("Active")

    _print_table(
        [_("User name"), _("Full name"), _("Role"), _("State"), _("Last login")],
        [[u.username, u.first_name, u.get_role_display(), state(u), _local(u.last_login)] for u in users],
    )


def _print_password(user: User, password: str, as_json: bool) -> None:
    from django.utils.translation import gettext as _

    if as_json:
        typer.echo(json.dumps({**_person(user), "password": password}, ensure_ascii=False))
        return
    words = _("One-time password of %(name)s: %(password)s (shown only this once)")
    typer.echo(words % {"name": user.username, "password": password})


@keys_app.command("create")
@booted
def create(
    name: Annotated[str, typer.Argument(help="What the key is for.")],
    source: Annotated[str, typer.Option(help="Feed of a write key: order numbers are unique inside it.")] = "",
    channel: Annotated[str, typer.Option(help="Channel of its events where they name none.")] = "",
    scope: Annotated[list[str] | None, typer.Option(help="What an API key may do; may be repeated.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Make a write key (with --source) or an API key (with --scope). The secret is printed once."""
    from django.utils.translation import gettext as _

    from huitou.accounts.keys import create_key
    from huitou.core.clock import SystemClock

    made = create_key(
        name=name,
        kind="api" if scope else "write",
        source=source,
        channel=channel,
        scopes=scope or [],
        clock=SystemClock(),
    )
    if as_json:
        typer.echo(json.dumps({**_key(made.key), "secret": made.secret}, ensure_ascii=False))
        return
    typer.echo(_("Secret of %(name)s: %(secret)s (shown only this once)") % {"name": name, "secret": made.secret})


@keys_app.command("revoke")
@booted
def revoke(
    prefix: Annotated[
        str, typer.Argument(help="The key's first characters, enough of them to tell it from the others.")
    ],
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Let a key open nothing from now on."""
    from huitou.accounts.keys import revoke_key, whole_prefix
    from huitou.core.clock import SystemClock

    _print_keys([revoke_key(prefix=whole_prefix(prefix), clock=SystemClock())], as_json)


@keys_app.command("list")
@booted
def list_keys(as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False) -> None:
    """Every key with what it may do and when it was last used; secrets are stored nowhere."""
    from huitou.accounts.models import ApiKey

    _print_keys(list(ApiKey.objects.order_by("revoked_at", "-created_at", "-pk")), as_json)


def _key(key: ApiKey) -> dict[str, Any]:
    return {
        "prefix": key.prefix,
        "name": key.name,
        "kind": key.kind,
        "source": key.source,
        "scopes": key.scopes,
        "last_used_at": key.last_used_at.isoformat() if key.last_used_at else None,
        "revoked_at": key.revoked_at.isoformat() if key.revoked_at else None,
    }


def _print_keys(keys: list[ApiKey], as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps({"keys": [_key(key) for key in keys]}, ensure_ascii=False))
        return
    from django.utils.translation import gettext as _

    def opens(key: ApiKey) -> str:
        if key.kind != "write":
            return ", ".join(key.scopes)
        return _("Send events of the feed %(source)s") % {"source": key.source}

    _print_table(
        [_("Begins with"), _("Name"), _("What it may do"), _("Last used"), _("State")],
        [
            [
                key.prefix,
                key.name,
                opens(key),
                _local(key.last_used_at),
                _("Revoked") if key.revoked_at else _("Active"),
            ]
            for key in keys
        ],
    )


def _local(moment: datetime | None) -> str:
    """Day and minute where the brand is."""
    from huitou.accounts.models import Brand
    from huitou.accounts.queries import find_brand
    from huitou.console.formats import format_instant

    return format_instant(moment, (find_brand() or Brand()).tz)


def _print_table(columns: list[str], rows: list[list[str]]) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in columns:
        table.add_column(column, overflow="fold")
    for row in rows:
        table.add_row(*row)
    Console(highlight=False).print(table)
