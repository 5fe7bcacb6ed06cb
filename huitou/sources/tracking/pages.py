"""Data: the tracking plan, its events and properties, and what came otherwise."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import path, reverse
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from huitou.accounts.doors import acting_user, requires
from huitou.accounts.models import Brand
from huitou.accounts.queries import find_brand
from huitou.console.tables import read_page
from huitou.core.clock import SystemClock
from huitou.core.errors import DomainError
from huitou.sources.models import PlanProblem
from huitou.sources.tracking.forms import EventForm, PropertyForm
from huitou.sources.tracking.plan import TYPES, Plan, PlannedEvent
from huitou.sources.tracking.queries import current_plan, list_problems, list_versions, own_declarations
from huitou.sources.tracking.services import declare_event, dismiss_problem, withdraw_event, withdraw_property
from huitou.sources.tracking.words import PROBLEM_WORDS, problem_rows

_CLOCK = SystemClock()
# What a value looked like, as the type that would declare it.
_TYPE_OF_KIND = {"text": "text", "integer": "integer", "number": "number", "boolean": "boolean", "list": "list"}


@requires("data.view")
def show_plan(request: HttpRequest) -> HttpResponse:
    """What came otherwise, and every planned event."""
    plan = current_plan()
    source, problem = request.GET.get("source", ""), request.GET.get("problem", "")
    problems = list_problems(source, problem)
    paging = read_page(request, total=problems.count(), size=20)
    text, kind = request.GET.get("q", "").strip().casefold(), request.GET.get("kind", "")
    context: dict[str, Any] = {
        "brand": find_brand() or Brand(),
        "plan": plan,
        "problems": problem_rows(problems[paging.offset : paging.offset + paging.size]),
        "paging": paging,
        "sources": sorted(set(PlanProblem.objects.values_list("source", flat=True))),
        "words": list(PROBLEM_WORDS.items()),
        "source": source,
        "problem": problem,
        "events": _events(plan, text, kind),
        "text": request.GET.get("q", ""),
        "kind": kind,
        "versions": list_versions()[:10],
        "form": EventForm(),
    }
    return render(request, "sources/plan.html", context)


def _events(plan: Plan, text: str, kind: str) -> list[PlannedEvent]:
    found = [
        event
        for event in plan.events.values()
        if (not text or text in f"{event.name} {event.zh} {event.en}".casefold())
        and (not kind or event.own == (kind == "own"))
    ]
    # The brand's own stand first: they are what somebody comes here to change.
    return sorted(found, key=lambda event: (not event.own, list(plan.events).index(event.name)))


@requires("data.view", change="data.write")
def show_event(request: HttpRequest) -> HttpResponse:
    """One event with its properties; declaring, changing and withdrawing them."""
    name = (request.POST if request.method == "POST" else request.GET).get("name", "").strip()
    plan = current_plan()
    event = plan.events.get(name)
    if not name or (event is None and not request.user.has_perm("data.write")):
        raise Http404
    form = PropertyForm(initial=_asked(request, event))
    naming = EventForm(initial={"name": name, "zh": event.zh if event else "", "en": event.en if event else ""})
    if request.method == "POST":
        action = request.POST.get("action", "")
        if action == "property":
            form = PropertyForm(request.POST)
            if form.is_valid() and _done(request, name, properties=form.declaration()):
                return _to(name)
        elif action == "event":
            naming = EventForm(request.POST)
            if naming.is_valid() and _done(request, name, zh=request.POST["zh"], en=request.POST["en"]):
                return _to(name)
        else:
            return _withdraw(request, name, request.POST.get("property", "") if action == "withdraw_property" else "")
    context = {
        "brand": find_brand() or Brand(),
        "event": event,
        "name": name,
        "properties": [(declared, TYPES[declared.type]) for declared in event.properties.values()] if event else [],
        "everywhere": list(plan.everywhere.values()),
        "own": own_declarations().get(name),
        "form": form,
        "naming": naming,
        "problems": problem_rows(list_problems(event=name)[:50]),
    }
    return render(request, "sources/plan_event.html", context, status=422 if request.method == "POST" else 200)


def _asked(request: HttpRequest, event: PlannedEvent | None) -> dict[str, Any]:
    """What the form begins with: the property that the address names, as it is declared or as it came."""
    name = request.GET.get("property", "")
    declared = event.properties.get(name) if event else None
    if declared is None:
        return {"property": name, "type": _TYPE_OF_KIND.get(request.GET.get("type", ""), "code")}
    return {
        "property": name,
        "zh": declared.zh,
        "type": declared.type,
        "values": ", ".join(declared.values),
        "required": declared.required,
        "personal": declared.personal,
    }


def _to(name: str) -> HttpResponse:
    return redirect(f"{reverse('data_plan_event')}?{urlencode({'name': name})}")


def _done(request: HttpRequest, name: str, **declared: Any) -> bool:
    try:
        plan = declare_event(name=name, clock=_CLOCK, actor=acting_user(request), **declared)
    except DomainError as error:
        messages.error(request, str(error))
        return False
    messages.success(request, _("Saved as version %(number)s of the plan.") % {"number": plan.version})
    return True


def _withdraw(request: HttpRequest, name: str, property_name: str) -> HttpResponse:
    try:
        if property_name:
            withdraw_property(name=name, property_name=property_name, clock=_CLOCK, actor=acting_user(request))
        else:
            withdraw_event(name=name, clock=_CLOCK, actor=acting_user(request))
    except DomainError as error:
        messages.error(request, str(error))
    else:
        messages.success(request, _("Withdrawn. What is shipped of it counts again."))
    return _to(name) if property_name or name in current_plan().events else redirect("data_plan")


@requires("data.write")
@require_POST
def dismiss(request: HttpRequest, problem_id: int) -> HttpResponse:
    """Take a problem off the list until it happens again."""
    if dismiss_problem(problem_id=problem_id, clock=_CLOCK, actor=acting_user(request)):
        messages.success(request, _("Dismissed; it comes back when it happens again."))
    return redirect(f"{reverse('data_plan')}#problems")


urlpatterns = [
    path("data/plan/", show_plan, name="data_plan"),
    path("data/plan/event/", show_event, name="data_plan_event"),
    path("data/plan/problems/<int:problem_id>/dismiss/", dismiss, name="data_plan_dismiss"),
]
