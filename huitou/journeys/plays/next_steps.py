"""What an operator should do next about a launch."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from huitou.console.formats import format_day
from huitou.journeys.definition import parse_definition
from huitou.journeys.models import Launch
from huitou.journeys.plays.numbers import Numbers
from huitou.messaging.models import UNKNOWN, HandoffList
from huitou.messaging.queries import ready_for_lists


@dataclass(frozen=True)
class NextStep:
    """One thing to do, and where; without an address there is nothing but to wait."""

    text: str
    url: str = ""
    label: str = ""


def next_steps(
    launch: Launch, numbers: Numbers, *, result_on: datetime | None, is_final: bool, zone: ZoneInfo
) -> list[NextStep]:
    """What there is to do, the most urgent first; never empty."""
    found = list(_to_do(launch, numbers))
    if is_final:
        found.append(NextStep(_("The result is in. Read it below, then launch again, change the play, or let it be.")))
    elif not found:
        found.append(_waiting(launch, numbers, result_on, zone))
    return found


def _to_do(launch: Launch, numbers: Numbers) -> Iterator[NextStep]:
    source, messages = f"launch:{launch.pk}", reverse("messages")
    lists = f"{messages}#lists"
    if launch.trouble and launch.state in (Launch.RUNNING, Launch.PAUSED):
        text = _("It stands still: %(why)s Mend that; it then goes on by itself.")
        yield NextStep(text % {"why": launch.trouble})
    if launch.state == Launch.PAUSED:
        yield NextStep(_("It is paused: nobody comes in and nothing is sent until you resume it."))
    if "no_account" in {**numbers.waiting, **numbers.refused}:
        yield NextStep(
            _("Messages cannot go out, as no account of their channel is set up."),
            reverse("settings_channels"),
            _("Set up a channel"),
        )
    for account, _source, count in ready_for_lists():
        if _source == source:
            text = ngettext(
                "%(count)s customer waits in “%(account)s”: make the list, contact them, and bring the report back.",
                "%(count)s customers wait in “%(account)s”: make the list, contact them, and bring the report back.",
                count,
            )
            yield NextStep(text % {"count": count, "account": account.name}, lists, _("Make the list"))
    for made in HandoffList.objects.filter(source=source, reported_at=None).order_by("pk"):
        text = _("List %(number)s is out: import the report of your tool once everybody was contacted.")
        yield NextStep(text % {"number": made.pk}, lists, _("Import the report"))
    if unknown := numbers.touches.get(UNKNOWN, 0):
        text = ngettext(
            "Of %(count)s message nobody knows whether it arrived: decide.",
            "Of %(count)s messages nobody knows whether they arrived: decide.",
            unknown,
        )
        yield NextStep(text % {"count": unknown}, f"{messages}?group=unknown", _("Decide"))
    if numbers.tasks_open:
        text = ngettext("%(count)s task waits for staff.", "%(count)s tasks wait for staff.", numbers.tasks_open)
        yield NextStep(text % {"count": numbers.tasks_open}, reverse("tasks"), _("Open the inbox"))


def _waiting(launch: Launch, numbers: Numbers, result_on: datetime | None, zone: ZoneInfo) -> NextStep:
    if launch.state in (Launch.SCHEDULED, Launch.RUNNING) and not numbers.entered:
        definition = parse_definition(launch.version.definition)
        text = _("Nobody has come in yet. Customers come in: %(when)s; until then every number is 0.")
        return NextStep(text % {"when": definition.trigger_kind.tell(definition.trigger)})
    if result_on is None:
        return NextStep(_("Nothing to do."))
    return NextStep(_("Nothing to do. The result is read on %(day)s.") % {"day": format_day(result_on, zone)})
