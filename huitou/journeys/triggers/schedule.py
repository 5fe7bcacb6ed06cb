"""schedule: once or again and again, whoever is in the audience at that moment."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from typing import Any

from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from huitou.journeys.calendar import day_in_month
from huitou.journeys.occasions import all_customers
from huitou.journeys.setting import Setting
from huitou.journeys.steps.wait import DAYS
from huitou.journeys.trigger import Candidate, Trigger, Window
from huitou.journeys.triggers.date import AT, days_between

ONCE, DAILY, WEEKLY, MONTHLY = "once", "daily", "weekly", "monthly"


def _falls_on(settings: Mapping[str, Any], day: date) -> bool:
    repeat = settings["repeat"]
    if repeat == ONCE:
        return day.isoformat() == str(settings["on"])
    if repeat == WEEKLY:
        return day.isoweekday() == int(settings["weekday"])
    if repeat == MONTHLY:
        return bool(day.day == day_in_month(day, settings["day"]))
    return True


def _find(settings: Mapping[str, Any], window: Window) -> Iterator[Sequence[Candidate]]:
    for day, moment in days_between(window.after, window.upto, settings.get("at") or AT, window.zone):
        if _falls_on(settings, day):
            for persons in all_customers():
                yield [
                    Candidate(p, moment, f"schedule:{day.isoformat()}:{p}", {"date": day.isoformat()}) for p in persons
                ]


def _tell(settings: Mapping[str, Any]) -> str:
    at, repeat = settings.get("at") or AT, settings.get("repeat")
    if repeat == ONCE:
        return f"{settings.get('on') or '?'} {at}"
    if repeat == WEEKLY:
        return gettext("every %(day)s, %(at)s") % {
            "day": str(dict(DAYS).get(str(settings.get("weekday")), "?")),
            "at": at,
        }
    if repeat == MONTHLY:
        return gettext("on day %(day)s of each month, %(at)s") % {"day": settings.get("day") or "?", "at": at}
    return gettext("every day, %(at)s") % {"at": at}


TRIGGER = Trigger(
    kind="schedule",
    label=_("A day of the calendar"),
    help=_("Lets in everybody in the audience at that moment."),
    icon="calendar",
    settings=(
        Setting(
            "repeat",
            "choice",
            _("How often"),
            required=True,
            default=ONCE,
            choices=(
                (ONCE, _("once")),
                (DAILY, _("every day")),
                (WEEKLY, _("every week")),
                (MONTHLY, _("every month")),
            ),
        ),
        Setting("on", "date", _("Date"), required=True, when=("repeat", (ONCE,))),
        Setting("weekday", "choice", _("Weekday"), required=True, choices=DAYS, when=("repeat", (WEEKLY,))),
        Setting(
            "day",
            "whole",
            _("Day of the month"),
            _("A shorter month's last day."),
            required=True,
            least=1,
            most=31,
            when=("repeat", (MONTHLY,)),
        ),
        Setting("at", "time", _("Time of day"), _("In the brand's zone; empty: 10:00."), default=AT),
    ),
    tell=_tell,
    find=_find,
)
