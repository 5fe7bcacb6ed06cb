"""wait: for a length of time, until a time or day, or until an event with a limit."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from huitou.journeys.calendar import next_moment
from huitou.journeys.event_words import tell_event
from huitou.journeys.problems import Problem
from huitou.journeys.setting import Setting, read_duration, read_time
from huitou.journeys.step import NEXT, Arrival, Go, Outcome, Outlet, Stay, Step, StepContext

FOR, UNTIL, EVENT = "for", "until", "event"
TIMEOUT = "timeout"
DAYS = (
    ("1", _("Monday")),
    ("2", _("Tuesday")),
    ("3", _("Wednesday")),
    ("4", _("Thursday")),
    ("5", _("Friday")),
    ("6", _("Saturday")),
    ("7", _("Sunday")),
)


def _run(context: StepContext, arrivals: Sequence[Arrival]) -> Sequence[Outcome]:
    settings = context.settings
    mode = settings["mode"]
    if mode == EVENT:
        length, event = read_duration(settings["at_most"]), settings["event"]
        return [_after_event(a) if a.due else Stay(a.at + length, event) for a in arrivals]
    if mode == FOR:
        length = read_duration(settings["duration"])
        at = read_time(settings["at"]) if settings.get("at") else None
        if at is None:
            return [Go(NEXT, "waited") if a.due else Stay(a.at + length) for a in arrivals]
        return [
            Go(NEXT, "waited") if a.due else Stay(next_moment(a.at + length, context.zone, at=at)) for a in arrivals
        ]
    at = read_time(settings.get("at") or "00:00")
    days: dict[str, Any] = {
        "weekday": int(settings["weekday"]) if settings.get("weekday") else None,
        "day": settings.get("day"),
        "date": settings.get("date"),
    }
    return [Go(NEXT, "waited") if a.due else Stay(next_moment(a.at, context.zone, at=at, **days)) for a in arrivals]


def _after_event(arrival: Arrival) -> Go:
    return Go(NEXT, "event") if arrival.outcome == "event" else Go(TIMEOUT, TIMEOUT)


def _outlets(settings: Mapping[str, Any]) -> list[Outlet]:
    if settings.get("mode") != EVENT:
        return [Outlet(NEXT, settings.get(NEXT))]
    return [
        Outlet(NEXT, settings.get(NEXT), _("it came")),
        Outlet(TIMEOUT, settings.get(TIMEOUT), _("it did not come in time")),
    ]


def _check(settings: Mapping[str, Any], path: str) -> Iterator[Problem]:
    if settings.get("mode") == UNTIL and sum(bool(settings.get(n)) for n in ("weekday", "day", "date")) > 1:
        yield Problem(path, "several_days", _("Give a weekday, a day of the month or a date, not several of them."))


def _tell(settings: Mapping[str, Any]) -> str:
    mode = settings.get("mode")
    if mode == EVENT:
        event = tell_event(settings.get("event") or "?", settings.get("where"))
        return gettext("until %(event)s, at most %(time)s") % {
            "event": event,
            "time": tell_duration(settings.get("at_most")),
        }
    if mode == UNTIL:
        day = settings.get("date") or dict(DAYS).get(str(settings.get("weekday") or ""), "")
        if settings.get("day"):
            day = gettext("day %(day)s of the month") % {"day": settings["day"]}
        return gettext("until %(day)s %(time)s") % {"day": str(day), "time": settings.get("at") or "00:00"}
    told = tell_duration(settings.get("duration"))
    return gettext("%(time)s, then %(at)s") % {"time": told, "at": settings["at"]} if settings.get("at") else told


def tell_duration(value: object) -> str:
    """A length of time in words: 5 days."""
    try:
        length = read_duration(str(value))
    except ValueError:
        return "?"
    minutes = int(length.total_seconds()) // 60
    if minutes % 1440 == 0:
        return ngettext("%(count)s day", "%(count)s days", minutes // 1440) % {"count": minutes // 1440}
    if minutes % 60 == 0:
        return ngettext("%(count)s hour", "%(count)s hours", minutes // 60) % {"count": minutes // 60}
    return ngettext("%(count)s minute", "%(count)s minutes", minutes) % {"count": minutes}


STEP = Step(
    kind="wait",
    label=_("Wait"),
    help=_("For a length of time, until a time or day, or until the customer does something."),
    icon="clock",
    settings=(
        Setting(
            "mode",
            "choice",
            _("Wait"),
            required=True,
            default=FOR,
            choices=((FOR, _("for a length of time")), (UNTIL, _("until a time or day")), (EVENT, _("until an event"))),
        ),
        Setting("duration", "duration", _("How long"), required=True, when=("mode", (FOR,))),
        Setting("at", "time", _("Then at"), "10:00", when=("mode", (FOR, UNTIL))),
        Setting("weekday", "choice", _("Weekday"), choices=DAYS, when=("mode", (UNTIL,))),
        Setting(
            "day",
            "whole",
            _("Day of the month"),
            _("A shorter month's last day."),
            least=1,
            most=31,
            when=("mode", (UNTIL,)),
        ),
        Setting("date", "date", _("Date"), when=("mode", (UNTIL,))),
        Setting("event", "event", _("Event"), required=True, when=("mode", (EVENT,))),
        Setting("where", "filter", _("Only if"), when=("mode", (EVENT,))),
        Setting("at_most", "duration", _("At most"), required=True, when=("mode", (EVENT,))),
    ),
    run=_run,
    outlets=_outlets,
    tell=_tell,
    check=_check,
    # A date that is over holds nobody back.
    waits=lambda settings: not settings.get("date"),
    events=lambda settings: (settings["event"],) if settings.get("mode") == EVENT and settings.get("event") else (),
)
