"""Controls of what somebody did."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from django.utils.translation import gettext as _

from huitou.analytics.conditions.kinds.event import MOST_STEPS
from huitou.segments.builder.asking import Properties, comparison, filter_controls, subject, window
from huitou.segments.builder.controls import Choices, Control, Draw, Item, Section, names_section, section
from huitou.segments.builder.events import BEGUN
from huitou.segments.builder.fields import names_of

MOST_FILTERS = 10


def event_controls(name: str, fields: Mapping[str, str], events: Choices, properties: Properties) -> list[Item]:
    """Everything that can be asked of an event, the way in which it is counted first."""
    named = [name] if name else names_of(fields)
    offered = properties.offered(named)
    how = {
        "at_least": _("at least so many times"),
        "at_most": _("at most so many times"),
        "exactly": _("exactly so many times"),
        "range": _("between so many times"),
        "never": _("never"),
        "first_time": _("for the first time"),
        "regularly": _("regularly"),
        "stopped": _("no more, after so many times before"),
        "restarted": _("again, after so many days without"),
        "then": _("and then something else"),
        "value": _("with a sum or value of a property"),
    }
    asked = fields.get("how", "at_least")
    found: list[Item] = [] if name else [names_section(fields, "", _("Event"), events, typed=True)]
    found.append(Control("how", _("How often"), "select", choices=list(how.items()), redraws=True))
    found += _how(asked, fields, offered)
    if asked != "regularly":
        found += window(fields, begun=asked in BEGUN)
    found.append(filter_rows(fields, "", offered))
    if asked == "then":
        found.append(_steps(fields, events, properties))
    return found


def _how(asked: str, fields: Mapping[str, str], offered: Choices) -> list[Item]:
    times = Control("times", _("Number"), "number", value="1", after=_("times"))
    if asked == "range":
        low = Control("times", _("Lower limit"), "number", value="1")
        return [low, Control("most", _("Upper limit"), "number", after=_("times"))]
    if asked == "restarted":
        return [Control("times", _("Number"), "number", value="30", after=_("days"))]
    if asked == "regularly":
        units = [("day", _("days")), ("week", _("weeks")), ("month", _("months of 30 days"))]
        return [
            Control("times", _("In at least"), "number", value="3"),
            Control("most", _("of the last"), "number", value="4"),
            Control("unit", _("Unit"), "select", value="week", choices=units),
        ]
    if asked == "value":
        return _value(fields, offered)
    return [times] if asked in ("at_least", "at_most", "exactly", "stopped") else []


def _value(fields: Mapping[str, str], offered: Choices) -> list[Item]:
    takes = {
        "sum": _("the sum of"),
        "min": _("the smallest"),
        "max": _("the largest"),
        "first": _("the first"),
        "last": _("the last"),
        "distinct": _("the number of different"),
    }
    take = fields.get("take", "sum")
    own = {key.removeprefix("v"): value for key, value in fields.items() if key.startswith("v")}
    if take in ("first", "last"):
        drawn = filter_controls(own, offered)
    else:
        drawn = subject(own, offered, property_only=take != "distinct")
        drawn += comparison(own, "whole" if take == "distinct" else "number")
    menu = Control("take", _("What is taken"), "select", choices=list(takes.items()), redraws=True)
    return [menu, *(_renamed(item) for item in drawn)]


def _renamed(item: Item) -> Item:
    return replace(item, name=f"v{item.name}") if isinstance(item, Control) else item


def filter_rows(fields: Mapping[str, str], prefix: str, offered: Choices, *, told: bool = False) -> Section:
    """Filters that must all hold; with `told` on what an event told, and on nothing else of it."""
    label, add = _("Only if"), _("Add a filter")
    draw: Draw = lambda _place, own: filter_controls(own, offered, told=told)  # noqa: E731
    return section(fields, prefix, "f", draw, label, add, least=0, most=MOST_FILTERS)


def event_rows(fields: Mapping[str, str], events: Choices, properties: Properties) -> Section:
    """Events of which one will do, each with its filters."""

    def draw(place: str, own: Mapping[str, str]) -> list[Item]:
        offered = properties.offered([own.get("v", "")])
        name = Control("v", _("Event"), "text", suggested=events)
        return [name, filter_rows(own, place, offered, told=True)]

    return section(fields, "", "e", draw, _("Events"), _("Add an event"), least=0, most=20)


def _steps(fields: Mapping[str, str], events: Choices, properties: Properties) -> Section:
    units = [("", _("at any time after")), ("hours", _("within hours")), ("days", _("within days"))]

    def draw(place: str, own: Mapping[str, str]) -> list[Item]:
        found: list[Item] = [
            names_section(own, place, _("Event"), events, typed=True),
            Control("unit", _("How soon"), "select", choices=units, redraws=True),
        ]
        if own.get("unit"):
            found.append(Control("within", _("How long"), "number"))
        return [*found, filter_rows(own, place, properties.offered(names_of(own)))]

    return section(fields, "", "s", draw, _("Then"), _("Add a step"), least=1, most=MOST_STEPS)
