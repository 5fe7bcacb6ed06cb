"""`huitou feeds`: how fresh, complete and accurate every feed is."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Annotated

import typer

from huitou.core.boot import booted

app = typer.Typer(no_args_is_help=True, help="Show how fresh, complete and accurate the feeds are.")


@app.command("list")
@booted
def list_(as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False) -> None:
    """List every feed with what is wrong with it, those that need somebody first."""
    from django.utils.translation import gettext as _

    from huitou.accounts.models import Brand
    from huitou.accounts.queries import find_brand
    from huitou.core.clock import SystemClock
    from huitou.sources.feeds.queries import EVENTS, FILES, feed_report, list_feeds
    from huitou.sources.feeds.words import advise, format_length

    clock = SystemClock()
    found = list_feeds(brand=find_brand() or Brand(), clock=clock)
    if as_json:
        typer.echo(json.dumps([feed_report(feed) for feed in found], ensure_ascii=False))
        return
    kinds = {EVENTS: _("events"), FILES: _("files")}
    for feed in found:
        silence = clock.now() - feed.last_received_at if feed.last_received_at else None
        typer.echo(f"{feed.source} ({kinds[feed.kind]})  {feed.counts.received:,}  {format_length(silence)}")
        for one in advise(feed, silence):
            typer.echo(f"    {one.text} {one.remedy}")


@app.command("expect")
@booted
def expect(
    source: Annotated[str, typer.Argument(help="The feed.")],
    hours: Annotated[float | None, typer.Option(help="Hours of silence that are normal; left away: learned.")] = None,
) -> None:
    """Say how long a feed may be silent before it is late."""
    from django.utils.translation import gettext as _

    from huitou.core.clock import SystemClock
    from huitou.sources.feeds.services import expect_feed
    from huitou.sources.feeds.words import format_length

    expected = None if hours is None else timedelta(hours=hours)
    expect_feed(source=source, expected=expected, clock=SystemClock())
    words = _("%(source)s: late after %(length)s of silence.") if expected else _("%(source)s: as its own past shows.")
    typer.echo(words % {"source": source, "length": format_length(expected)})
