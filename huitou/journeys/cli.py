"""`huitou journeys`: list, show, check, publish and run; `huitou tasks`: what staff has to do."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from huitou.core.boot import booted
from huitou.journeys.plays.cli import app as plays_app

if TYPE_CHECKING:
    from huitou.journeys.models import StaffTask

journeys_app = typer.Typer(help="Automations: versions, checks, and the engine that moves customers on.")
tasks_app = typer.Typer(help="Staff tasks that journeys hand over.")
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]
Name = Annotated[str, typer.Argument(help="The journey's short name.")]


@journeys_app.command("list")
@booted
def list_journeys(as_json: AsJson = False) -> None:
    """Every journey with its versions and running launches."""
    from huitou.core.terminal import print_json
    from huitou.journeys import queries
    from huitou.journeys.titles import journey_title

    rows = []
    for journey in queries.list_journeys():
        newest, live = queries.newest_version(journey), queries.live_version(journey)
        running = queries.list_launches(journey).filter(state="running").count()
        rows.append(
            {
                "name": journey.name,
                "title": journey_title(journey),
                "draft": newest.number if newest.state == "draft" else None,
                "live": live.number if live else None,
                "running": running,
            }
        )
    if as_json:
        print_json(rows)
        return
    for row in rows:
        typer.echo("\t".join(str(value if value is not None else "-") for value in row.values()))


@journeys_app.command()
@booted
def show(
    name: Name,
    version: Annotated[int | None, typer.Option(help="Number of the version; the newest.")] = None,
) -> None:
    """The definition of a journey as JSON."""
    from huitou.core.terminal import print_json
    from huitou.journeys import queries

    journey = queries.get_journey(name)
    found = queries.newest_version(journey) if version is None else queries.get_version(journey, version)
    print_json(found.definition)


@journeys_app.command()
@booted
def schema() -> None:
    """The JSON Schema of a definition."""
    from huitou.core.terminal import print_json
    from huitou.journeys.schema import definition_schema

    print_json(definition_schema())


@journeys_app.command()
@booted
def validate(
    file: Annotated[Path, typer.Argument(help="Definition as JSON.", exists=True, dir_okay=False)],
    as_json: AsJson = False,
) -> None:
    """Check a definition; every problem with its place. Ends with 1 where there is one."""
    from django.utils.translation import gettext as _

    from huitou.core.terminal import print_json
    from huitou.journeys.definition import find_problems

    problems = find_problems(_read(file))
    if as_json:
        print_json([{"path": p.path, "code": p.code, "message": p.text} for p in problems])
    elif not problems:
        typer.echo(_("The journey can run."))
    for problem in () if as_json else problems:
        typer.echo(f"{problem.path}\t{problem.code}\t{problem.text}")
    if problems:
        raise typer.Exit(1)


@journeys_app.command()
@booted
def save(
    name: Name,
    file: Annotated[Path, typer.Argument(help="Definition as JSON.", exists=True, dir_okay=False)],
    title: Annotated[str, typer.Option(help="What operators call it.")] = "",
) -> None:
    """Keep a definition as the draft of a journey; a new one where there is none of that name."""
    from django.utils.translation import gettext as _

    from huitou.accounts.queries import get_brand
    from huitou.journeys.models import Journey
    from huitou.journeys.services import create_journey, save_draft

    clock, definition = get_brand().clock, _read(file)
    journey = Journey.objects.filter(name=name).first()
    if journey is None:
        draft = create_journey(name=name, title=title, definition=definition, clock=clock)
    else:
        draft = save_draft(journey=journey, definition=definition, title=title or None, clock=clock)
    typer.echo(_("Saved as draft %(number)s.") % {"number": draft.number})


@journeys_app.command()
@booted
def publish(name: Name) -> None:
    """Make the draft the live version, which never changes."""
    from django.utils.translation import gettext as _

    from huitou.accounts.queries import get_brand
    from huitou.journeys import queries, services

    version = services.publish(journey=queries.get_journey(name), clock=get_brand().clock)
    typer.echo(_("Version %(number)s is live.") % {"number": version.number})


@journeys_app.command()
@booted
def run(
    once: Annotated[bool, typer.Option("--once", help="Stop when nothing is due.")] = False,
    as_json: AsJson = False,
) -> None:
    """Move customers on: everything that is due now, or until it is stopped."""
    import time

    from django.utils.translation import gettext as _

    from huitou.core.terminal import print_json
    from huitou.journeys.loop import PAUSE_SECONDS, run_turn

    while True:
        done = run_turn()
        told = {
            "entered": done.entered,
            "ended": done.ended,
            "events": done.heard,
            "steps": done.steps,
            "failed": sorted(done.failed),
        }
        if as_json:
            print_json(told)
        elif once or not done.is_idle:
            typer.echo(_("%(entered)s entered, %(events)s events, %(steps)s steps, %(ended)s reached an end") % told)
        if once:
            return
        time.sleep(PAUSE_SECONDS)


@tasks_app.command("list")
@booted
def list_tasks(
    which: Annotated[str, typer.Option(help="open, snoozed or done")] = "open",
    mine: Annotated[str, typer.Option(help="Only those of this user.")] = "",
    as_json: AsJson = False,
) -> None:
    """Staff tasks, overdue ones first."""
    from huitou.accounts.models import User
    from huitou.accounts.queries import get_brand
    from huitou.console.formats import format_instant
    from huitou.core.terminal import print_json
    from huitou.journeys import queries

    brand = get_brand()
    now = brand.now()
    user = User.objects.filter(username=mine).first() if mine else None
    found = queries.list_tasks(now=now, which=which, assignee_id=user.pk if user else (-1 if mine else None))
    rows = [_task_row(task) for task in found[:1000]]
    if as_json:
        print_json(rows)
        return
    if not rows:
        from django.utils.translation import gettext as _

        typer.echo(_("No tasks here."))
    for row in rows:
        due = format_instant(row["due_at"], brand.tz)
        typer.echo(f"{row['id']}\t#{row['person_id']}\t{row['kind']}\t{row['title']}\t{due}")


@tasks_app.command()
@booted
def take(task_id: int, user: Annotated[str, typer.Option(help="Who takes it.")]) -> None:
    """Make a task a user's own."""
    from huitou.accounts.queries import get_brand
    from huitou.journeys.staff_tasks import take_task

    take_task(task_id=task_id, user=_user(user), clock=get_brand().clock)


@tasks_app.command()
@booted
def finish(
    task_id: int,
    outcome: Annotated[str, typer.Option(help="reached, declined, bought, not_reached, wrong_contact or other")],
    note: Annotated[str, typer.Option()] = "",
) -> None:
    """Finish a task with its outcome."""
    from huitou.accounts.queries import get_brand
    from huitou.journeys.staff_tasks import finish_task

    finish_task(task_id=task_id, outcome=outcome, note=note, user=None, clock=get_brand().clock)


@tasks_app.command()
@booted
def snooze(task_id: int, hours: Annotated[int, typer.Option(min=1, help="For how long.")] = 24) -> None:
    """Put a task off."""
    from datetime import timedelta

    from huitou.accounts.queries import get_brand
    from huitou.journeys.staff_tasks import snooze_task

    clock = get_brand().clock
    snooze_task(task_id=task_id, until=clock.now() + timedelta(hours=hours), user=None, clock=clock)


def _read(file: Path) -> Any:
    import json

    from django.utils.translation import gettext as _

    from huitou.core.errors import DomainError

    try:
        return json.loads(file.read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:
        raise DomainError(_("%(file)s is no JSON.") % {"file": file.name}, code="no_json") from error


def _user(name: str) -> Any:
    from django.utils.translation import gettext as _

    from huitou.accounts.models import User
    from huitou.core.errors import DomainError

    user = User.objects.filter(username=name, is_active=True).first()
    if user is None:
        raise DomainError(_("Nobody called %(name)s works here.") % {"name": name}, code="user_unknown")
    return user


def _task_row(task: StaffTask) -> dict[str, Any]:
    from huitou.journeys.wording import in_language

    return {
        "id": task.pk,
        "person_id": task.person_id,
        "kind": task.kind,
        "title": in_language(task.title),
        "context": in_language(task.context),
        "due_at": task.due_at,
        "state": task.state,
        "assignee": task.assignee.get_username() if task.assignee else "",
        "outcome": task.outcome,
        "launch": task.launch_id,
    }


COMMANDS = {"journeys": journeys_app, "tasks": tasks_app, "plays": plays_app}
