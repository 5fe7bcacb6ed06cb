"""What a journey does, as JSON: read into steps that can run, checked with the place of each mistake, and its schema.

    {"trigger": {"kind": "event", "event": "Order Completed"},
     "audience": condition, "goal": ending, "exit_when": ending,
     "steps": [{"id": "pause", "kind": "wait", "mode": "for", "duration": "5d"}, ..., {"id": "end", "kind": "exit"}],
     "reentry": "never", "window_days": 30, "control_bp": 1000, "purpose": "marketing"}

The first step is where customers enter. A step that names no `next` leads to the one that follows it in the list. An
ending is any of `events` since the entry, a `when` that holds, or a `purchase` since the entry.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from django.utils.translation import gettext_lazy as _

from huitou.journeys.conditions import check_condition
from huitou.journeys.filters import check_filter
from huitou.journeys.graph import check_graph
from huitou.journeys.problems import DefinitionError, Problem
from huitou.journeys.setting import Setting
from huitou.journeys.step import NEXT, STEPS, StepDefinition
from huitou.journeys.trigger import TRIGGERS, Trigger

MOST_STEPS = 200
STEP_ID = re.compile(r"^[A-Za-z][A-Za-z0-9_-]{0,39}$")
REENTRY = {
    "never": _("Never again"),
    "after_exit": _("Again after leaving"),
    "after_days": _("Again once some days have passed since the last entry, after leaving"),
    "always": _("Every time, also while inside"),
}
PURPOSES = {"marketing": _("Marketing"), "service": _("Service")}
SETTINGS = (
    Setting("reentry", "choice", _("Enter again"), required=True, choices=tuple(REENTRY.items())),
    Setting(
        "reentry_days", "whole", _("After days"), required=True, least=1, most=3650, when=("reentry", ("after_days",))
    ),
    Setting("window_days", "whole", _("Outcome window in days"), required=True, least=1, most=366),
    Setting("control_bp", "share", _("Control share in basis points"), required=True, least=0, most=9000),
    Setting("purpose", "choice", _("Purpose"), default="marketing", choices=tuple(PURPOSES.items())),
)
_KEYS = ("trigger", "audience", "steps", "goal", "exit_when", *(s.name for s in SETTINGS))
DEFAULTS: dict[str, Any] = {"reentry": "never", "window_days": 30, "control_bp": 1000, "purpose": "marketing"}


@dataclass(frozen=True)
class Ending:
    """What ends a way early: any of these events since the entry, a condition, a purchase since the entry."""

    events: tuple[Mapping[str, Any], ...] = ()
    when: Mapping[str, Any] | None = None
    purchase: bool = False

    def __bool__(self) -> bool:
        return bool(self.events or self.when or self.purchase)

    @property
    def is_of_lake(self) -> bool:
        """Whether a refresh may show that it has come."""
        return bool(self.when or self.purchase)


@dataclass(frozen=True)
class Definition:
    """A definition that can run."""

    trigger: Mapping[str, Any]
    audience: Mapping[str, Any] | None
    steps: Mapping[str, StepDefinition]
    first: str
    goal: Ending
    exit_when: Ending
    reentry: str
    reentry_days: int
    window_days: int
    control_bp: int
    purpose: str
    source: Mapping[str, Any] = field(repr=False, default_factory=dict)

    @property
    def trigger_kind(self) -> Trigger:
        return TRIGGERS[self.trigger["kind"]]

    @property
    def events(self) -> frozenset[str]:
        """Every event that a launch of it has to hear of."""
        named = set(self.trigger_kind.events(self.trigger))
        for step in self.steps.values():
            named |= set(step.step.events(step.settings))
        for ending in (self.goal, self.exit_when):
            named |= {entry["event"] for entry in ending.events}
            if ending.purchase:
                named.add(PURCHASE_EVENT)
        return frozenset(named)


PURCHASE_EVENT = "Order Completed"


def parse_definition(data: object) -> Definition:
    """The definition that the JSON says. Raises DefinitionError with every problem and its place."""
    problems = find_problems(data)
    if problems:
        raise DefinitionError(problems)
    assert isinstance(data, dict)
    whole = {**DEFAULTS, **{k: v for k, v in data.items() if v is not None}}
    steps = read_steps(whole["steps"])
    return Definition(
        trigger=whole["trigger"],
        audience=whole.get("audience") or None,
        steps=steps,
        first=next(iter(steps)),
        goal=_ending(whole.get("goal")),
        exit_when=_ending(whole.get("exit_when")),
        reentry=whole["reentry"],
        reentry_days=whole.get("reentry_days") or 0,
        window_days=whole["window_days"],
        control_bp=whole["control_bp"],
        purpose=whole["purpose"],
        source=whole,
    )


def _ending(told: Any) -> Ending:
    told = told or {}
    return Ending(tuple(told.get("events") or ()), told.get("when") or None, bool(told.get("purchase")))


def read_steps(listed: Any) -> dict[str, StepDefinition]:
    """The steps of a list in their order, as far as they can be read: drafts are shown before they can run."""
    found: dict[str, StepDefinition] = {}
    if not isinstance(listed, list):
        return found
    for position, told in enumerate(listed):
        if not isinstance(told, dict) or not _is_kind(told.get("kind")) or not isinstance(told.get("id"), str):
            continue
        following = listed[position + 1] if position + 1 < len(listed) else None
        behind = following.get("id") if isinstance(following, dict) else None
        settings = {k: v for k, v in told.items() if k not in ("id", "kind")}
        ways = {}
        for outlet in STEPS[told["kind"]].outlets(settings):
            target = outlet.target or (behind if outlet.name == NEXT else None)
            if isinstance(target, str):
                ways[outlet.name] = target
        found.setdefault(told["id"], StepDefinition(told["id"], told["kind"], settings, ways, position))
    return found


def _is_kind(told: object) -> bool:
    """Whether there is such a step; a draft may hold anything in the place of a kind."""
    return isinstance(told, str) and told in STEPS


def find_problems(data: object) -> list[Problem]:
    """Everything that keeps a definition from running, in the order of its parts."""
    if not isinstance(data, dict):
        return [Problem("$", "not_an_object", _("A journey is a JSON object."))]
    return [*_problems(data)]


def _problems(data: Mapping[str, Any]) -> Iterator[Problem]:
    for name in sorted(set(data) - set(_KEYS)):
        yield Problem(f"$.{name}", "unknown_key", _("There is no setting %(name)s."), {"name": name})
    yield from _trigger_problems(data.get("trigger"))
    if data.get("audience"):
        yield from check_condition(data["audience"], "$.audience")
    for name in ("goal", "exit_when"):
        if data.get(name):
            yield from _ending_problems(data[name], f"$.{name}")
    whole = {**DEFAULTS, **{k: v for k, v in data.items() if v is not None}}
    for setting in SETTINGS:
        yield from setting.check(whole, "$")
    yield from _step_problems(data.get("steps"))


def _trigger_problems(told: object) -> Iterator[Problem]:
    if not isinstance(told, dict) or not told.get("kind"):
        yield Problem("$.trigger", "missing", _("Say what lets customers in."))
        return
    if not isinstance(told["kind"], str) or told["kind"] not in TRIGGERS:
        values = {"kind": str(told["kind"])[:40], "known": ", ".join(TRIGGERS.kinds())}
        yield Problem("$.trigger.kind", "unknown_trigger", _("There is no trigger %(kind)s; use %(known)s."), values)
        return
    trigger = TRIGGERS[told["kind"]]
    yield from _setting_problems(trigger.settings, told, "$.trigger", ("kind",))
    if trigger.check is not None:
        yield from trigger.check(told, "$.trigger")


def _setting_problems(
    settings: tuple[Setting, ...], told: Mapping[str, Any], path: str, also: tuple[str, ...]
) -> Iterator[Problem]:
    known = {setting.name for setting in settings} | set(also)
    for name in sorted(set(told) - known):
        yield Problem(f"{path}.{name}", "unknown_key", _("There is no setting %(name)s."), {"name": name})
    filled = {s.name: s.default for s in settings if s.default not in (None, "")} | dict(told)
    # A default is no setting where it does not go with what was chosen.
    filled = {k: v for k, v in filled.items() if k in told or all(s.name != k or s.applies(filled) for s in settings)}
    for setting in settings:
        yield from setting.check(filled, path)


def _ending_problems(told: object, path: str) -> Iterator[Problem]:
    if not isinstance(told, dict) or set(told) - {"events", "when", "purchase"}:
        message = _('Write {"events": [...], "when": condition, "purchase": true}, or some of them.')
        yield Problem(path, "no_ending", message)
        return
    events = told.get("events") or []
    if not isinstance(events, list):
        yield Problem(f"{path}.events", "no_list", _("Events are a list."))
        events = []
    for position, entry in enumerate(events):
        place = f"{path}.events[{position}]"
        if not isinstance(entry, dict) or set(entry) - {"event", "where"} or not isinstance(entry.get("event"), str):
            yield Problem(place, "no_event", _('Write {"event": name, "where": filter}.'))
        elif entry.get("where"):
            yield from check_filter(entry["where"], f"{place}.where")
    if told.get("when"):
        yield from check_condition(told["when"], f"{path}.when")
    if not isinstance(told.get("purchase", False), bool):
        yield Problem(f"{path}.purchase", "no_flag", _("purchase is true or false."))


def _step_problems(listed: object) -> Iterator[Problem]:
    if not isinstance(listed, list) or not listed:
        yield Problem("$.steps", "missing", _("A journey needs at least one step."))
        return
    if len(listed) > MOST_STEPS:
        values = {"most": MOST_STEPS}
        yield Problem("$.steps", "too_many", _("A journey has at most %(most)s steps."), values)
        return
    seen: set[str] = set()
    sound = True
    for position, told in enumerate(listed):
        path = f"$.steps[{position}]"
        for problem in _one_step(told, path, seen):
            sound = sound and problem.code not in ("no_step", "unknown_step_kind", "no_id", "repeated_id")
            yield problem
    if sound:
        yield from check_graph(read_steps(listed))


def _one_step(told: object, path: str, seen: set[str]) -> Iterator[Problem]:
    if not isinstance(told, dict):
        yield Problem(path, "no_step", _("A step is a JSON object."))
        return
    name = told.get("id")
    if not isinstance(name, str) or not STEP_ID.match(name):
        yield Problem(f"{path}.id", "no_id", _("A step needs an id of letters, digits, - and _."))
    elif name in seen:
        yield Problem(f"{path}.id", "repeated_id", _("There are two steps %(id)s."), {"id": name})
    else:
        seen.add(name)
    if not _is_kind(told.get("kind")):
        values = {"kind": str(told.get("kind"))[:40], "known": ", ".join(STEPS.kinds())}
        yield Problem(f"{path}.kind", "unknown_step_kind", _("There is no step %(kind)s; use %(known)s."), values)
        return
    step = STEPS[told["kind"]]
    ways = tuple({o.name.split("[")[0] for o in step.outlets(told)} | {NEXT}) if told["kind"] != "exit" else ()
    yield from _setting_problems(step.settings, told, path, ("id", "kind", *ways))
    if step.check is not None:
        yield from step.check(told, path)
