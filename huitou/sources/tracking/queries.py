"""Reads of the tracking plan and of what came otherwise."""

from __future__ import annotations

from difflib import get_close_matches
from typing import Any

from django.db.models import QuerySet
from django.utils.translation import gettext as _

from huitou.core.errors import DomainError
from huitou.sources.models import PlanProblem, PlanVersion
from huitou.sources.tracking.checking import Checker
from huitou.sources.tracking.plan import Plan, overlay, property_to_json, shipped_plan


class EventUnknownError(DomainError):
    """No event of that name is planned."""

    code = "event_unknown"
    status = 404


# One checker a process: the version in force, with the shapes of events that it has judged.
_current: dict[int, Checker] = {}


def current_plan() -> Plan:
    """The plan in force: as shipped, with what the brand declared over it."""
    return current_checker().plan


def current_checker() -> Checker:
    """What judges events by the plan in force; asks the database for its version only."""
    newest = PlanVersion.objects.order_by("-number").values_list("pk", flat=True).first() or 0
    checker = _current.get(newest)
    if checker is None:
        version = PlanVersion.objects.filter(pk=newest).first()
        plan = shipped_plan() if version is None else overlay(shipped_plan(), version.number, version.declared)
        checker = Checker(plan)
        _current.clear()
        _current[newest] = checker
    return checker


def check_planned(plan: Plan, name: str) -> None:
    """Raise EventUnknownError unless an event of that name is planned."""
    if name not in plan.events:
        near = get_close_matches(name, plan.events, n=3)
        text = _("No event called %(name)s is planned.")
        if near:
            text = _("No event called %(name)s is planned. Did you mean: %(near)s?")
        raise EventUnknownError(text % {"name": name, "near": ", ".join(near)})


def own_declarations() -> dict[str, Any]:
    """What the brand itself declared, by event name, as it is kept."""
    version = PlanVersion.objects.order_by("-number").first()
    return dict(version.declared) if version else {}


def list_versions() -> QuerySet[PlanVersion]:
    """Every change of the brand's plan, newest first."""
    return PlanVersion.objects.select_related("created_by").order_by("-number")


def list_problems(source: str = "", problem: str = "", event: str = "") -> QuerySet[PlanProblem]:
    """Differences from the plan, those seen most recently first."""
    found = PlanProblem.objects.order_by("-last_at", "source", "event", "problem", "property")
    given = {"source": source, "problem": problem, "event": event}
    return found.filter(**{name: value for name, value in given.items() if value})


def plan_report(plan: Plan, event: str = "") -> dict[str, Any]:
    """The plan as scripts read it; only one event if it is named."""
    events = {name: planned for name, planned in plan.events.items() if not event or name == event}
    return {
        "version": plan.version,
        "events": {
            name: {
                "zh": planned.zh,
                "en": planned.en,
                "since": planned.since,
                "own": planned.own,
                "properties": {n: property_to_json(p) for n, p in planned.properties.items()},
            }
            for name, planned in events.items()
        },
    }
