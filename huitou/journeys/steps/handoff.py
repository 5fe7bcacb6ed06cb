"""handoff: a task for a member of staff, with a due time, what to know, and an outcome."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from huitou.journeys.setting import Setting, read_duration
from huitou.journeys.staff_tasks import TASK_KINDS, TaskRequest, request_tasks
from huitou.journeys.step import NEXT, Arrival, Go, Outcome, Step, StepContext, one_way

DUE = "24h"


def _run(context: StepContext, arrivals: Sequence[Arrival]) -> Sequence[Outcome]:
    settings = context.settings
    due = read_duration(settings.get("due") or DUE)
    request_tasks(
        [
            TaskRequest(
                key=arrival.key,
                person_id=arrival.customer_id,
                launch_id=context.launch_id,
                enrollment_id=arrival.enrollment_id,
                kind=settings.get("task") or "call",
                title=settings["title"],
                context=settings.get("context") or {},
                created_at=arrival.at,
                due_at=arrival.at + due,
            )
            for arrival in arrivals
            if arrival.acts
        ]
    )
    return [Go(NEXT, "handed over" if arrival.acts else "control") for arrival in arrivals]


def _tell(settings: Mapping[str, Any]) -> str:
    title = settings.get("title") or {}
    language = "zh" if (get_language() or "zh").startswith("zh") else "en"
    return str(title.get(language, "")) if isinstance(title, dict) else ""


STEP = Step(
    kind="handoff",
    label=_("Hand over to staff"),
    help=_("Makes a task for a member of staff; waiting for its outcome is a wait step on Staff Task Finished."),
    icon="person",
    settings=(
        Setting("task", "choice", _("What to do"), default="call", choices=TASK_KINDS),
        Setting("title", "words", _("Title"), required=True, most=120),
        Setting("context", "long_words", _("What to know"), most=1000),
        Setting("due", "duration", _("Due after"), _("Empty: 24 hours.")),
    ),
    run=_run,
    outlets=one_way,
    tell=_tell,
)
