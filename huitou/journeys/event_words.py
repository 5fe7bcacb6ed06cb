"""Events and their filters in a line, by the names of the tracking plan."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext as _

from huitou.analytics.conditions.leaf import spaced
from huitou.journeys.filters import Filter
from huitou.segments.builder.asking import operator_words
from huitou.sources.tracking.queries import current_plan


def event_title(name: str) -> str:
    """What the plan calls an event; one that is not planned is called by its name."""
    planned = current_plan().events.get(name)
    return planned.label if planned else name


def tell_event(name: str, where: Filter | None) -> str:
    """An event with its filter."""
    return tell_filter(event_title(name), where, name)


def tell_filter(what: str, where: Filter | None, event: str = "") -> str:
    """Something with a filter on what it told; `event` is the event whose properties those are."""
    planned = current_plan().events.get(event)
    labels = {} if planned is None else {p.name: p.label for p in planned.properties.values()}
    words = operator_words()
    told = [_entry(entry, labels, words) for entry in where or () if isinstance(entry, Mapping)]
    # In Chinese, numbers and Latin letters stand apart from the characters.
    return _("%(what)s (%(filter)s)") % {"what": what, "filter": spaced(_("; ").join(told))} if told else what


def _entry(entry: Mapping[str, Any], labels: Mapping[str, str], words: Mapping[str, str]) -> str:
    value = entry.get("value")
    if isinstance(value, bool):
        shown = _("Yes") if value else _("No")
    else:
        shown = ", ".join(map(str, value)) if isinstance(value, list) else str(value)
    name, operator = str(entry.get("property")), str(entry.get("is"))
    told = {"property": labels.get(name, name), "operator": words.get(operator, operator), "value": shown}
    if value is None:
        return _("%(property)s %(operator)s") % told
    return _("%(property)s %(operator)s %(value)s") % told
