"""A journey laid out for reading: chains of steps, side by side where ways part, joined again where they meet."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.utils.functional import Promise

from huitou.journeys.problems import Problem
from huitou.journeys.queries import StepCount
from huitou.journeys.step import StepDefinition


@dataclass(frozen=True)
class Way:
    """One way out of a step: its words, the chain that it leads into, and the outlet's name."""

    outlet: str
    label: str | Promise
    chain: Sequence[Box]


@dataclass(frozen=True)
class Box:
    """One step as it is drawn; `goes_to` instead of a step where the way goes on at one that is drawn elsewhere."""

    step: StepDefinition | None = None
    goes_to: str = ""
    words: str = ""
    count: StepCount = field(default_factory=StepCount)
    ways: Sequence[Way] = ()
    problems: Sequence[Problem] = field(default=())
    outlet: str = ""


@dataclass
class _Drawing:
    steps: Mapping[str, StepDefinition]
    counts: Mapping[str, StepCount]
    problems: Mapping[int, list[Problem]]
    drawn: set[str] = field(default_factory=set)

    def chain(self, name: str | None, stop: str | None) -> list[Box]:
        found: list[Box] = []
        while name is not None and name != stop:
            if name in self.drawn or name not in self.steps:
                found.append(Box(goes_to=name))
                break
            self.drawn.add(name)
            step = self.steps[name]
            outlets = step.outlets
            following: str | None = None
            ways: list[Way] = []
            if len(outlets) == 1:
                following = outlets[0].target
            elif outlets:
                following = meeting(self.steps, [o.target for o in outlets]) or stop
                ways = [Way(o.name, o.label, self.chain(o.target, following)) for o in outlets]
            found.append(
                Box(
                    step=step,
                    words=told_safely(step.step.tell, step.settings),
                    count=self.counts.get(name, StepCount()),
                    ways=ways,
                    problems=self.problems.get(step.position, ()),
                    outlet=outlets[0].name if len(outlets) == 1 else "",
                )
            )
            name = following
        return found


def lay_out(
    steps: Mapping[str, StepDefinition], counts: Mapping[str, StepCount], problems: Sequence[Problem] = ()
) -> list[Box]:
    """The whole journey from its first step on; steps that nobody comes to stand behind."""
    by_step: dict[int, list[Problem]] = {}
    for problem in problems:
        if problem.step_place is not None:
            by_step.setdefault(problem.step_place, []).append(problem)
    drawing = _Drawing(steps, counts, by_step)
    found = drawing.chain(next(iter(steps), None), None)
    for name in steps:
        if name not in drawing.drawn:
            found += drawing.chain(name, None)
    return found


def told_safely(tell: Callable[[Mapping[str, Any]], str], settings: Mapping[str, Any]) -> str:
    """In words, or nothing where a draft says what cannot be told; what is wrong stands beside it."""
    try:
        return tell(settings)
    except (TypeError, ValueError, AttributeError, KeyError, IndexError):
        return ""


def meeting(steps: Mapping[str, StepDefinition], targets: Sequence[str | None]) -> str | None:
    """The first step that all of these ways come to, the nearest to them; None if they never meet."""
    distances = [_distances(steps, target) for target in targets if target is not None]
    if len(distances) < 2:
        return None
    shared = set.intersection(*(set(d) for d in distances))
    return min(shared, key=lambda name: (max(d[name] for d in distances), name)) if shared else None


def _distances(steps: Mapping[str, StepDefinition], start: str) -> dict[str, int]:
    found = {start: 0}
    waiting = [start]
    for name in waiting:
        for target in steps[name].ways.values() if name in steps else ():
            if target not in found:
                found[target] = found[name] + 1
                waiting.append(target)
    return found
