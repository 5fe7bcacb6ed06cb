"""Differences from the tracking plan in words, with an example that names nobody."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from huitou.sources.models import PlanProblem
from huitou.sources.tracking.checking import (
    MISSING,
    UNPLANNED_EVENT,
    UNPLANNED_PROPERTY,
    UNTAKEN,
    WRONG_TYPE,
    WRONG_VALUE,
)
from huitou.sources.tracking.plan import TYPES, Plan, PlannedProperty
from huitou.sources.tracking.queries import current_plan

PROBLEM_WORDS = {
    MISSING: gettext_lazy("required property missing"),
    WRONG_TYPE: gettext_lazy("wrong type"),
    WRONG_VALUE: gettext_lazy("value not planned"),
    UNTAKEN: gettext_lazy("value that cannot be used"),
    UNPLANNED_EVENT: gettext_lazy("event not planned"),
    UNPLANNED_PROPERTY: gettext_lazy("property not planned"),
}


# Calls that tell of a person and not of a deed: no plan has them.
_CALLS = {
    "Identify": gettext_lazy("Customer details told"),
    "Alias": gettext_lazy("Customer recognized"),
    "Group": gettext_lazy("Group of a customer told"),
}


def event_word(name: str) -> str:
    """An event's name in the reader's language, as the tracking plan has it; the sender's own where it is unplanned."""
    planned = current_plan().events.get(name)
    return planned.label if planned else str(_CALLS.get(name, name))


@dataclass(frozen=True)
class ProblemRow:
    """One difference, ready to show: `can_declare` where declaring it would settle it."""

    problem: PlanProblem
    event: str
    word: str
    detail: str
    tone: str
    can_declare: bool


def problem_rows(problems: Iterable[PlanProblem]) -> list[ProblemRow]:
    """Problems with their words."""
    plan = current_plan()
    return [
        ProblemRow(
            problem=problem,
            event=event_word(problem.event),
            word=str(PROBLEM_WORDS.get(problem.problem, problem.problem)),
            detail=problem_detail(problem, plan),
            tone="warn" if problem.problem in (MISSING, WRONG_TYPE, WRONG_VALUE, UNTAKEN) else "info",
            can_declare=problem.problem == UNPLANNED_EVENT
            or (problem.problem == UNPLANNED_PROPERTY and "[]" not in problem.property),
        )
        for problem in problems
    ]


def problem_detail(problem: PlanProblem, plan: Plan) -> str:
    """What came in place of what was planned."""
    planned = find_planned(plan, problem.event, problem.property)
    came = _kind_words(problem.example)
    if problem.problem == WRONG_TYPE and planned is not None:
        return _("planned: %(planned)s; came: %(came)s") % {"planned": TYPES[planned.type], "came": came}
    if problem.problem == WRONG_VALUE and planned is not None:
        allowed = ", ".join(planned.values) or str(TYPES[planned.type])
        shown = problem.example.get("value", came)
        return _("planned: %(planned)s; came: %(came)s") % {"planned": allowed, "came": shown}
    if problem.problem == UNPLANNED_PROPERTY or (problem.problem == UNTAKEN and came):
        return _("came: %(came)s") % {"came": came}
    return ""


def find_planned(plan: Plan, event: str, name: str) -> PlannedProperty | None:
    """The declaration that a problem's property is about; `products[].price` is one of a list's elements."""
    planned = plan.events.get(event)
    if planned is None:
        return None
    outer, _brackets, inner = name.partition("[]")
    declared = planned.properties.get(outer) or plan.everywhere.get(outer)
    if declared is not None and inner.startswith("."):
        return declared.items.get(inner[1:])
    return declared


def _kind_words(example: dict[str, Any]) -> str:
    kind = example.get("kind", "")
    if kind == "text":
        length = example.get("length", 0)
        words = ngettext("text of %(n)s character", "text of %(n)s characters", length) % {"n": length}
        return _("%(text)s, a number in quotes") % {"text": words} if example.get("looks_like") else words
    if kind == "nothing":
        return _("nothing")
    return str(TYPES.get(kind, kind))
