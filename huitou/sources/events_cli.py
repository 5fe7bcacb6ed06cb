"""`huitou events`: what arrives, what could not be taken, and replaying it; and `huitou refresh`."""

from __future__ import annotations

import time
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from huitou.core.boot import booted

if TYPE_CHECKING:
    from huitou.sources.tailing import TailLine

app = typer.Typer(help="Events: what arrives, what could not be taken, and replaying it.")
_PATIENCE_SECONDS = 120.0
_FOLLOW_SECONDS = 1.0

SourceOption = Annotated[str, typer.Option("--source", help="Only this feed.")]
ReasonOption = Annotated[str, typer.Option("--reason", help="Only dead letters with this reason.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@app.command("tail")
@booted
def tail(
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on with what arrives, until Ctrl-C.")] = False,
    source: SourceOption = "",
    lines: Annotated[int, typer.Option("--lines", "-n", min=1, max=10_000, help="How many to begin with.")] = 20,
    as_json: JsonOption = False,
) -> None:
    """Show the latest events: taken in, still waiting, or refused. With --json, one object for each line."""
    from django.conf import settings
    from django.utils.translation import gettext as _

    from huitou.sources.feeds.services import FeedUnknownError
    from huitou.sources.tailing import Tail

    watched = Tail(settings.HOME, source=source)
    if source and not watched.is_known():
        raise FeedUnknownError(_("No feed called %(source)s has sent anything yet.") % {"source": source})
    latest = watched.latest(lines)
    if not latest and not as_json:
        typer.echo(_("Nothing has arrived yet."), err=True)
    for line in latest:
        _print_line(line, as_json)
    while follow:
        time.sleep(_FOLLOW_SECONDS)
        for line in watched.fresh():
            _print_line(line, as_json)


def _print_line(line: TailLine, as_json: bool) -> None:
    from django.utils.translation import gettext as _

    from huitou.core.terminal import print_json
    from huitou.sources.intake.refusals import reason_label

    if as_json:
        print_json(line.told())
        return
    what = f"{line.object_type}:{line.object_id}" if line.object_id else ""
    states = {"taken": _("taken in"), "waiting": _("waiting"), "refused": _("refused")}
    state = states[line.state] + (f" #{line.letter_id} {reason_label(line.reason)}" if line.letter_id else "")
    fields = (_shown_time(line.received_at), state, line.source, line.channel or "", line.name, what)
    who = f"#{line.person_id}" if line.person_id else ""
    typer.echo("\t".join((*fields, who)))


def _shown_time(at: datetime) -> str:
    """An instant in the brand's zone, which stands with it."""
    from huitou.accounts.models import Brand
    from huitou.accounts.queries import find_brand

    brand = find_brand() or Brand()
    return f"{at.astimezone(brand.tz):%Y-%m-%d %H:%M:%S} {brand.zone}"


@app.command("letters")
@booted
def letters(
    source: SourceOption = "",
    reason: ReasonOption = "",
    limit: Annotated[int, typer.Option("--limit", min=1, max=10_000, help="At most so many.")] = 50,
    as_json: JsonOption = False,
) -> None:
    """List the events that could not be taken, with the reason and how to mend it; what names somebody is hidden."""
    from django.utils.translation import gettext as _

    from huitou.core.terminal import print_json
    from huitou.sources.dead_letters import list_letters
    from huitou.sources.intake.refusals import reason_label, reason_remedy
    from huitou.sources.masking import shown_detail, shown_name

    found = list_letters(source=source, reason=reason)
    total = found.count()
    shown = list(found[:limit])
    if as_json:
        print_json({"total": total, "letters": [_told_letter(letter) for letter in shown]})
        return
    if not shown:
        typer.echo(_("There are no dead letters."))
        return
    for letter in shown:
        typer.echo(
            f"#{letter.pk}\t{_shown_time(letter.last_at)}\t{letter.source}\t{letter.kind} {shown_name(letter)}\t"
            f"{reason_label(letter.reason)} ({letter.reason}) {shown_detail(letter)}"
        )
    for code in sorted({letter.reason for letter in shown}):
        typer.echo(f"{code}: {reason_remedy(code)}")
    if total > len(shown):
        typer.echo(_("%(shown)d of %(total)d shown.") % {"shown": len(shown), "total": total})


def _told_letter(letter: Any) -> dict[str, Any]:
    from huitou.sources.masking import masked_payload, shown_detail, shown_name

    return {
        "id": letter.pk,
        "source": letter.source,
        "reason": letter.reason,
        "detail": shown_detail(letter),
        "kind": letter.kind,
        "name": shown_name(letter),
        "message_id": letter.message_id,
        "received_at": letter.received_at,
        "last_at": letter.last_at,
        "count": letter.count,
        "attempts": letter.attempts,
        "size": letter.size,
        "is_cut": letter.is_cut,
        "payload": masked_payload(bytes(letter.payload)),
    }


@app.command("replay")
@booted
def replay(
    ids: Annotated[list[int] | None, typer.Argument(help="Dead letters, by number.", show_default=False)] = None,
    reason: ReasonOption = "",
    source: SourceOption = "",
    everything: Annotated[bool, typer.Option("--all", help="All of them.")] = False,
    at_receipt: Annotated[
        bool, typer.Option("--at-receipt", help="Count them as having happened when they arrived.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Take dead letters in again, each once; those that fail again stay dead letters."""
    from django.utils.translation import gettext as _

    from huitou.core.clock import SystemClock
    from huitou.core.terminal import print_json
    from huitou.sources.dead_letters import LetterInvalidError, replay_letters

    if not (ids or reason or source or everything):
        raise LetterInvalidError(_("Say which: numbers, --reason, --source or --all."))
    done = replay_letters(clock=SystemClock(), ids=ids or (), reason=reason, source=source, at_receipt=at_receipt)
    if as_json:
        print_json({"replayed": done.count, "skipped": list(done.skipped)})
        return
    typer.echo(_("Dead letters taken in again: %(count)d.") % {"count": done.count})
    if done.skipped:
        numbers = ", ".join(map(str, done.skipped))
        typer.echo(_("Not open any more, or not as asked for: %(ids)s.") % {"ids": numbers})


@app.command("discard")
@booted
def discard(
    ids: Annotated[list[int] | None, typer.Argument(help="Dead letters, by number.", show_default=False)] = None,
    reason: ReasonOption = "",
    source: SourceOption = "",
    as_json: JsonOption = False,
) -> None:
    """Decide against dead letters: they are not taken in any more."""
    from django.utils.translation import gettext as _

    from huitou.core.clock import SystemClock
    from huitou.core.terminal import print_json
    from huitou.sources.dead_letters import discard_letters

    count = discard_letters(clock=SystemClock(), ids=ids or (), reason=reason, source=source)
    if as_json:
        print_json({"discarded": count})
        return
    typer.echo(_("Dead letters discarded: %(count)d.") % {"count": count})


@booted
def refresh(
    force: Annotated[bool, typer.Option("--force", help="Compute again even if nothing has changed.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
) -> None:
    """Take in the events that wait, then bring orders and customer features up to date with the facts."""
    from django.conf import settings
    from django.utils.translation import gettext as _

    from huitou.core.clock import SystemClock
    from huitou.orders.cli import refresh_and_tell
    from huitou.sources.consuming.consumer import drain

    waiting = drain(home=settings.HOME, clock=SystemClock(), patience_seconds=_PATIENCE_SECONDS)
    if waiting:
        typer.echo(_("%(count)d events still wait; they are taken in by the worker.") % {"count": waiting}, err=True)
    refresh_and_tell(force=force, as_json=as_json)
