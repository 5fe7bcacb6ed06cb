"""`huitou plan`: the tracking plan on the command line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from huitou.core.boot import booted

if TYPE_CHECKING:
    from huitou.sources.tracking.plan import Plan

app = typer.Typer(no_args_is_help=True, help="Show and change the tracking plan, and what came otherwise.")
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]
EventArgument = Annotated[str, typer.Argument(help="Event name, for example 'Live Poll Answered'.")]


@app.command("show")
@booted
def show(
    event: Annotated[str, typer.Argument(help="Only this event.")] = "",
    own: Annotated[bool, typer.Option("--own", help="Only what the brand declared itself.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Show planned events and their properties; what `apply` reads can be written with --own --json."""
    from huitou.sources.tracking.queries import check_planned, current_plan, own_declarations, plan_report

    plan = current_plan()
    if event:
        check_planned(plan, event)
    if as_json:
        report = plan_report(plan, event)
        if own:
            declared = own_declarations()
            report["events"] = {name: declared[name] for name in report["events"] if name in declared}
        typer.echo(json.dumps(report, ensure_ascii=False))
        return
    for name, planned in plan.events.items():
        if (event and name != event) or (own and not planned.own):
            continue
        typer.echo(f"{name}  {planned.label}{'  *' if planned.own else ''}")
        for one in planned.properties.values() if event or own else ():
            flags = [word for word in ("required", "personal") if getattr(one, word)]
            told = [one.type, *flags, *(["|".join(one.values)] if one.values else [])]
            typer.echo(f"    {one.name:<24} {' '.join(told)}  {one.label}")


@app.command("declare")
@booted
def declare(
    event: EventArgument,
    zh: Annotated[str, typer.Option(help="Chinese name of the event.")] = "",
    en: Annotated[str, typer.Option(help="English name of the event.")] = "",
    properties: Annotated[
        list[str] | None,
        typer.Option(
            "--property",
            help="NAME:TYPE[:required][:personal][:VALUE|VALUE]; one value alone is VALUE|; may be repeated.",
        ),
    ] = None,
) -> None:
    """Declare an event or change it; given again, nothing changes."""
    from huitou.core.clock import SystemClock
    from huitou.sources.tracking.services import declare_event

    declared = dict(_property(text) for text in properties or ())
    plan = declare_event(name=event, zh=zh, en=en, properties=declared, clock=SystemClock())
    _tell_version(plan)


def _tell_version(plan: Plan) -> None:
    from django.utils.translation import gettext as _

    typer.echo(_("The tracking plan is at version %(version)s.") % {"version": plan.version})


def _property(text: str) -> tuple[str, dict[str, Any]]:
    from django.utils.translation import gettext as _

    from huitou.sources.tracking.services import PlanInvalidError

    name, *parts = text.split(":")
    declared: dict[str, Any] = {"type": parts[0] if parts else "text"}
    for part in parts[1:]:
        if part in ("required", "personal"):
            declared[part] = True
        elif "|" in part:
            declared["values"] = [value for value in part.split("|") if value]
        else:
            raise PlanInvalidError(
                _("%(name)s: %(part)s is neither required nor personal. One value alone is written %(part)s|.")
                % {"name": name, "part": part}
            )
    return name.strip(), declared


@app.command("withdraw")
@booted
def withdraw(
    event: EventArgument,
    property_name: Annotated[str, typer.Option("--property", help="Only this property of it.")] = "",
) -> None:
    """Take back what the brand declared of an event, or one property of it; what is shipped counts again."""
    from huitou.core.clock import SystemClock
    from huitou.sources.tracking.services import withdraw_event, withdraw_property

    if property_name:
        plan = withdraw_property(name=event, property_name=property_name, clock=SystemClock())
    else:
        plan = withdraw_event(name=event, clock=SystemClock())
    _tell_version(plan)


@app.command("apply")
@booted
def apply(path: Annotated[Path, typer.Argument(help="YAML or JSON: events: {NAME: {zh, en, properties}}")]) -> None:
    """Declare every event of a file, all of them or none."""
    import yaml
    from django.utils.translation import gettext as _

    from huitou.core.clock import SystemClock
    from huitou.sources.tracking.services import PlanInvalidError, declare_plan

    try:
        read = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise PlanInvalidError(_("%(path)s cannot be read. Is it there?") % {"path": path}) from error
    except (yaml.YAMLError, ValueError) as error:
        raise PlanInvalidError(_("%(path)s is neither YAML nor JSON.") % {"path": path}) from error
    events = read.get("events") if isinstance(read, dict) else None
    if not isinstance(events, dict):
        raise PlanInvalidError(_("The file has no events: write events: and the events by name below it."))
    plan = declare_plan(events=events, clock=SystemClock())
    _tell_version(plan)


@app.command("problems")
@booted
def problems(
    source: Annotated[str, typer.Option(help="Only of this feed.")] = "",
    limit: Annotated[int, typer.Option(help="At most so many.")] = 50,
    as_json: JsonOption = False,
) -> None:
    """Show what came otherwise than planned, the latest first."""
    from huitou.sources.tracking.queries import list_problems
    from huitou.sources.tracking.words import problem_rows

    found = list_problems(source)[:limit]
    if as_json:
        names = ("source", "event", "problem", "property", "count", "example")
        told = [
            {name: getattr(one, name) for name in names}
            | {"first_at": one.first_at.isoformat(), "last_at": one.last_at.isoformat()}
            for one in found
        ]
        typer.echo(json.dumps(told, ensure_ascii=False))
        return
    for row in problem_rows(found):
        one = row.problem
        named = one.event if row.event == one.event else f"{row.event} ({one.event})"
        place = f"{named} · {one.property}" if one.property else named
        typer.echo(f"{one.count:>9,}  {one.source}  {place}  {row.word}{': ' + row.detail if row.detail else ''}")
