"""Where steps lead: unknown targets, ways that end nowhere, steps nobody comes to, and circles without a wait."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from django.utils.translation import gettext_lazy as _

from huitou.journeys.problems import Problem
from huitou.journeys.step import NEXT, StepDefinition


def check_graph(steps: Mapping[str, StepDefinition]) -> Iterator[Problem]:
    """What is wrong with the ways between the steps."""
    for step in steps.values():
        path = f"$.steps[{step.position}]"
        for outlet in step.outlets:
            place = f"{path}.{outlet.name}" if outlet.name.isidentifier() else f"{path}.{outlet.name}.{NEXT}"
            if outlet.target is None:
                message = _(
                    "The way out of %(step)s leads nowhere; name the next step, or end with a step of kind exit."
                )
                yield Problem(place, "no_way_out", message, {"step": step.id})
            elif outlet.target not in steps:
                values = {"step": outlet.target}
                yield Problem(place, "unknown_step", _("There is no step %(step)s to go to."), values)
    reached = _reached(steps)
    for step in steps.values():
        if step.id not in reached:
            message = _("Nobody comes to %(step)s: no way leads there.")
            yield Problem(f"$.steps[{step.position}]", "unreachable", message, {"step": step.id})
    yield from _circles(steps)


def _reached(steps: Mapping[str, StepDefinition]) -> set[str]:
    waiting = [next(iter(steps))]
    reached: set[str] = set()
    while waiting:
        name = waiting.pop()
        if name in steps and name not in reached:
            reached.add(name)
            waiting += steps[name].ways.values()
    return reached


def _circles(steps: Mapping[str, StepDefinition]) -> Iterator[Problem]:
    """Every circle needs a wait, else customers would run round it for ever at once."""
    restless = {name: step for name, step in steps.items() if not step.step.waits(step.settings)}
    left = {name: {target for target in step.ways.values() if target in restless} for name, step in restless.items()}
    while free := [name for name, targets in left.items() if not targets]:
        for name in free:
            del left[name]
        for targets in left.values():
            targets.difference_update(free)
    # What is left lies on a circle or leads to one; told once, at the first that comes back to itself.
    for name in left:
        if _comes_back(name, left):
            message = _("From %(step)s customers come back to it without a wait; put a wait into the circle.")
            yield Problem(f"$.steps[{steps[name].position}]", "loop_without_wait", message, {"step": name})
            return


def _comes_back(start: str, left: Mapping[str, set[str]]) -> bool:
    waiting, seen = list(left[start]), set()
    while waiting:
        name = waiting.pop()
        if name == start:
            return True
        if name not in seen:
            seen.add(name)
            waiting += left.get(name, ())
    return False
