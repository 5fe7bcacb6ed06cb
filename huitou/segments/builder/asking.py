"""Controls that several questions share: comparisons, windows, properties of events."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from django.utils.translation import get_language
from django.utils.translation import gettext as _

from huitou.analytics.conditions.comparing import OPERATORS, WITHOUT_VALUE
from huitou.segments.builder.comparisons import FLAGS, LISTS, PAIRS
from huitou.segments.builder.controls import Choices, Control, Item, names_section
from huitou.sources.tracking.plan import Plan, PlannedProperty

_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")


@dataclass(frozen=True)
class Properties:
    """Properties of planned events with their words, for menus."""

    by_event: Mapping[str, Choices] = field(default_factory=dict)
    everywhere: Choices = field(default_factory=list)

    @classmethod
    def of(cls, plan: Plan) -> Properties:
        """Those of a tracking plan."""
        zh = (get_language() or "zh").startswith("zh")

        def words(declared: Mapping[str, PlannedProperty]) -> Choices:
            return [
                (p.name, (p.zh if zh else p.en) or p.name) for p in declared.values() if not p.personal and not p.items
            ]

        by_event = {event.name: words(event.properties) for event in plan.events.values()}
        return cls(by_event, words(plan.everywhere))

    def offered(self, events: Sequence[str]) -> Choices:
        """What events of these names say; of none or unknown ones, what any event says."""
        known = [name for name in events if name in self.by_event] or list(self.by_event)
        found = dict(pair for name in known for pair in self.by_event[name])
        return [*found.items(), *((name, word) for name, word in self.everywhere if name not in found)]


def operator_words() -> dict[str, str]:
    """Comparisons by code."""
    return {
        "=": _("is"),
        "!=": _("is not"),
        "<": _("less than"),
        "<=": _("at most"),
        ">": _("more than"),
        ">=": _("at least"),
        "between": _("between"),
        "in": _("one of"),
        "not_in": _("none of"),
        "contains": _("contains"),
        "starts_with": _("begins with"),
        "empty": _("has no value"),
        "not_empty": _("has a value"),
        "since": _("on or after"),
        "before": _("before"),
        "in_last_days": _("in the last days"),
        "not_in_last_days": _("more than days ago"),
        "in_next_days": _("in the next days"),
        "between_days_ago": _("between days ago"),
        "in_days": _("in exactly days"),
        "this_month": _("this month"),
    }


def comparison(
    fields: Mapping[str, str], family: str, *, prefix: str = "", after: str = "", known: Choices | None = None
) -> list[Item]:
    """An operator of the family and the values that it takes.

    `prefix` is where rows of values stand; names of controls are without it.
    """
    words, codes = operator_words(), OPERATORS[family]
    operator = fields.get("is", codes[0])
    operator = operator if operator in codes else codes[0]
    menu = Control("is", _("Comparison"), "select", choices=[(code, words[code]) for code in codes], redraws=True)
    if operator in WITHOUT_VALUE:
        return [menu]
    if family == "flag":
        return [menu, Control("value", _("Value"), "select", choices=[("yes", _("Yes")), ("no", _("No"))])]
    if family == "text" and known and operator in ("=", "!="):
        return [menu, Control("value", _("Value"), "select", choices=known, open=True)]
    if family == "text" and known and operator in LISTS:
        return [menu, names_section(fields, prefix, _("Value"), known)]
    if family == "text":
        return [menu, *values(operator, "text", _("separated by commas") if operator in LISTS else "")]
    if operator in ("since", "before"):
        value = fields.get("value", "")
        return [menu, *values(operator, "date" if not value or _DAY.fullmatch(value) else "text")]
    return [menu, *values(operator, "number", _("days") if family == "instant" else after)]


def values(operator: str, form: str, after: str = "") -> list[Item]:
    """One value, or two of which the second is not below the first."""
    if operator not in PAIRS:
        return [Control("value", _("Value"), form, after=after)]
    return [Control("value", _("Lower limit"), form), Control("upper", _("Upper limit"), form, after=after)]


def window(fields: Mapping[str, str], *, begun: bool = False) -> list[Item]:
    """Which stretch of time; with `begun` one that has a beginning."""
    forms = [
        ("", _("at any time")),
        ("last", _("in the last days")),
        ("ago", _("between days ago")),
        ("dates", _("between two dates")),
    ]
    menu = Control("win", _("When"), "select", choices=forms[1:] if begun else forms, redraws=True)
    form = fields.get("win", "") or ("last" if begun else "")
    if form == "last":
        return [menu, Control("days", _("In the last"), "number", after=_("days"))]
    if form == "ago":
        far = Control("far", _("From so many days ago"), "number")
        return [menu, far, Control("near", _("to"), "number", after=_("days ago"))]
    if form == "dates":
        return [menu, Control("from", _("From"), "date"), Control("to", _("To"), "date", after=_("both included"))]
    return [menu]


def subject(fields: Mapping[str, str], offered: Choices, *, property_only: bool = False) -> list[Item]:
    """A property of an event by a menu, or typed where the plan does not have it; or what every event has."""
    own = [
        ("f:channel", _("Channel")),
        ("f:object_type", _("Kind of object")),
        ("f:object_id", _("Object")),
        ("f:source", _("Feed")),
    ]
    planned = [(f"p:{name}", word) for name, word in offered]
    groups = [(_("Properties"), [*planned, ("p:", _("Another property"))])]
    groups += [] if property_only else [(_("Of every event"), own)]
    told = fields.get("of", "")
    if told.startswith("p:") and told != "p:" and told not in dict(planned):
        groups[0][1].append((told, told[2:]))
    menu = Control("of", _("Property"), "select", groups=groups, redraws=True)
    return [menu, Control("name", _("Name of the property"), "text")] if fields.get("of") == "p:" else [menu]


def filter_controls(fields: Mapping[str, str], offered: Choices, *, told: bool = False) -> list[Item]:
    """One filter: a property or field, and as what it is compared with what; with `told` properties only."""
    words = operator_words()
    texts = [(f"text {code}", words[code]) for code in OPERATORS["text"] if code not in WITHOUT_VALUE]
    numbers = [(f"number {code}", words[code]) for code in OPERATORS["number"] if code not in WITHOUT_VALUE]
    # Journeys judge what an event told by a language of their own, which is smaller.
    numbers = [(code, word) for code, word in numbers if not (told and code == "number between")]
    empties = [(code, words[code]) for code in WITHOUT_VALUE]
    groups = [(_("As text"), texts), (_("As a number"), numbers)]
    groups += [(_("Yes or no"), [("yes", _("is yes")), ("no", _("is no"))]), (_("There or not"), empties)]
    if fields.get("of", "").startswith("f:"):
        groups = [groups[0], groups[3]]
    menu = Control("is", _("Comparison"), "select", groups=groups, redraws=True)
    found = [*subject(fields, offered, property_only=told), menu]
    asked = fields.get("is", "")
    asked = asked if asked in menu.codes else texts[0][0]
    if asked in (*FLAGS, *WITHOUT_VALUE):
        return found
    family, _gap, operator = asked.partition(" ")
    form, after = (
        ("number", "") if family == "number" else ("text", _("separated by commas") if operator in LISTS else "")
    )
    return [*found, *values(operator, form, after)]
