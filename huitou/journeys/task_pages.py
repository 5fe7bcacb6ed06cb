"""Inbox of tasks: what staff has to do, mine or all, the most overdue first."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.template.loader import render_to_string
from django.urls import path, reverse
from django.utils.translation import gettext as _

from huitou.accounts.doors import acting_user, requires
from huitou.accounts.queries import find_brand
from huitou.console.tables import read_page
from huitou.core.errors import DomainError
from huitou.customers.labels import customer_labels
from huitou.journeys import queries
from huitou.journeys.forms import FinishForm
from huitou.journeys.models import Enrollment, StaffTask
from huitou.journeys.plays.words import (
    arm_words,
    exit_words,
    step_words,
)
from huitou.journeys.staff_tasks import (
    OUTCOMES,
    TASK_KINDS,
    finish_task,
    release_task,
    snooze_task,
    take_task,
    told_outcome,
)
from huitou.journeys.titles import launch_title
from huitou.journeys.wording import in_language

PAGE_SIZE = 30
_WHICH = ("open", "snoozed", "done")
_SNOOZES = {"4h": timedelta(hours=4), "1d": timedelta(days=1), "3d": timedelta(days=3), "7d": timedelta(days=7)}


@requires("tasks.view", change="tasks.write")
def show_tasks(request: HttpRequest) -> HttpResponse:
    """The tasks that the address asks for; POST takes, gives back, puts off or finishes one."""
    brand = find_brand()
    if brand is None:
        return render(request, "journeys/tasks.html", {"brand": None})
    if request.method == "POST":
        return _act(request, brand.clock)
    which = request.GET.get("which", "open")
    which = which if which in _WHICH else "open"
    user = acting_user(request)
    mine = request.GET.get("mine") == "1" and user is not None
    now = brand.now()
    found = queries.list_tasks(now=now, which=which, assignee_id=user.pk if mine and user else None)
    paging = read_page(request, total=found.count(), size=PAGE_SIZE)
    tasks = list(found[paging.offset : paging.offset + PAGE_SIZE])
    labels = customer_labels([task.person_id for task in tasks])
    context: dict[str, Any] = {
        "brand": brand,
        "which": which,
        "mine": mine,
        "paging": paging,
        "tasks": [_row(task, labels.get(task.person_id, f"#{task.person_id}"), now, user) for task in tasks],
        "snoozes": [(code, _words(length)) for code, length in _SNOOZES.items()],
        "form": FinishForm(OUTCOMES),
    }
    return render(request, "journeys/tasks.html", context)


def _words(length: timedelta) -> str:
    hours = int(length.total_seconds()) // 3600
    if hours < 24:
        return _("%(count)s hours") % {"count": hours}
    return _("%(count)s days") % {"count": hours // 24}


def _row(task: StaffTask, label: str, now: Any, user: Any) -> dict[str, Any]:
    return {
        "task": task,
        "label": label,
        "title": in_language(task.title),
        "context": in_language(task.context),
        "kind": dict(TASK_KINDS).get(task.kind, task.kind),
        "outcome": told_outcome(task.outcome),
        "overdue": task.is_overdue(now),
        "mine": user is not None and task.assignee_id == user.pk,
    }


def _act(request: HttpRequest, clock: Any) -> HttpResponse:
    user, action = acting_user(request), request.POST.get("action", "")
    number = request.POST.get("task", "")
    back = f"{reverse('tasks')}?{request.GET.urlencode()}" if request.GET else reverse("tasks")
    if user is None or not number.isdigit() or len(number) > 18:
        raise Http404
    task_id = int(number)
    try:
        if action == "take":
            take_task(task_id=task_id, user=user, clock=clock)
            messages.success(request, _("The task is yours."))
        elif action == "release":
            release_task(task_id=task_id, user=user, clock=clock)
            messages.success(request, _("Given back; others can take it."))
        elif action == "snooze":
            length = _SNOOZES.get(request.POST.get("length", ""), _SNOOZES["1d"])
            snooze_task(task_id=task_id, until=clock.now() + length, user=user, clock=clock)
            messages.success(request, _("Put off."))
        else:
            form = FinishForm(OUTCOMES, request.POST)
            if not form.is_valid():
                messages.error(request, _("Choose what came of it."))
                return redirect(back)
            finish_task(
                task_id=task_id,
                outcome=form.cleaned_data["outcome"],
                note=form.cleaned_data["note"],
                user=user,
                clock=clock,
            )
            messages.success(request, _("Finished; the outcome is on the customer's record."))
    except DomainError as error:
        messages.error(request, str(error))
    return redirect(back)


def _way(way: Enrollment) -> dict[str, Any]:
    return {
        "way": way,
        "title": launch_title(way.launch),
        "active": way.state == Enrollment.ACTIVE,
        "step": step_words(way.launch, way.step) if way.step else "",
        "exit": exit_words(way.exit_reason),
        "arm": arm_words(way.arm),
    }


def customer_card(request: HttpRequest, person_id: Any) -> str:
    """Journeys and tasks of a customer; nothing where there are none."""
    brand = find_brand()
    ways, tasks = queries.ways_of(person_id), queries.tasks_of(person_id)
    if brand is None or not (ways or tasks):
        return ""
    now = brand.now()
    context = {
        "brand": brand,
        "ways": [_way(way) for way in ways[:20]],
        "tasks": [_row(task, "", now, None) for task in tasks[:20]],
    }
    return render_to_string("journeys/customer_card.html", context, request=request)


urlpatterns = [path("tasks/", show_tasks, name="tasks")]
