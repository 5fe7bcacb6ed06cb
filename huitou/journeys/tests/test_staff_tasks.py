"""Tasks of staff: taken by one, put off, finished once, and the outcome is an event that journeys wait for."""

from __future__ import annotations

import pytest
from django.conf import settings
from django.utils.translation import override

from huitou.accounts.models import AuditEntry, User
from huitou.core.clock import SystemClock
from huitou.journeys import queries
from huitou.journeys.models import Enrollment, StaffTask
from huitou.journeys.services import stop
from huitou.journeys.staff_tasks import (
    TaskInvalidError,
    TaskStateError,
    TaskUnknownError,
    finish_task,
    release_task,
    snooze_task,
    take_task,
)
from huitou.journeys.tests.travelling import DAY, END, HOUR, WORDS, World, journey, way
from huitou.sources.consuming.consumer import drain

CALL = {"id": "call", "kind": "handoff", "title": WORDS, "context": WORDS, "due": "4h"}
ANSWER = {
    "id": "answer",
    "kind": "wait",
    "mode": "event",
    "event": "Staff Task Finished",
    "where": [{"property": "outcome", "is": "=", "value": "declined"}],
    "at_most": "7d",
    "timeout": "end",
    "next": "end",
}


def handed_over() -> tuple[World, StaffTask]:
    world = World()
    world.launch(journey([CALL, ANSWER, END]))
    world.hear(world.people[0], "Order Completed")
    world.turn()
    return world, StaffTask.objects.get()


@pytest.mark.django_db(transaction=True)
def test_the_outcome_reaches_the_journey_by_the_inbox() -> None:
    world, task = handed_over()
    world.now += HOUR
    for _twice in range(2):
        finish_task(task_id=task.pk, outcome="declined", note="later", user=None, clock=world.clock)
    drain(home=settings.HOME, clock=SystemClock())
    world.turn(HOUR)
    assert way(Enrollment.objects.get())[-2:] == [("end", "event"), ("", "finished")]
    assert AuditEntry.objects.filter(action="staff_task.finished").count() == 1
    with pytest.raises(TaskStateError):
        finish_task(task_id=task.pk, outcome="reached", user=None, clock=world.clock)


@pytest.mark.django_db
def test_a_task_belongs_to_one_until_it_is_given_back() -> None:
    world, task = handed_over()
    one, other = (User.objects.create_user(name, password="long enough 1") for name in ("one", "other"))
    take_task(task_id=task.pk, user=one, clock=world.clock)
    take_task(task_id=task.pk, user=one, clock=world.clock)
    with pytest.raises(TaskStateError):
        take_task(task_id=task.pk, user=other, clock=world.clock)
    release_task(task_id=task.pk, user=one, clock=world.clock)
    assert take_task(task_id=task.pk, user=other, clock=world.clock).assignee == other


@pytest.mark.django_db
def test_what_is_put_off_comes_back_and_the_most_overdue_stand_first() -> None:
    world, task = handed_over()
    later = StaffTask.objects.create(
        key="x", person_id=world.people[0], kind="call", title=WORDS, created_at=world.now, due_at=world.now + DAY
    )
    assert list(queries.list_tasks(now=world.now)) == [task, later]
    snooze_task(task_id=task.pk, until=world.now + 2 * HOUR, user=None, clock=world.clock)
    assert list(queries.list_tasks(now=world.now)) == [later]
    assert list(queries.list_tasks(now=world.now, which="snoozed")) == [task]
    assert list(queries.list_tasks(now=world.now + 3 * HOUR)) == [task, later]


@pytest.mark.django_db
def test_stopping_a_launch_calls_off_what_is_not_done_and_says_why() -> None:
    """Also what somebody has taken and what waits for a way that went on; what is done, and another launch's, stays."""
    world = World(4)
    stopped = world.launch(journey([CALL, END]))
    world.launch(journey([CALL, END], event="Form Submitted"), name="other")
    for person in world.people[:3]:
        world.hear(person, "Order Completed")
    world.hear(world.people[3], "Form Submitted")
    world.turn()
    done, taken, free, beside = StaffTask.objects.order_by("person_id")
    finish_task(task_id=done.pk, outcome="reached", user=None, clock=world.clock)
    anna = User.objects.create_user("anna")
    take_task(task_id=taken.pk, user=anna, clock=world.clock)
    world.now += HOUR
    for _twice in range(2):
        stop(launch=stopped, clock=world.clock)
    left = {task.pk: (task.state, task.outcome, task.finished_at) for task in StaffTask.objects.all()}
    assert left == {
        done.pk: ("done", "reached", world.now - HOUR),
        taken.pk: ("cancelled", "stopped", world.now),
        free.pk: ("cancelled", "stopped", world.now),
        beside.pk: ("open", "", None),
    }
    assert AuditEntry.objects.get(action="launch.stopped").detail["called_off"] == 2
    with override("en"), pytest.raises(TaskStateError, match="the launch was stopped"):
        finish_task(task_id=taken.pk, outcome="reached", user=anna, clock=world.clock)


@pytest.mark.django_db
def test_what_cannot_be_is_refused_in_a_sentence() -> None:
    world, task = handed_over()
    with pytest.raises(TaskInvalidError, match="reached"):
        finish_task(task_id=task.pk, outcome="maybe", user=None, clock=world.clock)
    with pytest.raises(TaskInvalidError):
        snooze_task(task_id=task.pk, until=world.now, user=None, clock=world.clock)
    with pytest.raises(TaskUnknownError):
        finish_task(task_id=task.pk + 9, outcome="reached", user=None, clock=world.clock)
