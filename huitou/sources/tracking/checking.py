"""Events against the plan. Events that look alike are judged once: what a batch costs hardly grows with its size."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from huitou.sources.consuming.properties import is_code, is_personal_name
from huitou.sources.tracking.plan import Plan, PlannedProperty

UNPLANNED_EVENT, UNPLANNED_PROPERTY = "unplanned_event", "unplanned_property"
MISSING, WRONG_TYPE, WRONG_VALUE = "missing_property", "wrong_type", "wrong_value"
# Not a question of the plan: a birthday that is no day, say. The rest of the event was taken.
UNTAKEN = "untaken"
PROBLEMS = (MISSING, WRONG_TYPE, WRONG_VALUE, UNTAKEN, UNPLANNED_EVENT, UNPLANNED_PROPERTY)
_CLASSES: dict[str, tuple[type, ...]] = {
    "code": (str, int),
    "text": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
    "time": (str,),
    "list": (list,),
    "object": (dict,),
}
_KINDS: dict[type, str] = {
    str: "text",
    int: "integer",
    float: "number",
    bool: "boolean",
    list: "list",
    dict: "object",
    type(None): "nothing",
}
# So many shapes of events are remembered; a sender that makes up names all the time must not fill the memory.
_REMEMBERED = 5_000


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is not as planned. `property` is empty where it is about the event; [] stands for any element."""

    problem: str
    property: str = ""


@dataclass(frozen=True, slots=True)
class _Verdict:
    """What events of one shape have in common, and which of their properties have to be looked at one by one."""

    findings: tuple[Finding, ...]
    is_complete: bool
    looked_at: tuple[PlannedProperty, ...]


@dataclass(frozen=True, slots=True)
class Judgement:
    """What one event is like: `is_complete` where nothing that is required is missing."""

    findings: tuple[Finding, ...]
    is_complete: bool

    @property
    def is_valid(self) -> bool:
        """Whether everything that is planned is there and as planned."""
        return not any(f.problem in (MISSING, WRONG_TYPE, WRONG_VALUE) for f in self.findings)


_FINE = Judgement((), True)


@dataclass
class Checker:
    """Judges events by one version of the plan."""

    plan: Plan
    _verdicts: dict[tuple[Any, ...], _Verdict] = field(default_factory=dict)

    def judge(self, name: str, properties: Mapping[str, Any]) -> Judgement:
        """What is not as planned about an event of that name."""
        event = self.plan.events.get(name)
        if event is None:
            return Judgement((Finding(UNPLANNED_EVENT),), True)
        verdict = self._verdict(name, event.properties, properties)
        if not verdict.looked_at:
            return _FINE if not verdict.findings and verdict.is_complete else _judgement(verdict)
        return self._look(name, verdict, properties)

    def _look(self, name: str, verdict: _Verdict, properties: Mapping[str, Any]) -> Judgement:
        found, complete = list(verdict.findings), verdict.is_complete
        for declared in verdict.looked_at:
            value = properties[declared.name]
            if declared.items:
                inner, whole = self._elements(f"{name}\0{declared.name}", declared, value)
                found += inner
                complete = complete and whole
            elif (declared.values and str(value) not in declared.values) or (
                declared.type == "time" and not _is_time(value)
            ):
                found.append(Finding(WRONG_VALUE, declared.name))
        return Judgement(tuple(found), complete)

    def _elements(self, place: str, declared: PlannedProperty, value: list[Any]) -> tuple[list[Finding], bool]:
        """Findings in a list of objects, each once however many elements have it."""
        found: dict[Finding, None] = {}
        complete = True
        for element in value:
            if not isinstance(element, dict):
                found[Finding(WRONG_TYPE, f"{declared.name}[]")] = None
                continue
            verdict = self._verdict(place, declared.items, element, below=f"{declared.name}[].")
            found |= dict.fromkeys(verdict.findings)
            complete = complete and verdict.is_complete
        return list(found), complete

    def _verdict(
        self,
        place: str,
        declared: Mapping[str, PlannedProperty],
        properties: Mapping[str, Any],
        below: str = "",
    ) -> _Verdict:
        shape = (place, *properties, *map(type, properties.values()))
        verdict = self._verdicts.get(shape)
        if verdict is None:
            verdict = self._decide(declared, properties, below)
            if len(self._verdicts) < _REMEMBERED:
                self._verdicts[shape] = verdict
        return verdict

    def _decide(self, declared: Mapping[str, PlannedProperty], properties: Mapping[str, Any], below: str) -> _Verdict:
        findings = [
            Finding(MISSING, below + name)
            for name, planned in declared.items()
            if planned.required and properties.get(name) is None
        ]
        complete = not findings
        looked_at = []
        for name, value in properties.items():
            planned = declared.get(name) or ({} if below else self.plan.everywhere).get(name)
            if planned is None:
                findings.append(Finding(UNPLANNED_PROPERTY, below + name))
            elif value is None:
                continue
            elif type(value) not in _CLASSES[planned.type]:
                findings.append(Finding(WRONG_TYPE, below + name))
            elif (planned.values or planned.items or planned.type == "time") and not below:
                looked_at.append(planned)
        return _Verdict(tuple(findings), complete, tuple(looked_at))


def _judgement(verdict: _Verdict) -> Judgement:
    return Judgement(verdict.findings, verdict.is_complete)


def _is_time(value: str) -> bool:
    try:
        datetime.fromisoformat(value)
    except ValueError:
        return False
    return True


def example_of(finding: Finding, properties: Mapping[str, Any]) -> dict[str, Any]:
    """What may be shown of the value that a finding is about: its kind, and itself only where it is a planned code."""
    if finding.problem not in (UNPLANNED_PROPERTY, WRONG_TYPE, WRONG_VALUE, UNTAKEN):
        return {}
    name, _brackets, inner = finding.property.partition("[]")
    if finding.problem == UNTAKEN and name not in properties:
        return {}
    for value in _values(properties.get(name), inner.removeprefix(".")):
        shown: dict[str, Any] = {"kind": _KINDS.get(type(value), "object")}
        if isinstance(value, str):
            shown["length"] = len(value)
            if value.replace(".", "", 1).removeprefix("-").isdigit():
                shown["looks_like"] = "number"
        elif isinstance(value, list):
            shown["length"] = len(value)
        if finding.problem == WRONG_VALUE and is_code(value) and not is_personal_name(name):
            shown["value"] = str(value)
        return shown
    return {}


def _values(value: Any, inner: str) -> Iterator[Any]:
    if isinstance(value, list) and inner:
        yield from (element[inner] for element in value if isinstance(element, dict) and inner in element)
    else:
        yield value
