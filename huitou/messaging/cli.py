"""`huitou messages`: what waits and went out, hand-off lists and their reports; and `huitou channels`."""

from __future__ import annotations

import csv
import json
import sys
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from huitou.core.boot import booted

app = typer.Typer(no_args_is_help=True, help="Messages to customers: what waits, went out and came back, and why.")
channels_app = typer.Typer(no_args_is_help=True, help="Accounts at providers through which messages go out.")
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]
_ROW = "{id:>8}  {state:<10} {channel:<14} #{customer:<8} {source:<16} {reason}"


@app.command("list")
@booted
def list_(
    group: Annotated[str, typer.Option(help="waiting, sent, unknown, failed or refused.")] = "",
    reason: Annotated[str, typer.Option(help="Only with this reason.")] = "",
    source: Annotated[str, typer.Option(help="Only those asked for by this source, such as launch:12.")] = "",
    limit: Annotated[int, typer.Option(help="At most so many.")] = 50,
    as_json: AsJson = False,
) -> None:
    """List messages, the newest first, with the reason of each."""
    from huitou.core.terminal import print_json
    from huitou.messaging.queries import GROUPS, count_groups, list_touches, touch_report

    if group and group not in GROUPS:
        raise typer.BadParameter(", ".join(GROUPS), param_hint="--group")
    rows = [touch_report(t) for t in list_touches(group=group, reason=reason, source=source)[:limit]]
    if as_json:
        print_json({"counts": count_groups(), "messages": rows})
        return
    for row in rows:
        typer.echo(_ROW.format(**{**row, "reason": row["reason_words"]}))
    typer.echo("  ".join(f"{name} {count}" for name, count in count_groups().items()))


@app.command("show")
@booted
def show(touch_id: Annotated[int, typer.Argument(help="Number of the message.")], as_json: AsJson = False) -> None:
    """Show one message with every decision about it and its numbers."""
    from huitou.console.formats import format_instant
    from huitou.core.terminal import print_json
    from huitou.customers.portrait import brand_zone
    from huitou.messaging.operating import get_touch
    from huitou.messaging.queries import decisions_of, touch_report

    touch = get_touch(touch_id)
    told = decisions_of([touch_id]).get(touch_id, [])
    if as_json:
        print_json({**touch_report(touch), "decisions": [vars(d) for d in told]})
        return
    zone = brand_zone()
    for name, value in touch_report(touch).items():
        shown = format_instant(value, zone) if isinstance(value, datetime) else value
        typer.echo(f"{name:<14} {shown if shown is not None else '-'}")
    for decision in told:
        at = format_instant(decision.at, zone)
        typer.echo(f"{at}  {decision.verdict:<5} {decision.reason}  {' · '.join(decision.numbers)}")


@app.command("coverage")
@booted
def coverage(
    source: Annotated[str, typer.Argument(help="Who asked for the messages, such as launch:12.")],
    as_json: AsJson = False,
) -> None:
    """Show how many of those wanted were reached, in time, and clicked; with the floors."""
    from django.utils.translation import gettext as _

    from huitou.analytics.reach import ACTIVATION_FLOOR, COVERAGE_FLOOR, TIMELINESS_FLOOR
    from huitou.core.terminal import print_json
    from huitou.messaging.coverage import coverage_of

    found = coverage_of(source)
    floors = {"coverage": COVERAGE_FLOOR, "timeliness": TIMELINESS_FLOOR, "activation": ACTIVATION_FLOOR}
    told = {**vars(found), **{name: {"rate": getattr(found, name), "floor": floor} for name, floor in floors.items()}}
    if as_json:
        print_json(told)
        return
    labels = {
        "coverage": _("Reach coverage"),
        "timeliness": _("Reach timeliness"),
        "activation": _("Activation conversion"),
    }
    typer.echo(
        _("Wanted: %(wanted)s, reached: %(reached)s, in time: %(in_time)s, clicked: %(activated)s.") % vars(found)
    )
    for name, floor in floors.items():
        typer.echo(
            _("%(name)s: %(rate)s (at least %(floor)s)")
            % {"name": labels[name], "rate": f"{getattr(found, name):.1%}", "floor": f"{floor:.0%}"}
        )


@app.command("run")
@booted
def run(
    once: Annotated[bool, typer.Option("--once", help="Stop when nothing is due.")] = False, as_json: AsJson = False
) -> None:
    """Judge and send what is due; with --once until nothing is, else until Ctrl-C."""
    from django.conf import settings

    from huitou.core.terminal import print_json
    from huitou.messaging.loop import MessageLoop, UrgentLoop, run_turn

    if not once:
        urgent = UrgentLoop()
        urgent.start()
        try:
            MessageLoop(home=settings.HOME).run()
        finally:
            urgent.stop()
        return
    sent = run_turn(home=settings.HOME)
    if as_json:
        print_json(vars(sent))
    else:
        typer.echo("  ".join(f"{name} {count}" for name, count in vars(sent).items()))


@app.command("send")
@booted
def send(
    customer: Annotated[int, typer.Argument(help="Number of the customer.")],
    text: Annotated[str, typer.Option(help="What it says.")],
    channel: Annotated[list[str], typer.Option(help="Channel, or channel/account; repeat in order of preference.")],
    link: Annotated[str, typer.Option(help="Where the short link leads.")] = "",
    purpose: Annotated[str, typer.Option(help="marketing or service.")] = "marketing",
    test: Annotated[bool, typer.Option("--test", help="Mark it as a test; it is governed all the same.")] = False,
    as_json: AsJson = False,
) -> None:
    """Plan one message to one customer; it is governed like every other."""
    from huitou.core.terminal import print_json
    from huitou.messaging.api import brand_clock
    from huitou.messaging.operating import send_by_hand
    from huitou.messaging.queries import touch_report
    from huitou.messaging.services import Content, Words

    touch = send_by_hand(
        customer_id=customer,
        channels=tuple(channel),
        content=Content({"zh": Words(text=text, link=link)}),
        purpose=purpose,
        is_test=test,
        clock=brand_clock(),
    )
    if as_json:
        print_json(touch_report(touch))
    else:
        typer.echo(touch.pk)


@app.command("decide")
@booted
def decide(
    touch_id: Annotated[int, typer.Argument(help="Number of the message.")],
    decision: Annotated[str, typer.Argument(help="sent, not_sent, or again.")],
) -> None:
    """Settle a message of which nobody knows whether it arrived."""
    from huitou.messaging.api import brand_clock
    from huitou.messaging.operating import decide_unknown

    decide_unknown(touch_id=touch_id, decision=decision, clock=brand_clock())


@app.command("lists")
@booted
def lists(as_json: AsJson = False) -> None:
    """List hand-off lists, and what is ready for the next one."""
    from huitou.core.terminal import print_json
    from huitou.messaging.queries import list_handoffs, ready_for_lists

    ready = [{"account": a.name, "source": source, "count": count} for a, source, count in ready_for_lists()]
    made = [
        {
            "id": row.pk,
            "account": row.account.name,
            "source": row.source,
            "count": row.touch_count,
            "report": row.report,
        }
        for row in list_handoffs()
    ]
    if as_json:
        print_json({"ready": ready, "lists": made})
        return
    for one in ready:
        typer.echo(f"ready\t{one['account']}\t{one['source']}\t{one['count']}")
    for row in made:
        typer.echo(f"{row['id']}\t{row['account']}\t{row['source']}\t{row['count']}")


@app.command("export")
@booted
def export(
    account: Annotated[str, typer.Argument(help="Name of the hand-off account.")],
    out: Annotated[Path, typer.Option(help="Where to write the list, .csv.")],
    source: Annotated[str, typer.Option(help="Of one source, such as launch:12; else of all.")] = "",
    as_json: AsJson = False,
) -> None:
    """Make a hand-off list of what is ready and write it with identifiers; the governor decides now."""
    from huitou.core.spreadsheets import safe_row
    from huitou.core.terminal import print_json
    from huitou.messaging.accounts import find_account
    from huitou.messaging.api import brand_clock
    from huitou.messaging.handoff import export_list, list_header, list_rows

    clock = brand_clock()
    made = export_list(account_id=find_account(account).pk, source=source, clock=clock)
    with out.open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(safe_row(list_header()))
        writer.writerows(safe_row(row) for row in list_rows(made.handoff.pk, clock=clock))
    told = {"list": made.handoff.pk, "judged": made.judged, "listed": made.listed, "path": str(out)}
    if as_json:
        print_json(told)
    else:
        typer.echo("  ".join(f"{name} {value}" for name, value in told.items()))


@app.command("report")
@booted
def report(
    list_id: Annotated[int, typer.Argument(help="Number of the hand-off list.")],
    path: Annotated[Path, typer.Argument(help="The other tool's report, .csv or .xlsx.")],
    as_json: AsJson = False,
) -> None:
    """Take in the send report of a hand-off list."""
    from huitou.core.terminal import print_json
    from huitou.messaging.api import brand_clock
    from huitou.messaging.handoff_report import import_report

    told = import_report(handoff_id=list_id, path=path, clock=brand_clock()).to_json()
    if as_json:
        print_json(told)
        return
    problems: Any = told.pop("problems")
    typer.echo("  ".join(f"{name} {value}" for name, value in told.items()))
    for problem in problems:
        typer.echo(f"{problem['row']}: {problem['reason']}")


@app.command("bounces")
@booted
def bounces(
    path: Annotated[Path, typer.Argument(help="One mail that came back, .eml; - for standard input.")],
    as_json: AsJson = False,
) -> None:
    """Take in a report of undeliverable mail; a mailbox given up for good is not written again."""
    from huitou.core.terminal import print_json
    from huitou.messaging.api import brand_clock
    from huitou.messaging.bounces import take_bounce

    raw = sys.stdin.buffer.read() if str(path) == "-" else path.read_bytes()
    told = vars(take_bounce(raw=raw, clock=brand_clock()))
    if as_json:
        print_json(told)
        return
    typer.echo("  ".join(f"{name} {value}" for name, value in told.items()))


@channels_app.command("list")
@booted
def list_channels(as_json: AsJson = False) -> None:
    """List channel accounts: whether each sends, and what its provider said."""
    from huitou.core.terminal import print_json
    from huitou.messaging.queries import list_accounts

    rows = [
        {
            "id": a.pk,
            "kind": a.kind,
            "name": a.name,
            "state": a.state,
            "error": f"{a.error_code} {a.error_detail}".strip(),
        }
        for a in list_accounts()
    ]
    if as_json:
        print_json({"accounts": rows})
        return
    if not rows:
        from django.utils.translation import gettext as _

        typer.echo(_("No channel is set up. Every brand can begin with: huitou channels add list_handoff NAME"))
    for row in rows:
        typer.echo(f"{row['kind']:<14} {row['name']:<20} {row['state']:<8} {row['error']}")


@channels_app.command("add")
@booted
def add_channel(
    kind: Annotated[str, typer.Argument(help="list_handoff, wecom, sms_aliyun, email, webhook or console_log.")],
    name: Annotated[str, typer.Argument(help="Name of the account.")],
    settings: Annotated[
        list[str] | None, typer.Option("--set", metavar="SETTING=VALUE", help="One setting; repeat. No secrets.")
    ] = None,
    secrets: Annotated[
        Path | None, typer.Option("--secrets", help="JSON file with the secrets, - for standard input.")
    ] = None,
) -> None:
    """Set up an account of a channel."""
    from huitou.core.clock import SystemClock
    from huitou.messaging.accounts import create_account

    given = dict(each.partition("=")[::2] for each in settings or ())
    if secrets is not None:
        given |= json.loads(sys.stdin.read() if str(secrets) == "-" else secrets.read_text(encoding="utf-8"))
    typer.echo(create_account(kind=kind, name=name, settings=given, clock=SystemClock()).pk)


@channels_app.command("test")
@booted
def test_channel(name: Annotated[str, typer.Argument(help="Name of the account.")]) -> None:
    """Ask the provider whether the account can send; nobody is contacted."""
    from huitou.core.clock import SystemClock
    from huitou.messaging.accounts import check_account, find_account

    found = check_account(account_id=find_account(name).pk, clock=SystemClock())
    typer.echo(str(found.message))
    raise typer.Exit(0 if found.ok else 1)


COMMANDS = {"messages": app, "channels": channels_app}
