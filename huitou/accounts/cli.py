"""`huitou brand`: what the brand is called, its zone and currency, what it does not count, what it aims at."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated, Any

import typer

from huitou.core.boot import booted

if TYPE_CHECKING:
    from huitou.accounts.models import Brand

app = typer.Typer(name="brand", no_args_is_help=True, help="Show or change the brand's settings.")
COMMANDS = {"brand": app}


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
        typer.echo(json.dumps(shown, ensure_ascii=False))
        return
    for field, value in shown.items():
        typer.echo(f"{field:<11} {json.dumps(value, ensure_ascii=False) if isinstance(value, dict) else value}")
