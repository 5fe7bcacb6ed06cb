"""Operations on staff tasks: the inbox, taking, putting off and finishing."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from django.http import HttpRequest
from django.utils.translation import gettext as _
from ninja import Path, Query, Schema
from pydantic import Field

from huitou.accounts.access_api import acting
from huitou.accounts.models import User
from huitou.accounts.queries import get_brand
from huitou.core.http_api.fields import MAX_ID, Body, Id, Instant, Text, Word
from huitou.core.http_api.operations import Operations
from huitou.journeys import queries
from huitou.journeys.models import StaffTask
from huitou.journeys.staff_tasks import (
    TaskInvalidError,
    TaskUnknownError,
    finish_task,
    release_task,
    snooze_task,
    take_task,
)

router = Operations("act")
TaskId = Annotated[Id, Path(ge=1, le=MAX_ID, description="Number of the task.")]
Outcome = Literal["reached", "declined", "bought", "not_reached", "wrong_contact", "other"]


class TaskOut(Schema):
    """One task. Title and context are by language (zh, en)."""

    id: int
    person_id: int
    kind: str = Field(examples=["call"])
    title: dict[str, str]
    context: dict[str, str]
    state: Literal["open", "done", "cancelled"]
    created_at: datetime
    due_at: datetime
    snoozed_until: datetime | None
    assignee: str = Field(description="User name; empty: nobody yet.")
    outcome: str = Field(description="What came of it; of a cancelled task why it was called off: stopped or joined.")
    note: str
    finished_at: datetime | None
    launch_id: int | None


class TasksOut(Schema):
    """Tasks; `items` holds at most `limit` of them."""

    total: int
    items: list[TaskOut]


class TaskFilter(Schema):
    """Which tasks."""

    which: Literal["open", "snoozed", "done"] = "open"
    assignee: Text = Field("", max_length=150, description="User name; empty: everybody's.")
    limit: int = Field(50, ge=1, le=500)


class TakeIn(Body):
    """Who takes the task."""

    assignee: Annotated[Word, Field(max_length=150)] = Field(examples=["anna"])


class SnoozeIn(Body):
    """Until when the task is put off."""

    until: Instant


class FinishIn(Body):
    """What came of the task."""

    outcome: Outcome
    note: Annotated[Text, Field(max_length=2000)] = ""


@router.read("/tasks", permission="tasks.view", returns=TasksOut)
def list_tasks(request: HttpRequest, asked: Query[TaskFilter]) -> TasksOut:
    """Staff tasks, the most overdue first."""
    who = None
    if asked.assignee:
        user = User.objects.filter(username=asked.assignee).first()
        who = user.pk if user else -1
    found = queries.list_tasks(now=get_brand().now(), which=asked.which, assignee_id=who)
    return TasksOut(total=found.count(), items=[_out(task) for task in found[: asked.limit]])


@router.write("/tasks/{task_id}/assignment", method="PUT", permission="tasks.write", returns=TaskOut)
def assign_task(request: HttpRequest, task_id: TaskId, body: TakeIn) -> TaskOut:
    """Make a task a member of staff's own."""
    user = User.objects.filter(username=body.assignee, is_active=True).first()
    if user is None:
        raise TaskInvalidError(_("Nobody called %(name)s works here.") % {"name": body.assignee})
    take_task(task_id=task_id, user=user, clock=get_brand().clock, actor_label=acting(request)["actor_label"])
    return _shown(task_id)


@router.write("/tasks/{task_id}/assignment", method="DELETE", permission="tasks.write", returns=None)
def give_task_back(request: HttpRequest, task_id: TaskId) -> None:
    """Give a task back, so that others may take it."""
    by = acting(request)
    release_task(task_id=task_id, user=by["actor"], clock=get_brand().clock, actor_label=by["actor_label"])


@router.write("/tasks/{task_id}/snooze", method="PUT", permission="tasks.write", returns=TaskOut)
def put_task_off(request: HttpRequest, task_id: TaskId, body: SnoozeIn) -> TaskOut:
    """Put a task off."""
    by = acting(request)
    snooze_task(
        task_id=task_id, until=body.until, user=by["actor"], clock=get_brand().clock, actor_label=by["actor_label"]
    )
    return _shown(task_id)


@router.write("/tasks/{task_id}/outcome", method="PUT", permission="tasks.write", returns=TaskOut)
def close_task(request: HttpRequest, task_id: TaskId, body: FinishIn) -> TaskOut:
    """Finish a task; the outcome becomes an event of the customer."""
    by = acting(request)
    finish_task(
        task_id=task_id,
        outcome=body.outcome,
        note=body.note,
        user=by["actor"],
        clock=get_brand().clock,
        actor_label=by["actor_label"],
    )
    return _shown(task_id)


def _shown(task_id: int) -> TaskOut:
    task = queries.get_task(task_id)
    if task is None:
        raise TaskUnknownError(_("There is no task %(id)s.") % {"id": task_id})
    return _out(task)


def _out(task: StaffTask) -> TaskOut:
    return TaskOut(
        id=task.pk,
        person_id=task.person_id,
        kind=task.kind,
        title=task.title,
        context=task.context,
        state=task.state,  # type: ignore[arg-type]  # checked by the schema
        created_at=task.created_at,
        due_at=task.due_at,
        snoozed_until=task.snoozed_until,
        assignee=task.assignee.get_username() if task.assignee else "",
        outcome=task.outcome,
        note=task.note,
        finished_at=task.finished_at,
        launch_id=task.launch_id,
    )
