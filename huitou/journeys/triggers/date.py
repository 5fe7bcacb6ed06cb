"""date: an anniversary of the customer, such as the birthday, some days before or after it, at a time of day."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from huitou.customers.milestone_kinds import MILESTONE_KINDS
from huitou.journeys.calendar import at_time
from huitou.journeys.occasions import customers_with_anniversary
from huitou.journeys.setting import Setting, read_time
from huitou.journeys.trigger import Candidate, Trigger, Window

AT = "10:00"
KINDS = tuple((kind.kind, kind.label) for kind in MILESTONE_KINDS.values() if kind.form == "date")


def days_between(after: datetime, upto: datetime, at: str, zone: ZoneInfo) -> Iterator[tuple[date, datetime]]:
    """Calendar days whose moment at that time lies after `after` and not after `upto`, with the moment."""
    day = after.astimezone(zone).date()
    last = upto.astimezone(zone).date()
    while day <= last:
        moment = at_time(day, read_time(at), zone)
        if after < moment <= upto:
            yield day, moment
        day += timedelta(days=1)


def _find(settings: Mapping[str, Any], window: Window) -> Iterator[Sequence[Candidate]]:
    kind, before = settings["date"], settings.get("days_before") or 0
    for day, moment in days_between(window.after, window.upto, settings.get("at") or AT, window.zone):
        celebrated = day + timedelta(days=before)
        found = customers_with_anniversary(kind, celebrated)
        key = f"date:{kind}:{celebrated.isoformat()}"
        yield [
            Candidate(person, moment, f"{key}:{person}", {"date": celebrated.isoformat(), "occasion": kind})
            for person in found
        ]


def _tell(settings: Mapping[str, Any]) -> str:
    kind = MILESTONE_KINDS.get(str(settings.get("date")))
    before = settings.get("days_before") or 0
    values = {"date": str(kind.label) if kind else "?", "days": before, "at": settings.get("at") or AT}
    if not before:
        return gettext("%(date)s, %(at)s") % values
    return ngettext("%(days)s day before %(date)s, %(at)s", "%(days)s days before %(date)s, %(at)s", before) % values


TRIGGER = Trigger(
    kind="date",
    label=_("A customer's day"),
    help=_("Lets in whose day it is. Who was born on 29 February has it on the 28th in other years."),
    icon="calendar",
    settings=(
        Setting("date", "choice", _("Day"), required=True, default="birthday", choices=KINDS),
        Setting("days_before", "whole", _("Days before"), _("0: on the day itself."), default=0, least=0, most=60),
        Setting("at", "time", _("Time of day"), _("In the brand's zone; empty: 10:00."), default=AT),
    ),
    tell=_tell,
    find=_find,
)
