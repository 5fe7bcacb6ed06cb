"""Declared events and properties: what a brand begins with, and what it declares itself over it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cache, cached_property
from importlib.resources import files
from typing import Any

import yaml
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

TYPES = {
    "code": _("code"),
    "text": _("text"),
    "integer": _("whole number"),
    "number": _("number"),
    "boolean": _("yes or no"),
    "time": _("time"),
    "list": _("list"),
    "object": _("object"),
}


@dataclass(frozen=True)
class PlannedProperty:
    """One property of one event. `since` is the version of the brand's plan that declared it, 0 for a shipped one;
    `values` the words it may take, empty for any; `items` what stands in a list of objects, by name."""

    name: str
    type: str
    required: bool = False
    personal: bool = False
    values: tuple[str, ...] = ()
    zh: str = ""
    en: str = ""
    since: int = 0
    items: Mapping[str, PlannedProperty] = field(default_factory=dict)

    @property
    def label(self) -> str:
        return _label(self.zh, self.en, self.name)


@dataclass(frozen=True)
class PlannedEvent:
    """One event with its properties by name. `own` ones were declared or changed by the brand."""

    name: str
    zh: str = ""
    en: str = ""
    since: int = 0
    own: bool = False
    properties: Mapping[str, PlannedProperty] = field(default_factory=dict)

    @property
    def label(self) -> str:
        return _label(self.zh, self.en, self.name)


@dataclass(frozen=True)
class Plan:
    """Everything that is planned. `version` counts the brand's changes; 0 is the plan as shipped."""

    version: int
    events: Mapping[str, PlannedEvent]
    everywhere: Mapping[str, PlannedProperty]

    @cached_property
    def codes(self) -> frozenset[str]:
        """Names of properties whose values may stand in the lake whatever they look like."""
        return frozenset(p.name for p in self._all() if not p.personal and p.type in ("code", "text")) - self.personal

    @cached_property
    def personal(self) -> frozenset[str]:
        """Names of properties that name somebody or are free text, in any event."""
        return frozenset(p.name for p in self._all() if p.personal)

    def _all(self) -> Iterable[PlannedProperty]:
        yield from self.everywhere.values()
        for event in self.events.values():
            for declared in event.properties.values():
                yield declared
                yield from declared.items.values()


def _label(zh: str, en: str, name: str) -> str:
    chosen = zh if (get_language() or "").startswith("zh") else en
    return chosen or zh or en or name


@cache
def shipped_plan() -> Plan:
    """The plan of plan.yaml."""
    read = yaml.safe_load(files("huitou.sources.tracking").joinpath("plan.yaml").read_text(encoding="utf-8"))
    shared: Mapping[str, Mapping[str, Any]] = read["properties"]
    groups: Mapping[str, list[str]] = read["groups"]

    def declared(name: str, *, required: bool = False) -> PlannedProperty:
        given = dict(shared[name])
        items = {n: declared(n) for n in groups[given.pop("items")]} if "items" in given else {}
        return PlannedProperty(name=name, required=required, items=items, **given)

    def expanded(names: Iterable[str]) -> Iterable[str]:
        for name in names:
            yield from groups[name[1:]] if name.startswith("$") else (name,)

    events = {}
    for name, event in read["events"].items():
        properties = {n: declared(n) for n in expanded(event.get("optional", ()))}
        properties |= {n: declared(n, required=True) for n in event.get("required", ())}
        events[name] = PlannedEvent(name, event["zh"], event["en"], properties=properties)
    return Plan(0, events, {name: declared(name) for name in read["everywhere"]})


def overlay(base: Plan, version: int, own: Mapping[str, Any]) -> Plan:
    """The plan with what a brand declared: `own` maps event names to declarations as `declared_event` reads them.

    An event that the base has too gets the brand's labels, and its properties join or replace the base's.
    """
    events = dict(base.events)
    for name, given in own.items():
        mine = event_from_json(name, given)
        before = events.get(name)
        if before is not None:
            mine = replace(
                mine,
                zh=mine.zh or before.zh,
                en=mine.en or before.en,
                since=before.since,
                properties={**before.properties, **mine.properties},
            )
        events[name] = mine
    return Plan(version, events, base.everywhere)


def event_from_json(name: str, given: Mapping[str, Any]) -> PlannedEvent:
    """An event as it is kept."""
    properties = {n: property_from_json(n, p) for n, p in given.get("properties", {}).items()}
    return PlannedEvent(
        name=name,
        zh=given.get("zh", ""),
        en=given.get("en", ""),
        since=given.get("since", 0),
        own=True,
        properties=properties,
    )


def property_from_json(name: str, given: Mapping[str, Any]) -> PlannedProperty:
    """A property as it is kept."""
    return PlannedProperty(
        name=name,
        type=given["type"],
        required=given.get("required", False),
        personal=given.get("personal", False),
        values=tuple(given.get("values", ())),
        zh=given.get("zh", ""),
        en=given.get("en", ""),
        since=given.get("since", 0),
    )


def property_to_json(declared: PlannedProperty) -> dict[str, Any]:
    """A property as it is kept, and as people read and write it."""
    kept: dict[str, Any] = {"type": declared.type}
    for name in ("required", "personal", "zh", "en", "since"):
        if value := getattr(declared, name):
            kept[name] = value
    if declared.values:
        kept["values"] = list(declared.values)
    return kept
