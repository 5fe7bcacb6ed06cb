"""What journeys keep of a person: where they went through, events on the way in, and tasks that staff had for them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from huitou.accounts.queries import find_brand
from huitou.core.clock import SystemClock
from huitou.customers.identifier_kind import Key
from huitou.journeys.engine.ending import end_of_persons
from huitou.journeys.models import Enrollment, Signal, StaffTask

PERSONAL = ("Enrollment", "Signal", "StaffTask")
IMPERSONAL = {
    "Journey": "what an operator calls it",
    "JourneyVersion": "what an operator wrote for everybody",
    "Launch": "dates, shares and names of the operator's making",
    "LaunchPause": "times of launches",
    "Listening": "names of events",
    "Transition": "names of steps; goes with its enrollment",
}


def export(person_ids: Sequence[int], identifiers: Sequence[Key]) -> dict[str, Any]:
    """Ways through journeys with every step, and staff tasks with their outcome."""
    ways = Enrollment.objects.filter(person_id__in=person_ids).select_related("launch").order_by("entered_at", "pk")
    tasks = StaffTask.objects.filter(person_id__in=person_ids).order_by("created_at", "pk")
    return {
        "journeys": [
            {
                "launch": way.launch.title,
                "arm": way.arm,
                "entered_at": way.entered_at.isoformat(),
                "ended_at": way.ended_at.isoformat() if way.ended_at else None,
                "exit_reason": way.exit_reason,
                "data": way.data,
                "steps": [
                    {"at": t.at.isoformat(), "from": t.from_step, "to": t.to_step, "reason": t.reason}
                    for t in way.transitions.order_by("visit")
                ],
            }
            for way in ways
        ],
        "staff_tasks": [
            {
                "kind": task.kind,
                "title": task.title,
                "context": task.context,
                "created_at": task.created_at.isoformat(),
                "due_at": task.due_at.isoformat(),
                "outcome": task.outcome,
                "note": task.note,
                "finished_at": task.finished_at.isoformat() if task.finished_at else None,
            }
            for task in tasks
        ],
    }


def erase(person_ids: Sequence[int], identifiers: Sequence[Key], looked: object = None) -> dict[str, int]:
    """What was written about the person goes; that somebody went through, and when, stays for the counts.

    Who is on the way ends there, and nothing further is done.
    """
    own = {"person_id__in": person_ids}
    counts = {"signals": Signal.objects.filter(**own).delete()[0]}
    counts["staff_tasks"] = StaffTask.objects.filter(**own).delete()[0]
    brand = find_brand()
    now = brand.now() if brand is not None else SystemClock().now()
    counts["enrollments"] = end_of_persons(person_ids, at=now, reason="erased")
    Enrollment.objects.filter(**own).update(data={})
    return counts
