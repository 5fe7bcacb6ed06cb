"""Tasks for staff: asked for by steps, taken, put off and finished by people."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.utils.translation import gettext_lazy as _

from huitou.journeys.models import StaffTask

TASK_KINDS = (
    ("call", _("Call")),
    ("message", _("Write a message")),
    ("visit", _("Invite to the store")),
    ("gift", _("Send a gift")),
    ("other", _("Something else")),
)
OUTCOMES = (
    ("reached", _("Reached, interested")),
    ("declined", _("Reached, not interested")),
    ("bought", _("Bought")),
    ("not_reached", _("Not reached")),
    ("wrong_contact", _("Wrong contact")),
    ("other", _("Something else")),
)


@dataclass(frozen=True)
class TaskRequest:
    """One task that a step asks for; the same key again is the same task."""

    key: str
    person_id: int
    launch_id: int | None
    enrollment_id: int | None
    kind: str
    title: Mapping[str, str]
    context: Mapping[str, str]
    created_at: datetime
    due_at: datetime


def request_tasks(requests: Sequence[TaskRequest]) -> None:
    """Put tasks into the inbox of staff, in the caller's transaction; a key that was given before is left alone."""
    StaffTask.objects.bulk_create(
        (StaffTask(**vars(request)) for request in sorted(requests, key=lambda r: r.key)), ignore_conflicts=True
    )
