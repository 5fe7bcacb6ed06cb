"""`huitou plays`: the library, previews, launches, rehearsals over the past month, and readouts."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from huitou.core.boot import booted

if TYPE_CHECKING:
    from huitou.accounts.models import Brand
    from huitou.journeys.models import Launch
    from huitou.journeys.plays.drafts import Draft

app = typer.Typer(
    no_args_is_help=True,
    help="Ready plays and one's own: preview, launch, rehearse over the past, and read the result.",
)
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]
Name = Annotated[str, typer.Argument(help="A ready play, or a journey of one's own.")]
Number = Annotated[int, typer.Argument(metavar="LAUNCH", help="Number of the launch.")]
Parameters = Annotated[
    list[str] | None, typer.Option("--set", help="A setting of the play as name=value; JSON where it is no plain text.")
]
Channels = Annotated[
    list[str] | None, typer.Option("--channel", help="Send over this channel; repeat in order of preference.")
]
Control = Annotated[str, typer.Option("--control", help="Share kept as control, such as 50% or 10%; as suggested.")]


@app.command("list")
@booted
def list_(as_json: AsJson = False) -> None:
    """List the ready plays, one's own journeys, and every launch."""
    from django.utils.translation import gettext as _

    from huitou.accounts.queries import find_brand
    from huitou.console.formats import format_day
    from huitou.core.terminal import print_json
    from huitou.journeys.play import in_language, library
    from huitou.journeys.plays.launching import launch_document
    from huitou.journeys.plays.words import STAGES, STATES
    from huitou.journeys.queries import list_journeys, list_launches
    from huitou.journeys.titles import launch_title

    plays = [
        {"name": play.name, "title": in_language(play.title), "stage": play.stage, "for": in_language(play.summary)}
        for play in library().values()
    ]
    own = [
        {"name": journey.name, "title": journey.title} for journey in list_journeys() if journey.name not in library()
    ]
    launches = list(list_launches())
    if as_json:
        print_json({"plays": plays, "journeys": own, "launches": [launch_document(one) for one in launches]})
        return
    for play in plays:
        typer.echo(f"{play['name']}\t{play['title']} ({STAGES[play['stage']]})")
    for journey in own:
        typer.echo(f"{journey['name']}\t{journey['title']}")
    brand = find_brand()
    if launches and brand:
        typer.echo("")
    for one in launches if brand else ():
        assert brand is not None
        words = _("launch %(number)s: %(title)s, since %(day)s, %(state)s")
        day = format_day(one.starts_at, brand.tz)
        typer.echo(words % {"number": one.pk, "title": launch_title(one), "day": day, "state": STATES[one.state]})


@app.command()
@booted
def show(name: Name, parameters: Parameters = None) -> None:
    """Show what a play does, as JSON: its journey with these settings, and the settings it has."""
    from huitou.core.terminal import print_json
    from huitou.journeys.play import in_language

    draft = _draft(name, parameters, None)
    told: dict[str, Any] = {"name": draft.name, "title": draft.title, "definition": draft.source}
    if draft.play is not None:
        told["for"] = in_language(draft.play.summary)
        told["stage"] = draft.play.stage
        told["target"] = vars(draft.play.target)
        told["parameters"] = [
            {"name": p.name, "type": p.type, "label": in_language(p.label), "value": (draft.parameters or {})[p.name]}
            for p in draft.play.parameters
        ]
    print_json(told)


@app.command("preview")
@booted
def preview_(
    name: Name,
    control: Control = "",
    channels: Channels = None,
    parameters: Parameters = None,
    enroll_days: Annotated[
        int | None, typer.Option(min=1, max=366, help="For how many days customers come in.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Say who would be contacted, how many, at what cost, and what effect could be proven. Keeps nothing."""
    from huitou.core.terminal import print_json
    from huitou.journeys.plays.preview import preview
    from huitou.journeys.plays.words import preview_words

    brand = _brand()
    share = _share(control) if control else None
    found = preview(_draft(name, parameters, channels), brand=brand, control_bp=share, enroll_days=enroll_days)
    if as_json:
        print_json(found.to_json())
        return
    typer.echo(found.title)
    for label, text in preview_words(found):
        typer.echo(f"  {label}: {text}")


@app.command()
@booted
def launch(
    name: Name,
    control: Control = "",
    channels: Channels = None,
    parameters: Parameters = None,
    enroll_days: Annotated[
        int | None, typer.Option(min=1, max=366, help="For how many days customers come in.")
    ] = None,
    starts: Annotated[str, typer.Option(help="First day as 2017-10-02; now.")] = "",
    key: Annotated[str, typer.Option(help="The same key again is the same launch.")] = "",
    beside: Annotated[bool, typer.Option("--beside", help="Although the same play runs already.")] = False,
    looks: Annotated[int, typer.Option(min=0, max=10, help="Planned looks at the result before its end.")] = 0,
    as_json: AsJson = False,
) -> None:
    """Launch a play now. Control share, outcome window and end are fixed from then on."""
    from datetime import date

    from django.utils.translation import gettext as _

    from huitou.core.clock import day_start
    from huitou.core.terminal import print_json
    from huitou.journeys.plays.launching import launch_document, launch_draft
    from huitou.journeys.plays.preview import preview
    from huitou.journeys.plays.words import launch_words

    brand = _brand()
    draft = _draft(name, parameters, channels)
    share = _share(control) if control else preview(draft, brand=brand, enroll_days=enroll_days).suggested_bp
    try:
        start = day_start(date.fromisoformat(starts), brand.tz) if starts else None
    except ValueError as error:
        raise typer.BadParameter(_("Write the day as 2017-10-02."), param_hint="--starts") from error
    made = launch_draft(
        draft,
        clock=brand.clock,
        control_bp=share,
        starts_at=start,
        enroll_days=enroll_days,
        key=key,
        beside=beside,
        looks=looks,
    )
    if as_json:
        print_json(launch_document(made))
        return
    for line in launch_words(made, brand.tz):
        typer.echo(line)


@app.command()
@booted
def pause(number: Number, as_json: AsJson = False) -> None:
    """Hold a launch: nobody comes in, nobody goes on."""
    from huitou.journeys import services

    _change(number, services.pause, as_json)


@app.command()
@booted
def resume(number: Number, as_json: AsJson = False) -> None:
    """Let a launch that was held go on."""
    from huitou.journeys import services

    _change(number, services.resume, as_json)


@app.command()
@booted
def stop(number: Number, as_json: AsJson = False) -> None:
    """End a launch for good; what has not gone out is taken back."""
    from huitou.journeys import services

    _change(number, services.stop, as_json)


@app.command("replay")
@booted
def replay_(
    name: Name,
    control: Control = "",
    channels: Channels = None,
    parameters: Parameters = None,
    days: Annotated[int, typer.Option(min=1, max=92, help="How many days back.")] = 28,
    out: Annotated[Path | None, typer.Option(help="Write every row to this CSV file.", dir_okay=False)] = None,
    as_json: AsJson = False,
) -> None:
    """Rehearse a play over the past: who would have come in, got what and when, and what would have been refused."""
    from django.utils.translation import gettext as _

    from huitou.core.terminal import print_json, progress
    from huitou.journeys.plays.replay import replay
    from huitou.journeys.plays.words import replay_words, write_rows

    brand = _brand()
    share = _share(control) if control else None
    with progress(_("Rehearsing")) as report:
        found = replay(_draft(name, parameters, channels), brand=brand, control_bp=share, days=days, report=report)
    if out is not None:
        with out.open("w", encoding="utf-8-sig", newline="") as file:
            write_rows(found, file, brand.tz)
    if as_json:
        print_json({key: value for key, value in found.to_json().items() if key != "rows" or out is None})
        return
    for label, text in replay_words(found, brand.tz):
        typer.echo(f"{label}: {text}")


@app.command("readout")
@booted
def readout_(number: Number, as_json: AsJson = False) -> None:
    """Say what a launch has done so far, and, once its end has passed, what it caused."""
    from huitou.core.terminal import print_json
    from huitou.experiments.queries import readout
    from huitou.experiments.words import tell
    from huitou.journeys.plays.launching import readout_document_of
    from huitou.journeys.plays.numbers import numbers_of
    from huitou.journeys.plays.words import number_words
    from huitou.journeys.queries import get_launch
    from huitou.journeys.titles import launch_title

    brand, found = _brand(), get_launch(number)
    if as_json:
        print_json(readout_document_of(found, brand.tz))
        return
    typer.echo(launch_title(found))
    for label, text in number_words(numbers_of(found)):
        typer.echo(f"  {label}: {text}")
    for sentence in tell(readout(found.experiment), brand.tz):
        typer.echo(sentence.text)


def _brand() -> Brand:
    from huitou.accounts.queries import get_brand

    return get_brand()


def _draft(name: str, parameters: list[str] | None, channels: list[str] | None) -> Draft:
    from huitou.journeys.plays.drafts import find_draft

    chosen: dict[str, Any] = {}
    for told in parameters or ():
        key, equals, value = told.partition("=")
        if not equals:
            raise typer.BadParameter(f"{told}: name=value", param_hint="--set")
        try:
            chosen[key] = json.loads(value)
        except ValueError:
            chosen[key] = value
    draft = find_draft(name, chosen)
    return draft.through(tuple(channels)) if channels else draft


def _share(told: str) -> int:
    """50%, 50 or 0.5: in basis points."""
    from decimal import Decimal, InvalidOperation

    try:
        number = Decimal(told.strip().rstrip("%"))
        # Comparing what is no number is refused as well.
        percent = number if "%" in told or number > 1 else number * 100
    except InvalidOperation as error:
        raise typer.BadParameter("50%", param_hint="--control") from error
    if not 0 <= percent <= 90:
        raise typer.BadParameter("0% – 90%", param_hint="--control")
    return int(percent * 100)


def _change(number: int, change: Any, as_json: bool) -> None:
    from huitou.core.terminal import print_json
    from huitou.journeys.plays.launching import launch_document
    from huitou.journeys.plays.words import launch_words
    from huitou.journeys.queries import get_launch

    brand = _brand()
    found: Launch = change(launch=get_launch(number), clock=brand.clock)
    if as_json:
        print_json(launch_document(found))
        return
    for line in launch_words(found, brand.tz):
        typer.echo(line)
