"""Tasks for staff: asked for by steps; taken, put off and finished by people, which is an event of the customer."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection, transaction
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from huitou.accounts.models import User
from huitou.accounts.services import record_audit
from huitou.core.arrays import instant_array, number_array, text_array
from huitou.core.clock import Clock, SystemClock
from huitou.core.errors import DomainError
from huitou.journeys import sql
from huitou.journeys.models import StaffTask
from huitou.sources.services import OwnEvent, record_own_events

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
# Why a task was called off, which stands in the place of its outcome.
CALLED_OFF = {
    "stopped": _("Called off: the launch was stopped"),
    "joined": _("Called off: the customer was joined with another"),
}
FINISHED_EVENT = "Staff Task Finished"
_LONGEST_NOTE = 2_000
_MACHINE = SystemClock()


class TaskUnknownError(DomainError):
    """There is no task of that number."""

    code = "task_unknown"
    status = 404


class TaskStateError(DomainError):
    """The task is finished, or somebody else's."""

    code = "task_state"
    status = 409


class TaskInvalidError(DomainError):
    """An outcome or instant cannot be."""

    code = "task_invalid"
    status = 422


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
    ordered = sorted(requests, key=lambda r: r.key)
    if ordered:
        with connection.cursor() as cursor:
            cursor.execute(
                sql.ADD_TASKS,
                {
                    "keys": text_array([r.key for r in ordered]),
                    "persons": number_array([r.person_id for r in ordered]),
                    "launches": number_array([r.launch_id for r in ordered]),
                    "enrollments": number_array([r.enrollment_id for r in ordered]),
                    "kinds": text_array([r.kind for r in ordered]),
                    # Those of one step say the same: each text is written out once.
                    "titles": text_array(_texts([r.title for r in ordered])),
                    "contexts": text_array(_texts([r.context for r in ordered])),
                    "created": instant_array([r.created_at for r in ordered]),
                    "due": instant_array([r.due_at for r in ordered]),
                },
            )


def _texts(told: Sequence[Mapping[str, str]]) -> list[str]:
    kept: dict[int, str] = {}
    for each in told:
        if id(each) not in kept:
            kept[id(each)] = json.dumps(dict(each), ensure_ascii=False)
    return [kept[id(each)] for each in told]


def take_task(*, task_id: int, user: User, clock: Clock, actor_label: str = "cli") -> StaffTask:
    """Make the task the user's own. Taking one's own is nothing new.

    Raises TaskUnknownError, or TaskStateError if it is finished or somebody else has it.
    """
    with transaction.atomic():
        task = _open_task(task_id)
        if task.assignee_id == user.pk:
            return task
        if task.assignee_id is not None:
            raise TaskStateError(gettext("Somebody else has taken this task; ask them to give it back."))
        task.assignee, task.taken_at = user, clock.now()
        task.save(update_fields=["assignee", "taken_at"])
        _audit("staff_task.taken", task, user, actor_label)
    return task


def release_task(*, task_id: int, user: User | None, clock: Clock, actor_label: str = "cli") -> StaffTask:
    """Give a task back, so that others may take it. Raises TaskUnknownError, TaskStateError."""
    with transaction.atomic():
        task = _open_task(task_id)
        if task.assignee_id is not None:
            task.assignee, task.taken_at = None, None
            task.save(update_fields=["assignee", "taken_at"])
            _audit("staff_task.released", task, user, actor_label)
    return task


def snooze_task(
    *, task_id: int, until: datetime, user: User | None, clock: Clock, actor_label: str = "cli"
) -> StaffTask:
    """Put the task off until an instant ahead; when it is due stays as it was.

    Raises TaskUnknownError, TaskStateError, TaskInvalidError.
    """
    if until <= clock.now():
        raise TaskInvalidError(gettext("Put it off until a time that lies ahead."))
    with transaction.atomic():
        task = _open_task(task_id)
        if task.snoozed_until != until:
            task.snoozed_until = until
            task.save(update_fields=["snoozed_until"])
            _audit("staff_task.snoozed", task, user, actor_label, until=until.isoformat())
    return task


def finish_task(
    *, task_id: int, outcome: str, clock: Clock, user: User | None, note: str = "", actor_label: str = "cli"
) -> StaffTask:
    """Finish the task with one of OUTCOMES; the outcome becomes an event of the customer, for which journeys may wait.

    Finishing again with the same outcome is once. Raises TaskUnknownError, TaskStateError, TaskInvalidError.
    """
    if outcome not in dict(OUTCOMES):
        known = ", ".join(code for code, _label in OUTCOMES)
        raise TaskInvalidError(gettext("The outcome must be one of: %(known)s.") % {"known": known})
    if len(note) > _LONGEST_NOTE or "\0" in note:
        raise TaskInvalidError(gettext("A note has at most %(most)s characters.") % {"most": _LONGEST_NOTE})
    with transaction.atomic():
        task = _lock(task_id)
        if task.state == StaffTask.DONE and task.outcome == outcome:
            return task
        _check_open(task)
        now = clock.now()
        task.state, task.outcome, task.note = StaffTask.DONE, outcome, note
        task.finished_at, task.finished_by = now, user
        task.save(update_fields=["state", "outcome", "note", "finished_at", "finished_by"])
        record_own_events(events=[_event(task, now)], clock=_MACHINE)
        _audit("staff_task.finished", task, user, actor_label, outcome=outcome)
    return task


def _event(task: StaffTask, now: datetime) -> OwnEvent:
    properties: dict[str, object] = {"outcome": task.outcome, "task_kind": task.kind}
    if task.launch_id is not None:
        properties["launch"] = f"launch:{task.launch_id}"
    parts = task.key.split(":")
    if task.enrollment_id is not None and len(parts) == 3:
        properties["step_id"] = parts[1]
    return OwnEvent(
        message_id=f"staff-task-{task.pk}", person_id=task.person_id, name=FINISHED_EVENT, at=now, properties=properties
    )


def _open_task(task_id: int) -> StaffTask:
    task = _lock(task_id)
    _check_open(task)
    return task


def _lock(task_id: int) -> StaffTask:
    task = StaffTask.objects.select_for_update().filter(pk=task_id).first()
    if task is None:
        raise TaskUnknownError(gettext("There is no task %(id)s.") % {"id": task_id})
    return task


def told_outcome(code: str) -> str:
    """What came of a task in words, or why it was called off; what is neither stays as it is."""
    return str({**dict(OUTCOMES), **CALLED_OFF}.get(code, code))


def _check_open(task: StaffTask) -> None:
    if task.state == StaffTask.CANCELLED:
        raise TaskStateError(told_outcome(task.outcome) or gettext("The task was called off."))
    if task.state != StaffTask.OPEN:
        raise TaskStateError(gettext("The task is finished already."))


def _audit(action: str, task: StaffTask, user: User | None, actor_label: str, **detail: Any) -> None:
    record_audit(
        action=action, clock=_MACHINE, actor=user, actor_label=actor_label, target=f"task {task.pk}", detail=detail
    )
