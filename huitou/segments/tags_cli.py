"""`huitou segments tags`: tags, their groups and rules, given and taken in bulk."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from huitou.core.boot import booted

tags_app = typer.Typer(no_args_is_help=True, help="Tags that customers carry.")
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]
TagName = Annotated[str, typer.Argument(help="Name of the tag.")]
Segment = Annotated[str | None, typer.Option("--segment", help="Everybody in this segment.")]
People = Annotated[
    Path | None, typer.Option("--file", help="File with one customer number, phone or #person a line; - reads input.")
]


@tags_app.command("list")
@booted
def list_(as_json: AsJson = False) -> None:
    """Every tag with its group, how many carry it, and its rule in words."""
    from huitou.core.terminal import print_json
    from huitou.segments.output import product_clock
    from huitou.segments.queries import list_tags

    listed = list_tags(product_clock().now())
    if as_json:
        rows = [
            {"tag": t.name, "group": t.group, "carriers": t.carriers, "rule": t.rule, "description": t.description}
            for t in listed
        ]
        print_json({"tags": rows})
        return
    for tag in listed:
        typer.echo(f"{tag.name}\t{tag.group}\t{tag.carriers}\t{tag.sentence}")


@tags_app.command("create")
@booted
def create(
    name: TagName,
    group: Annotated[str, typer.Option("--group", help="Group of tags; made where there is none.")] = "",
    description: Annotated[str, typer.Option("--description", help="What it says of somebody.")] = "",
    where: Annotated[
        Path | None, typer.Option("--where", help="File with a condition: a refresh gives and takes the tag by it.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Make a tag, or change its group, description or rule."""
    from django.utils.translation import gettext as _

    from huitou.core.terminal import print_json
    from huitou.segments.output import product_clock, read_definition
    from huitou.segments.services import create_tag, set_tag_rule

    definition = read_definition(where) if where else None
    tag = create_tag(name=name, group=group, description=description, clock=product_clock())
    if definition is not None:
        set_tag_rule(tag=tag.name, definition=definition, clock=product_clock())
    if as_json:
        print_json({"tag": tag.name})
    else:
        typer.echo(_("Tag %(name)s is kept.") % {"name": tag.name})


@tags_app.command("give")
@booted
def give(
    name: TagName,
    segment: Segment = None,
    file: People = None,
    until: Annotated[str | None, typer.Option("--until", help="Last day on which it holds, YYYY-MM-DD.")] = None,
    as_json: AsJson = False,
) -> None:
    """Give a tag to everybody in a segment or in a file."""
    from huitou.segments.bulk import give_to, last_instant

    done = give_to(tag=name, segment=segment, lines=_lines(file), expires_at=last_instant(until) if until else None)
    _tell(done.count, done.unknown, as_json)


@tags_app.command("take")
@booted
def take(name: TagName, segment: Segment = None, file: People = None, as_json: AsJson = False) -> None:
    """Take a tag from everybody in a segment or in a file."""
    from huitou.segments.bulk import take_from

    done = take_from(tag=name, segment=segment, lines=_lines(file))
    _tell(done.count, done.unknown, as_json)


@tags_app.command("stop-rule")
@booted
def stop_rule(name: TagName, as_json: AsJson = False) -> None:
    """End a tag's rule and take what it gave."""
    from huitou.segments.output import product_clock
    from huitou.segments.services import stop_tag_rule

    _tell(stop_tag_rule(tag=name, clock=product_clock()), [], as_json)


def _lines(file: Path | None) -> list[str] | None:
    from huitou.segments.output import read_text

    return None if file is None else read_text(file).splitlines()


def _tell(count: int, unknown: list[str], as_json: bool) -> None:
    from django.utils.translation import gettext as _

    from huitou.core.terminal import print_json

    if as_json:
        print_json({"count": count, "unknown": len(unknown)})
        return
    typer.echo(_("%(count)s customers.") % {"count": count})
    if unknown:
        typer.echo(_("%(count)s lines name nobody: %(some)s") % {"count": len(unknown), "some": ", ".join(unknown[:5])})
