"""`huitou example`: load, advance and remove the example brand."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated

import typer

from huitou.core.boot import booted

if TYPE_CHECKING:
    from huitou.core.terminal import Report
    from huitou.sources.connectors.complete_journey.loading import ExampleStatus

app = typer.Typer(name="example", no_args_is_help=True, help="The example brand: real purchases, a clock of its own.")

AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]


@app.command()
@booted
def load(
    everything: Annotated[
        bool, typer.Option("--all", help="The whole grocer, 1.47 million lines, in place of the brand's categories.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Load the example into an empty store, or finish a load that was interrupted."""
    from django.conf import settings
    from django.utils.translation import gettext as _

    from huitou.core.clock import SystemClock
    from huitou.sources.connectors.complete_journey.loading import load_example

    scope = "all" if everything else "brand"
    _run(
        _("Loading the example"),
        lambda report: load_example(home=settings.HOME, clock=SystemClock(), scope=scope, report=report),
        as_json,
        _told_load,
    )


@app.command()
@booted
def advance(
    days: Annotated[int, typer.Option(help="Whole days to move the example's now on by.")],
    as_json: AsJson = False,
) -> None:
    """Move the example's now on: the purchases of those days arrive."""
    from django.conf import settings
    from django.utils.translation import gettext as _

    from huitou.core.clock import SystemClock
    from huitou.sources.connectors.complete_journey.loading import advance_example

    _run(
        _("Advancing the example"),
        lambda report: advance_example(days=days, home=settings.HOME, clock=SystemClock(), report=report),
        as_json,
        _told_advance,
    )


@app.command()
@booted
def remove(as_json: AsJson = False) -> None:
    """Remove everything that was loaded for the example; the store is empty afterwards."""
    from django.conf import settings
    from django.utils.translation import gettext as _

    from huitou.core.clock import SystemClock
    from huitou.sources.connectors.complete_journey.loading import remove_example

    _run(
        _("Removing the example"),
        lambda report: remove_example(home=settings.HOME, clock=SystemClock()),
        as_json,
        _told_remove,
    )


@app.command()
@booted
def status(as_json: AsJson = False) -> None:
    """Say how far the example is, and what is visible of it."""
    from huitou.sources.connectors.complete_journey.loading import example_status

    _print(example_status(), as_json)


def _run(
    label: str,
    work: Callable[[Report], ExampleStatus],
    as_json: bool,
    tell: Callable[[ExampleStatus, ExampleStatus], str],
) -> None:
    """Do the work, say what it changed (`tell` of the status before and after), and how things are now."""
    from huitou.core.terminal import progress
    from huitou.sources.connectors.complete_journey.loading import example_status

    before = example_status()
    with progress(label) as report:
        status = work(report)
    changed = tell(before, status)
    if changed and not as_json:
        typer.echo(changed)
    _print(status, as_json)


def _told_load(before: ExampleStatus, after: ExampleStatus) -> str:
    from django.utils.translation import gettext as _

    if before.state == "own":
        return _("The brand that was set up had no data; its settings are in the audit log.")
    if before.state == "ready" and before.scope == after.scope:
        return _("It was loaded before; nothing changed.")
    return ""


def _told_advance(before: ExampleStatus, after: ExampleStatus) -> str:
    from django.utils.translation import gettext as _
    from django.utils.translation import ngettext

    days = before.days_left - after.days_left
    moved = ngettext(
        "Moved on by %(days)s day, from %(before)s to %(after)s.",
        "Moved on by %(days)s days, from %(before)s to %(after)s.",
        days,
    ) % {"days": days, "before": before.day, "after": after.day}
    lines = _("%(lines)s order lines arrived.") % {"lines": f"{after.lines - before.lines:,}"}
    return f"{moved} {lines}"


def _told_remove(before: ExampleStatus, after: ExampleStatus) -> str:
    from django.utils.translation import gettext as _

    if before.now is None:
        return ""
    return _("Removed: %(lines)s order lines, %(customers)s customers, %(products)s products, %(events)s events.") % {
        "lines": f"{before.lines:,}",
        "customers": f"{before.customers:,}",
        "products": f"{before.products:,}",
        "events": f"{before.events:,}",
    }


def _print(status: ExampleStatus, as_json: bool) -> None:
    from django.utils.translation import gettext as _

    from huitou.core.terminal import print_json

    if as_json:
        print_json(status.to_json())
    elif status.now is None:
        own = _("The store holds a brand of its own, not the example.")
        typer.echo(own if status.state == "own" else _("The store is empty. Load the example: huitou example load"))
    else:
        states = {
            "ready": _("The example is loaded."),
            "loading": _("The example is not loaded whole yet; huitou example load goes on."),
            "removing": _("The example is not removed whole yet; huitou example remove goes on."),
        }
        typer.echo(states[status.state])
        typer.echo(
            _("Its now is %(now)s; %(left)s days are still hidden.") % {"now": status.day, "left": status.days_left}
        )
        typer.echo(
            _("%(lines)s order lines, %(customers)s customers, %(products)s products, %(events)s events.")
            % {
                "lines": f"{status.lines:,}",
                "customers": f"{status.customers:,}",
                "products": f"{status.products:,}",
                "events": f"{status.events:,}",
            }
        )
