"""`huitou segments`: audiences listed, counted, exported, made and changed; and the tags that people carry."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from huitou.core.boot import booted
from huitou.segments.tags_cli import tags_app

segments_app = typer.Typer(no_args_is_help=True, help="Audiences by saved conditions, and tags.")
segments_app.add_typer(tags_app, name="tags")
COMMANDS = {"segments": segments_app}
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]
Name = Annotated[str, typer.Argument(help="Name of the segment, as huitou segments list shows it.")]
WhereFile = Annotated[Path, typer.Option("--where", help="File with a condition as JSON; - reads standard input.")]
AsOf = Annotated[str | None, typer.Option("--as-of", help="A date: its first instant in the brand's zone, exclusive.")]


@segments_app.command("list")
@booted
def list_(
    archived: Annotated[bool, typer.Option("--archived", help="Only those in the archive.")] = False,
    as_json: AsJson = False,
) -> None:
    """Every segment with its size at the last refresh and what came and went since the one before."""
    from huitou.core.terminal import print_json
    from huitou.segments.layering import shown
    from huitou.segments.output import segment_object
    from huitou.segments.queries import list_segments

    listed = list_segments(archived=archived)
    if as_json:
        print_json({"segments": [segment_object(one) for one in listed]})
        return
    for one in listed:
        size = "–" if one.size is None else f"{one.size:,} (+{one.entered} −{one.left})"
        typer.echo(f"{one.segment.name}\t{size}\t{shown(one.segment)[0]}")


@segments_app.command("show")
@booted
def show(name: Name, as_json: AsJson = False) -> None:
    """One segment: its condition in words and as JSON, its versions and sizes."""
    from django.utils.translation import gettext as _

    from huitou.console.formats import format_instant
    from huitou.core.terminal import print_json
    from huitou.customers.portrait import brand_zone
    from huitou.segments.output import detail_object

    found = detail_object(name)
    if as_json:
        print_json(found)
        return
    typer.echo(f"{found['title']} ({found['name']})")
    typer.echo(found["sentence"])
    typer.echo(_("Version %(number)s. Size: %(size)s.") % {"number": found["version"], "size": found["size"]})
    for use in found["asked_by"]:
        typer.echo(_("Asked about by %(what)s.") % {"what": use["title"]})
    zone = brand_zone()
    for size in found["sizes"][-10:]:
        typer.echo(f"{format_instant(size['as_of'], zone)}\t{size['size']}\t+{size['entered']}\t−{size['left']}")


@segments_app.command("count")
@booted
def count(
    where: Annotated[
        Path | None, typer.Option("--where", help="File with a condition as JSON; - reads standard input.")
    ] = None,
    name: Annotated[str | None, typer.Argument(help="Name of a segment, instead of --where.")] = None,
    as_of: AsOf = None,
    as_json: AsJson = False,
) -> None:
    """Exactly how many customers meet a condition, or are in a segment."""
    from django.utils.translation import gettext as _

    from huitou.core.terminal import print_json
    from huitou.orders.export import parse_as_of
    from huitou.segments.output import OneOfTwoError, read_definition
    from huitou.segments.queries import count_members, count_segment

    if (where is None) == (name is None):
        raise OneOfTwoError(_("Give the name of a segment, or a condition with --where FILE.json."))
    instant = parse_as_of(as_of) if as_of else None
    found = count_members(read_definition(where), instant) if where else count_segment(name or "", instant)
    if as_json:
        print_json({"count": found})
    else:
        typer.echo(str(found))


@segments_app.command("members")
@booted
def members(
    name: Name,
    as_of: AsOf = None,
    out: Annotated[Path | None, typer.Option("--out", help="A .parquet or .csv file.")] = None,
    as_json: AsJson = False,
) -> None:
    """Who is in a segment: person_id, the source's own customer number in external_id, and since when."""
    from django.utils.translation import gettext as _

    from huitou.console.formats import format_instant
    from huitou.core.clock import SystemClock
    from huitou.core.terminal import print_json
    from huitou.customers.portrait import brand_zone
    from huitou.orders.export import parse_as_of
    from huitou.segments.exporting import export_members
    from huitou.segments.queries import members_of_segment

    instant = parse_as_of(as_of) if as_of else None
    if out is not None:
        done = export_members(name=name, out=out, as_of=instant, clock=SystemClock())
        if as_json:
            print_json({"segment": name, "as_of": done.as_of, "rows": done.rows, "out": str(done.path)})
        else:
            typer.echo(_("%(rows)d customers written to %(path)s.") % {"rows": done.rows, "path": done.path})
        return
    rows = [row for batch in members_of_segment(name, instant) for row in batch.to_pylist()]
    if as_json:
        print_json({"segment": name, "members": rows})
        return
    zone = brand_zone()
    for row in rows:
        typer.echo(f"{row['person_id']}\t{format_instant(row['entered_at'], zone)}")


@segments_app.command("create")
@booted
def create(
    where: WhereFile,
    name: Annotated[str, typer.Option("--name", help="For commands and conditions; follows from the title.")] = "",
    title: Annotated[str, typer.Option("--title", help="What people read.")] = "",
    description: Annotated[str, typer.Option("--description", help="What it is for.")] = "",
    as_json: AsJson = False,
) -> None:
    """Keep a condition as a segment. It is counted at the next refresh."""
    from django.utils.translation import gettext as _

    from huitou.core.terminal import print_json
    from huitou.segments.output import product_clock, read_definition
    from huitou.segments.services import create_segment

    made = create_segment(
        definition=read_definition(where), name=name, title=title, description=description, clock=product_clock()
    )
    if as_json:
        print_json({"segment": made.name, "title": made.title})
    else:
        typer.echo(_("Segment %(name)s is kept; huitou refresh counts it.") % {"name": made.name})


@segments_app.command("change")
@booted
def change(
    name: Name,
    where: Annotated[
        Path | None, typer.Option("--where", help="File with a condition as JSON; - reads standard input.")
    ] = None,
    title: Annotated[str | None, typer.Option("--title", help="What people read.")] = None,
    description: Annotated[str | None, typer.Option("--description", help="What it is for.")] = None,
    as_json: AsJson = False,
) -> None:
    """Change a segment; another condition is a new version."""
    from django.utils.translation import gettext as _

    from huitou.core.terminal import print_json
    from huitou.segments.output import detail_object, product_clock, read_definition
    from huitou.segments.services import change_segment

    definition = read_definition(where) if where else None
    change_segment(name=name, definition=definition, title=title, description=description, clock=product_clock())
    version = detail_object(name)["version"]
    if as_json:
        print_json({"segment": name, "version": version})
    else:
        typer.echo(_("Segment %(name)s is at version %(version)s.") % {"name": name, "version": version})


@segments_app.command("archive")
@booted
def archive(
    name: Name,
    undo: Annotated[bool, typer.Option("--undo", help="Take it back from the archive.")] = False,
    although_used: Annotated[
        bool,
        typer.Option("--although-used", help="Although launches or journeys ask about it; launches then stand still."),
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Refresh a segment no more; its history stays."""
    from django.utils.translation import gettext as _

    from huitou.core.terminal import print_json
    from huitou.segments.output import product_clock
    from huitou.segments.services import archive_segment, restore_segment

    clock = product_clock()
    if undo:
        done = restore_segment(name=name, clock=clock)
    else:
        done = archive_segment(name=name, although_used=although_used, clock=clock)
    if as_json:
        print_json({"segment": name, "archived": done.archived_at is not None})
    else:
        typer.echo(_("Archived.") if done.archived_at else _("Taken back from the archive."))


@segments_app.command("layers")
@booted
def layers(as_json: AsJson = False) -> None:
    """Create the ready layers that are not there yet: RFM groups, lifecycle stages, value tiers and others."""
    from django.utils.translation import gettext as _

    from huitou.core.terminal import print_json
    from huitou.segments.output import product_clock
    from huitou.segments.services import install_layers

    made = install_layers(clock=product_clock())
    if as_json:
        print_json({"created": made})
    else:
        typer.echo(_("%(count)s layers created.") % {"count": len(made)})
