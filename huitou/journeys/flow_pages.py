"""Journeys: the list, a journey drawn as a flow with live counts, and its draft edited step by step."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import path, reverse
from django.utils.translation import gettext as _

from huitou.accounts.doors import acting_user, requires
from huitou.accounts.queries import find_brand, get_brand
from huitou.core.errors import DomainError
from huitou.journeys import queries, services
from huitou.journeys.conditions import tell_condition
from huitou.journeys.definition import DEFAULTS, SETTINGS, find_problems, read_steps
from huitou.journeys.editing import add_step, change_step, move_step, remove_step
from huitou.journeys.event_words import tell_event
from huitou.journeys.flow import lay_out, told_safely
from huitou.journeys.forms import EndingsForm, Menus, NewJourneyForm, SettingsForm
from huitou.journeys.models import Journey, JourneyVersion, Launch
from huitou.journeys.setting import LANGUAGES
from huitou.journeys.step import STEPS
from huitou.journeys.trigger import TRIGGERS
from huitou.segments.builder.form_fields import is_pressed

# What a new journey begins with: a wait, a task, the end.
FIRST_DRAFT: dict[str, Any] = {
    "trigger": {"kind": "event", "event": "Order Completed"},
    "steps": [
        {"id": "wait1", "kind": "wait", "mode": "for", "duration": "5d", "at": "10:00", "next": "end"},
        {"id": "end", "kind": "exit"},
    ],
    **DEFAULTS,
}


@requires("plays.view", change="plays.write")
def show_journeys(request: HttpRequest) -> HttpResponse:
    """Every journey with its versions and launches; POST makes a new one."""
    brand = find_brand()
    form = NewJourneyForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            services.create_journey(
                name=form.cleaned_data["name"],
                title=form.cleaned_data["title"],
                definition=FIRST_DRAFT,
                clock=get_brand().clock,
                actor=acting_user(request),
            )
            return redirect("journeys_flow", form.cleaned_data["name"])
        except DomainError as error:
            form.add_error(None, str(error))
    rows = []
    for journey in queries.list_journeys():
        launches = list(queries.list_launches(journey))
        rows.append(
            {
                "journey": journey,
                "newest": queries.newest_version(journey),
                "live": queries.live_version(journey),
                "running": sum(launch.state == Launch.RUNNING for launch in launches),
                "launches": len(launches),
            }
        )
    return render(request, "journeys/journeys.html", {"brand": brand, "rows": rows, "form": form})


@requires("plays.view", change="plays.write")
def show_flow(request: HttpRequest, name: str) -> HttpResponse:
    """One version as a flow; POST publishes, adds a step, or puts the journey away."""
    journey = _journey(name)
    if request.method == "POST":
        return _act(request, journey)
    version = _version(request, journey)
    launch = _launch(request, version)
    problems = find_problems(version.definition)
    definition = version.definition if isinstance(version.definition, dict) else {}
    steps = read_steps(definition.get("steps"))
    trigger = definition.get("trigger") or {}
    trigger = trigger if isinstance(trigger, dict) else {}
    kind = next((one for one in TRIGGERS if one.kind == trigger.get("kind")), None)
    context = {
        "brand": find_brand(),
        "journey": journey,
        "version": version,
        "is_draft": version.state == JourneyVersion.DRAFT,
        "versions": list(journey.versions.order_by("-number")),
        "launches": list(queries.list_launches(journey)[:20]),
        "launch": launch,
        "counts": queries.launch_counts(launch) if launch else None,
        "chain": lay_out(steps, queries.counts_by_step(version, launch), problems),
        "problems": problems,
        "general": [problem for problem in problems if problem.step_place is None],
        "trigger": kind,
        "trigger_words": told_safely(kind.tell, trigger) if kind else "",
        "audience": tell_condition(definition["audience"]) if definition.get("audience") else "",
        "goal": _ending_words(definition.get("goal")),
        "exit_when": _ending_words(definition.get("exit_when")),
        "terms": _terms(definition),
        "kinds": [(step.kind, step.label) for step in STEPS],
    }
    return render(request, "journeys/flow.html", context)


def _terms(definition: dict[str, Any]) -> list[tuple[str, str]]:
    whole = {**DEFAULTS, **definition}
    found = []
    for setting in SETTINGS:
        value = whole.get(setting.name)
        if value not in (None, ""):
            shown = dict(setting.choices).get(str(value), value)
            if setting.name == "control_bp" and isinstance(value, int):
                shown = f"{value / 100:g} %"
            label = _("Control share") if setting.name == "control_bp" else str(setting.label)
            found.append((label, str(shown)))
    return found


def _ending_words(told: Any) -> str:
    if not isinstance(told, dict):
        return ""
    listed = told.get("events")
    listed = [e for e in listed if isinstance(e, dict)] if isinstance(listed, list) else []
    words = [told_safely(lambda e: tell_event(str(e.get("event")), e.get("where")), e) for e in listed]
    words += [_("a purchase")] if told.get("purchase") else []
    words += [tell_condition(told["when"])] if told.get("when") else []
    return ", ".join(words)


def _act(request: HttpRequest, journey: Journey) -> HttpResponse:
    action, actor, clock = request.POST.get("action", ""), acting_user(request), get_brand().clock
    try:
        if action == "publish":
            version = services.publish(journey=journey, clock=clock, actor=actor)
            messages.success(request, _("Version %(number)s is live.") % {"number": version.number})
        elif action == "archive":
            services.archive_journey(journey=journey, clock=clock, actor=actor)
            messages.success(request, _("Put away."))
            return redirect("journeys")
        elif action == "draft":
            services.save_draft(
                journey=journey, definition=queries.newest_version(journey).definition, clock=clock, actor=actor
            )
        elif action == "add":
            made, name = add_step(
                queries.newest_version(journey).definition,
                request.POST.get("kind", ""),
                after=request.POST.get("after", ""),
                outlet=request.POST.get("outlet", "next"),
            )
            services.save_draft(journey=journey, definition=made, clock=clock, actor=actor)
            return redirect("journeys_step", journey.name, name)
    except DomainError as error:
        messages.error(request, str(error))
    return redirect("journeys_flow", journey.name)


@requires("plays.view", change="plays.write")
def show_step(request: HttpRequest, name: str, step_id: str) -> HttpResponse:
    """The form of one step; POST saves it into the draft, moves it or takes it out."""
    journey = _journey(name)
    version = queries.newest_version(journey)
    steps = read_steps(version.definition.get("steps"))
    if step_id not in steps:
        raise Http404
    step = steps[step_id]
    targets = [(s.id, f"{s.id} · {s.step.label}") for s in steps.values() if s.id != step_id]
    is_form = request.method == "POST" and (request.POST.get("action") == "save" or is_pressed(request.POST))
    posted = request.POST if is_form else None
    form = SettingsForm(step.step.settings, posted, step.settings, step.outlets, targets)
    if request.method == "POST" and not is_pressed(request.POST):
        try:
            if _change(request, journey, version, step_id, form):
                return redirect("journeys_flow", journey.name)
        except forms.ValidationError as error:
            form.add_error(None, error)
        except DomainError as error:
            messages.error(request, str(error))
    problems = [p for p in find_problems(version.definition) if p.step_place == step.position]
    context = {
        "brand": find_brand(),
        "journey": journey,
        "step": step,
        "kind": step.step,
        "form": form,
        "problems": problems,
        "places": [
            (f"{s.id}|{o.name}", f"{s.id} · {o.label}" if o.label else s.id)
            for s in steps.values()
            if s.id != step_id
            for o in s.outlets
        ],
        "can_move": len(step.outlets) == 1,
        "previews": _previews(step.settings) if step.kind in ("send", "handoff") else [],
    }
    return render(request, "journeys/step.html", context)


def _change(request: HttpRequest, journey: Journey, version: JourneyVersion, step_id: str, form: SettingsForm) -> bool:
    action = request.POST.get("action", "")
    if action == "save":
        if not form.is_valid():
            return False
        made = change_step(version.definition, step_id, form.values())
    elif action == "remove":
        made = remove_step(version.definition, step_id)
    elif action == "move":
        after, _sep, outlet = request.POST.get("place", "").partition("|")
        made = move_step(version.definition, step_id, after=after, outlet=outlet or "next")
    else:
        return False
    services.save_draft(journey=journey, definition=made, clock=get_brand().clock, actor=acting_user(request))
    return True


def _previews(settings: Any) -> list[dict[str, str]]:
    """What a customer reads, in each language."""
    found = []
    for language in LANGUAGES:
        body = settings.get("text") or settings.get("context") or {}
        title = settings.get("title") or {}
        told = {
            "language": language,
            "title": title.get(language, "") if isinstance(title, dict) else "",
            "text": body.get(language, "") if isinstance(body, dict) else "",
        }
        if told["title"] or told["text"]:
            found.append(told)
    return found


@requires("plays.view", change="plays.write")
def show_terms(request: HttpRequest, name: str) -> HttpResponse:
    """What lets customers in and out: trigger, audience, endings, re-entry, window and control share."""
    journey = _journey(name)
    version = queries.newest_version(journey)
    definition = version.definition if isinstance(version.definition, dict) else {}
    trigger = definition.get("trigger") or {}
    asked = request.POST.get("trigger_kind") or request.GET.get("trigger") or trigger.get("kind") or "event"
    kind = TRIGGERS[asked] if asked in TRIGGERS else TRIGGERS["event"]
    posted = request.POST if request.method == "POST" else None
    menus = Menus()
    form = SettingsForm(kind.settings, posted, trigger if trigger.get("kind") == kind.kind else {}, menus=menus)
    terms = SettingsForm(SETTINGS, posted, {**DEFAULTS, **definition}, menus=menus)
    endings = EndingsForm(posted, definition, menus)
    if posted and not is_pressed(posted) and form.is_valid() and terms.is_valid() and endings.is_valid():
        try:
            made = {**definition, "trigger": {"kind": kind.kind, **form.values()}, **terms.values(), **endings.values()}
            made = {key: value for key, value in made.items() if value not in (None, {}, "")}
            services.save_draft(journey=journey, definition=made, clock=get_brand().clock, actor=acting_user(request))
            return redirect("journeys_flow", journey.name)
        except DomainError as error:
            messages.error(request, str(error))
    context = {
        "brand": find_brand(),
        "journey": journey,
        "kind": kind,
        "triggers": [(one.kind, one.label) for one in TRIGGERS],
        "form": form,
        "terms": terms,
        "endings": endings,
        "problems": [p for p in find_problems(definition) if p.step_place is None],
    }
    return render(request, "journeys/terms.html", context)


def _journey(name: str) -> Journey:
    try:
        return queries.get_journey(name)
    except services.JourneyUnknownError as error:
        raise Http404 from error


def _version(request: HttpRequest, journey: Journey) -> JourneyVersion:
    asked = request.GET.get("version", "")
    if asked.isdigit() and len(asked) < 9:
        try:
            return queries.get_version(journey, int(asked))
        except services.JourneyUnknownError as error:
            raise Http404 from error
    return queries.newest_version(journey)


def _launch(request: HttpRequest, version: JourneyVersion) -> Launch | None:
    asked = request.GET.get("launch", "")
    if asked.isdigit() and len(asked) < 18:
        return version.launches.filter(pk=int(asked)).first()
    return None


def flow_url(journey: Journey) -> str:
    """Where a journey is drawn."""
    return reverse("journeys_flow", args=[journey.name])


urlpatterns = [
    path("journeys/", show_journeys, name="journeys"),
    path("journeys/<slug:name>/", show_flow, name="journeys_flow"),
    path("journeys/<slug:name>/terms/", show_terms, name="journeys_terms"),
    path("journeys/<slug:name>/steps/<str:step_id>/", show_step, name="journeys_step"),
]
