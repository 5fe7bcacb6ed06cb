"""Previews, rehearsals and launches in words and rows, in the reader's language."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, TextIO
from zoneinfo import ZoneInfo

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from huitou.console.formats import format_day, format_instant, format_value
from huitou.core.money import format_minor
from huitou.core.spreadsheets import safe_row
from huitou.customers.labels import customer_labels
from huitou.experiments.queries import find_experiment
from huitou.journeys.models import Launch
from huitou.journeys.play import in_language
from huitou.journeys.plays.numbers import Numbers
from huitou.journeys.plays.preview import Preview
from huitou.journeys.plays.replay import Replay
from huitou.journeys.staff_tasks import TASK_KINDS
from huitou.journeys.step import STEPS
from huitou.journeys.titles import launch_title
from huitou.messaging.channel import find_channel
from huitou.messaging.reasons import reason_words
from huitou.messaging.states import state_words

STAGES = {
    "reach": gettext_lazy("reach"),
    "activate": gettext_lazy("activate"),
    "retain": gettext_lazy("retain"),
    "convert": gettext_lazy("convert"),
}
STATES = {
    Launch.SCHEDULED: gettext_lazy("scheduled"),
    Launch.RUNNING: gettext_lazy("running"),
    Launch.PAUSED: gettext_lazy("paused"),
    Launch.STOPPED: gettext_lazy("stopped"),
    Launch.ENDED: gettext_lazy("ended"),
}
STATE_TONES = {Launch.RUNNING: "good", Launch.SCHEDULED: "info", Launch.PAUSED: "warn", Launch.STOPPED: "bad"}
ARMS = {
    "treatment": gettext_lazy("treated"),
    "control": gettext_lazy("control"),
    "holdout": gettext_lazy("global holdout"),
}
EXITS = {
    "goal": gettext_lazy("reached the goal"),
    "exit": gettext_lazy("left as the journey says"),
    "finished": gettext_lazy("went through to the end"),
    "stopped": gettext_lazy("the launch was stopped"),
    "erased": gettext_lazy("the customer was erased"),
    "joined": gettext_lazy("joined with another customer, whose way goes on"),
    "joined_to_control": gettext_lazy("joined with a customer of control, for whom nothing is done"),
}
VERDICTS = {
    "sent": gettext_lazy("would have been sent"),
    "refused": gettext_lazy("would have been refused"),
    "waiting": gettext_lazy("would still wait"),
    "given": gettext_lazy("task for staff"),
}


def step_words(launch: Launch, step: str) -> str:
    """A step of the launch's journey: its title, else what it does."""
    return told_step(launch.version.definition.get("steps", ()), step)


def told_step(steps: Sequence[Mapping[str, Any]], step: str) -> str:
    """The same of steps as a definition, or a rehearsal, has them."""
    found: Mapping[str, Any] = {told.get("id"): told for told in steps}.get(step, {})
    title = found.get("title")
    if isinstance(title, dict) and title.get("zh") and title.get("en"):
        return in_language(title)
    return str(STEPS[found["kind"]].label) if found.get("kind") in STEPS else step


def arm_words(code: str) -> str:
    """The arm in words."""
    return str(ARMS.get(code, code))


def exit_words(code: str) -> str:
    """Why a way ended; reasons of one's own stay as they are."""
    return str(EXITS.get(code, code))


def preview_words(found: Preview) -> Iterator[tuple[str, str]]:
    """Label and text, line by line."""
    yield _("Who comes in"), found.who
    yield _("When"), found.trigger
    if found.now_count is not None:
        yield _("Come in at once"), f"{found.now_count:,}"
    if found.per_week is not None:
        yield _("A week, by the past month"), f"{found.per_week:,.{0 if found.per_week >= 10 else 1}f}"
    yield (
        _("Expected in %(days)s days") % {"days": found.enroll_days},
        _("%(all)s, of whom treated %(treated)s, control %(control)s, global holdout %(held)s")
        % {
            "all": f"{found.expected:,}",
            "treated": f"{found.treated:,}",
            "control": f"{found.control:,}",
            "held": f"{found.held:,}",
        },
    )
    for step in found.steps:
        yield (
            _("Message: %(title)s") % {"title": step.title},
            _("%(allowed)s of %(asked)s could be sent now")
            % {"allowed": f"{step.allowed:,}", "asked": f"{step.asked:,}"}
            + "".join(
                _("; not %(count)s: %(reason)s") % {"reason": reason_words(reason), "count": f"{count:,}"}
                for reason, count in step.refused.items()
            ),
        )
    yield _("Cost of those"), format_minor(found.cost_minor, found.currency)
    yield _("Control share"), share_words(found.control_bp)
    yield _("Suggested"), f"{share_words(found.suggested_bp)} – {found.suggestion}"
    if found.base_rate is not None:
        yield (
            _("Bought within %(days)s days without it") % {"days": found.window_days},
            format_value(found.base_rate, "rate"),
        )
    yield _("Smallest effect that could be seen"), detectable_words(found.detectable)
    yield _("Result on"), found.result_on.isoformat()


def share_words(share_bp: int) -> str:
    """A share in basis points as 12.5%."""
    return f"{share_bp / 100:g}%"


def detectable_words(effect: float | None) -> str:
    """An effect in percentage points, or that none could be seen."""
    if effect is None:
        return _("none: too few customers")
    return _("%(points)s percentage points") % {"points": f"{effect * 100:.1f}"}


def launch_words(launch: Launch, zone: ZoneInfo) -> Iterator[str]:
    """What a launch is, in lines."""
    yield _("Launch %(number)s: %(title)s, %(state)s.") % {
        "number": launch.pk,
        "title": launch_title(launch),
        "state": STATES[launch.state],
    }
    experiment = find_experiment(launch.experiment)
    values = {
        "start": format_day(launch.starts_at, zone),
        "end": format_day(launch.ends_at, zone),
        "control": share_words(launch.control_bp),
        "result": format_day(experiment.ends_at, zone) if experiment else "–",
    }
    yield _("Customers come in from %(start)s to %(end)s; control: %(control)s.") % values
    yield _("The result is read on %(result)s, and not before.") % values


def number_words(found: Numbers) -> Iterator[tuple[str, str]]:
    """The live numbers, line by line."""
    yield _("Entered"), f"{found.entered:,}"
    for arm, count in found.arms.items():
        yield arm_words(arm), f"{count:,}"
    yield _("Messages asked for"), f"{found.asked:,}"
    yield _("Sent"), f"{found.sent:,}"
    for state, count in found.lost.items():
        yield state_words(state), f"{count:,}"
    for reason, count in found.refused.items():
        yield _("Refused: %(reason)s") % {"reason": reason_words(reason)}, f"{count:,}"
    for reason, count in found.waiting.items():
        yield _("Waiting: %(reason)s") % {"reason": reason_words(reason) if reason else _("not due yet")}, f"{count:,}"
    yield _("Delivered"), f"{found.delivered:,}"
    yield _("Clicked"), f"{found.clicked:,}"
    yield _("Reached the goal on the way, all arms"), f"{found.at_goal:,}"


def replay_words(found: Replay, zone: ZoneInfo) -> Iterator[tuple[str, str]]:
    """A rehearsal in lines."""
    values = {"start": format_day(found.since, zone), "end": format_day(found.until, zone)}
    yield found.title, _("as if launched on %(start)s, until %(end)s") % values
    if found.control_bp is not None:
        text = _("%(share)s, as suggested: %(why)s") if found.suggestion else "%(share)s"
        yield _("Control share"), text % {"share": share_words(found.control_bp), "why": found.suggestion}
    yield _("Would have come in"), f"{found.entered:,}"
    for arm, count in found.arms.items():
        yield arm_words(arm), f"{count:,}"
    yield _("Messages asked for"), f"{found.asked:,}"
    yield _("Would have been sent"), f"{found.sent:,}"
    for reason, count in found.refused.items():
        yield _("Refused: %(reason)s") % {"reason": reason_words(reason)}, f"{count:,}"
    yield _("Tasks for staff"), f"{found.tasks:,}"
    for reason, count in found.exits.items():
        yield exit_words(reason), f"{count:,}"


def replay_header() -> list[str]:
    """Names of the columns of `replay_lines`."""
    return [
        _("Internal number"), _("Customer"), _("Came in"), _("Arm"), _("At"), _("Step"), _("What"), _("Reason"),
        _("Channel"), _("Left"), _("Why it left"),
    ]  # fmt: skip


def replay_lines(found: Replay, zone: ZoneInfo, limit: int | None = None) -> Iterator[list[str]]:
    """One line for each thing that would have happened, names masked; one for who got nothing."""
    rows = found.rows if limit is None else found.rows[:limit]
    labels = customer_labels([row["customer"] for row in rows])
    for row in rows:
        start = [
            str(row["customer"]),
            labels.get(row["customer"], f"#{row['customer']}"),
            _instant(row["entered_at"], zone),
            arm_words(row["arm"]),
        ]
        end = [_instant(row["exited_at"], zone), exit_words(row["exit"])]
        if not row["happened"]:
            yield [*start, "", "", "", "", "", *end]
        for each in row["happened"]:
            yield [*start, *_happened(found, each, zone), *end]


def _happened(found: Replay, each: Mapping[str, Any], zone: ZoneInfo) -> list[str]:
    """When, by which step, what became of it, why and over which channel."""
    is_touch = each["what"] == "touch"
    channel = find_channel(each["channel"])
    return [
        _instant(each["at"], zone),
        told_step(found.steps, each["step"]),
        str(VERDICTS[each["verdict"]]),
        reason_words(each["reason"]) if is_touch else str(dict(TASK_KINDS).get(each["reason"], each["reason"])),
        str(channel.label) if channel else each["channel"],
    ]


def write_rows(found: Replay, file: TextIO, zone: ZoneInfo) -> None:
    """Every line as CSV."""
    writer = csv.writer(file)
    writer.writerow(safe_row(replay_header()))
    writer.writerows(safe_row(line) for line in replay_lines(found, zone))


def _instant(told: str, zone: ZoneInfo) -> str:
    return format_instant(datetime.fromisoformat(told), zone) if told else ""
