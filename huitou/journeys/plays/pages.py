"""Plays in the console: the library, one play with its preview, the launch, its live numbers, and rehearsals."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.urls import path, reverse
from django.utils.html import format_html
from django.utils.translation import get_language, gettext_lazy
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from huitou.accounts.doors import acting_user, requires
from huitou.accounts.models import Brand
from huitou.accounts.queries import find_brand, get_brand
from huitou.console.downloads import csv_response
from huitou.console.shell import Page
from huitou.core.errors import DomainError
from huitou.experiments.models import MOST_LOOKS
from huitou.experiments.queries import find_experiment, readout
from huitou.experiments.words import tell
from huitou.journeys import services
from huitou.journeys.conditions import tell_condition
from huitou.journeys.flow import Box, lay_out
from huitou.journeys.models import Launch
from huitou.journeys.play import in_language, library
from huitou.journeys.plays.drafts import Draft, find_draft
from huitou.journeys.plays.forms import inputs_of, read_days, read_parameters, read_share
from huitou.journeys.plays.launching import OPEN_STATES, copy_play, launch_draft
from huitou.journeys.plays.next_steps import next_steps
from huitou.journeys.plays.numbers import numbers_of
from huitou.journeys.plays.preview import preview
from huitou.journeys.plays.rehearsing import Asked, find_rehearsal, start_rehearsal
from huitou.journeys.plays.words import (
    STAGES,
    STATE_TONES,
    STATES,
    arm_words,
    detectable_words,
    exit_words,
    preview_words,
    replay_header,
    replay_lines,
    replay_words,
    share_words,
)
from huitou.journeys.queries import get_launch, list_journeys, list_launches
from huitou.journeys.titles import launch_title
from huitou.messaging.reasons import reason_words
from huitou.messaging.states import state_words
from huitou.orders.queries import last_refresh
from huitou.segments.queries import count_members

PAGES = [Page("plays", "decide", gettext_lazy("Plays"), "refresh", 10, "plays")]
_SHOWN = 200
FOR_SEGMENT = "segment_message"


@requires("plays.view")
def show_library(request: HttpRequest) -> HttpResponse:
    """The ready plays, one's own journeys, and every launch."""
    brand = find_brand()
    launches = [_launch_row(launch) for launch in list_launches()[:50]]
    context = {
        "brand": brand,
        "plays": [_play_row(name) for name in library()],
        "own": [journey for journey in list_journeys() if journey.name not in library()],
        "launches": launches,
        "is_ready": brand is not None and last_refresh() is not None,
    }
    return render(request, "journeys/plays.html", context)


def _play_row(name: str) -> dict[str, Any]:
    play = library()[name]
    running = Launch.objects.filter(version__journey__name=name, state__in=OPEN_STATES).order_by("-pk").first()
    return {
        "name": name,
        "title": in_language(play.title),
        "summary": in_language(play.summary),
        "stage": STAGES[play.stage],
        "running": running,
    }


def _launch_row(launch: Launch) -> dict[str, Any]:
    numbers = numbers_of(launch)
    return {
        "launch": launch,
        "title": launch_title(launch),
        "state": STATES[launch.state],
        "tone": STATE_TONES.get(launch.state, ""),
        "numbers": numbers,
        "refused": sum(numbers.refused.values()),
        "experiment": find_experiment(launch.experiment),
    }


@requires("plays.view")
def show_size(request: HttpRequest, name: str) -> HttpResponse:
    """How many a ready play would let in now; asked for by the library once it is drawn."""
    try:
        draft = find_draft(name)
        count = count_members(draft.definition.audience) if draft.definition.audience else None
    except DomainError:
        count = None
    return render(request, "journeys/play_size_part.html", {"count": count, "name": name})


def contact_segment(_request: HttpRequest, segment: Any) -> str:
    """The way from a segment's page to the play that contacts it."""
    address = reverse("plays_play", args=[FOR_SEGMENT], query={"segment": segment.name})
    return format_html('<a class="button primary" href="{}">{}</a>', address, _("Contact them …"))


def _unchosen(draft: Draft) -> bool:
    """Whether the play asks for a segment that nobody has chosen yet."""
    play, given = draft.play, draft.parameters or {}
    return any(given.get(p.name) == p.default for p in play.parameters if p.type == "segment") if play else False


def _draft(request: HttpRequest, name: str, given: QueryDict) -> tuple[Draft, str]:
    """The draft that the address says, and what is wrong with it, in which case it has the play's own settings."""
    play = library().get(name)
    try:
        return find_draft(name, read_parameters(play, given) if play else None), ""
    except DomainError as error:
        if play is None:
            raise
        return find_draft(name), str(error)


@requires("plays.view")
def show_play(request: HttpRequest, name: str) -> HttpResponse:
    """One play: what it does and for whom, its settings, its preview, and its launches."""
    draft, problem = _draft(request, name, request.GET)
    if problem:
        messages.error(request, problem)
    brand, play, unchosen = find_brand(), draft.play, _unchosen(draft)
    context = {
        "brand": brand,
        "draft": draft,
        "is_chosen": not unchosen,
        "summary": in_language(play.summary) if play else "",
        "stage": STAGES[play.stage] if play else "",
        "target": play.target.value if play else None,
        "inputs": inputs_of(play, draft.parameters or {}) if play else [],
        "who": tell_condition(draft.definition.audience) if draft.definition.audience and not unchosen else "",
        "when": draft.definition.trigger_kind.tell(draft.definition.trigger),
        "steps": _steps(lay_out(draft.definition.steps, {})),
        "control": request.GET.get("control", ""),
        "enroll_days": read_days(request.GET.get("enroll_days", "")) or draft.enroll_days,
        "query": request.GET.urlencode(),
        "is_ready": brand is not None and last_refresh() is not None,
        "launches": [_launch_row(one) for one in list_launches().filter(version__journey__name=draft.name)[:20]],
    }
    return render(request, "journeys/play.html", context)


def _steps(boxes: Sequence[Box]) -> list[dict[str, Any]]:
    """Steps as they are read: below a branch or a split what each way leads to."""
    language = "zh" if (get_language() or "zh").startswith("zh") else "en"
    found = []
    for box in boxes:
        if box.step is None:
            continue
        settings = box.step.settings
        words = settings.get("text") or settings.get("context") or {}
        title = settings.get("title") or {}
        heading = title.get(language, "") if isinstance(title, dict) else ""
        found.append(
            {
                "kind": box.step.step.label,
                "told": box.words,
                "title": heading if heading != box.words else "",
                "text": words.get(language, "") if isinstance(words, dict) else "",
                "ways": [(way.label or way.outlet, _steps(way.chain)) for way in box.ways],
            }
        )
    return found


@requires("plays.view")
def show_preview(request: HttpRequest, name: str) -> HttpResponse:
    """The preview's numbers; loaded by the page, as counting a month of history takes a while."""
    draft, problem = _draft(request, name, request.GET)
    if _unchosen(draft):
        return render(request, "journeys/preview_part.html", {"choose": True})
    try:
        context = _preview_context(request, draft)
    except DomainError as error:
        return render(request, "journeys/preview_part.html", {"problem": str(error)})
    return render(
        request, "journeys/preview_part.html", context | {"problem": problem, "query": request.GET.urlencode()}
    )


def _preview_context(request: HttpRequest, draft: Draft) -> dict[str, Any]:
    share = read_share(request.GET.get("control", ""))
    days = read_days(request.GET.get("enroll_days", ""))
    found = preview(draft, brand=get_brand(), control_bp=share, enroll_days=days)
    return {
        "draft": draft,
        "preview": found,
        "lines": list(preview_words(found)),
        "detectable": detectable_words(found.detectable),
        "control_percent": f"{found.control_bp / 100:g}",
        "steps": [
            {"step": step, "refused": [(reason_words(code), n) for code, n in step.refused.items()]}
            for step in found.steps
        ],
        "no_consent": any("no_consent" in step.refused for step in found.steps),
        "nobody_by_date": draft.definition.trigger["kind"] == "date" and not found.expected,
        "no_account": any("no_account" in step.refused for step in found.steps),
    }


@requires("plays.view", change="plays.write")
def launch(request: HttpRequest, name: str) -> HttpResponse:
    """The preview's numbers once more, and the launch; pressed twice, it launches once."""
    draft, problem = _draft(request, name, request.GET)
    if problem or _unchosen(draft):
        messages.error(request, problem or _("Choose a segment first."))
        return redirect("plays_play", name)
    back = f"{reverse('plays_play', args=[name])}?{request.GET.urlencode()}"
    if request.method == "POST":
        share = read_share(request.POST.get("control", ""))
        if share is None:
            messages.error(request, _("Write the control share as a number from 0 to 90 %."))
            return redirect(back)
        try:
            made = launch_draft(
                draft,
                clock=get_brand().clock,
                control_bp=share,
                enroll_days=read_days(request.GET.get("enroll_days", "")),
                looks=min(read_days(request.POST.get("looks", "")) or 0, MOST_LOOKS),
                key=request.POST.get("key", "")[:60],
                beside=request.POST.get("beside") == "yes",
                actor=acting_user(request),
                actor_label="console",
            )
        except DomainError as error:
            messages.error(request, str(error))
            return redirect(back)
        messages.success(request, _("Launched."))
        return redirect("plays_launch", made.pk)
    running = list_launches().filter(version__journey__name=draft.name, state__in=OPEN_STATES).first()
    context = _preview_context(request, draft) | {
        "brand": get_brand(),
        "back": back,
        "key": f"console:{uuid.uuid4()}",
        "running": running,
    }
    return render(request, "journeys/launch_confirm.html", context)


@requires("plays.view")
def show_launch(request: HttpRequest, number: int) -> HttpResponse:
    """One launch: its live numbers, and its readout once its end has passed."""
    found, brand = get_launch(number), get_brand()
    numbers = numbers_of(found)
    context: dict[str, Any] = {
        "brand": brand,
        "launch": found,
        "title": launch_title(found),
        "play": found.version.journey.name,
        "state": STATES[found.state],
        "tone": STATE_TONES.get(found.state, ""),
        "numbers": numbers,
        "arms": [(arm_words(arm), count) for arm, count in numbers.arms.items()],
        "refused": [(reason_words(code), count) for code, count in numbers.refused.items()],
        "lost": [(state_words(code), count) for code, count in numbers.lost.items()],
        "waiting": [(reason_words(code) if code else _("not due yet"), n) for code, n in numbers.waiting.items()],
        "exits": [(exit_words(code), count) for code, count in numbers.exits.items()],
        "experiment": find_experiment(found.experiment),
        "control": share_words(found.control_bp),
        "no_consent": "no_consent" in numbers.refused,
        "can_pause": found.state in (Launch.SCHEDULED, Launch.RUNNING),
        "can_resume": found.state == Launch.PAUSED,
        "can_stop": found.state in OPEN_STATES,
    }
    is_final, experiment = False, context["experiment"]
    try:
        shown = readout(found.experiment)
        context["sentences"], is_final = tell(shown, brand.tz), shown.state == "final"
    except DomainError as error:
        context["readout_problem"] = str(error)
    context["next_steps"] = next_steps(
        found, numbers, result_on=experiment.ends_at if experiment else None, is_final=is_final, zone=brand.tz
    )
    return render(request, "journeys/launch.html", context)


@requires("plays.write")
def change_launch(request: HttpRequest, number: int, verb: str) -> HttpResponse:
    """Pause, resume or stop a launch; what cannot be undone is asked once more."""
    change = {"pause": services.pause, "resume": services.resume, "stop": services.stop}[verb]
    found, brand = get_launch(number), get_brand()
    if request.method != "POST":
        if verb != "stop" or found.state not in OPEN_STATES:
            return redirect("plays_launch", number)
        context = {
            "brand": brand,
            "launch": found,
            "title": launch_title(found),
            "numbers": numbers_of(found),
            "experiment": find_experiment(found.experiment),
        }
        return render(request, "journeys/stop_confirm.html", context)
    told = {
        "pause": _("Paused: nobody comes in and nothing is sent until you resume it."),
        "resume": _("It runs again."),
        "stop": _("Stopped for good."),
    }
    try:
        change(launch=found, clock=brand.clock, actor=acting_user(request), actor_label="console")
        messages.success(request, told[verb])
    except DomainError as error:
        messages.error(request, str(error))
    return redirect("plays_launch", number)


@requires("plays.write")
@require_POST
def copy(request: HttpRequest, name: str) -> HttpResponse:
    """Make a journey of one's own of the play, to be edited."""
    draft, problem = _draft(request, name, request.GET)
    new = request.POST.get("name", "").strip()
    try:
        if problem:
            raise DomainError(problem)
        made = copy_play(
            draft,
            name=new,
            title=request.POST.get("title", "").strip() or draft.title,
            clock=get_brand().clock,
            actor=acting_user(request),
            actor_label="console",
        )
    except DomainError as error:
        messages.error(request, str(error))
        return redirect(f"{reverse('plays_play', args=[name])}?{request.GET.urlencode()}")
    messages.success(request, _("Copied. It is yours to change now."))
    return redirect("journeys_flow", made.name)


@requires("plays.view", change="plays.write")
def rehearse(request: HttpRequest, name: str) -> HttpResponse:
    """Start a rehearsal over the past month; the worker does it."""
    draft, problem = _draft(request, name, request.GET)
    if problem or request.method != "POST":
        return redirect(f"{reverse('plays_play', args=[name])}?{request.GET.urlencode()}")
    asked = Asked(
        name=name,
        parameters=dict(draft.parameters) if draft.parameters else None,
        control_bp=read_share(request.POST.get("control", "")),
        enroll_days=read_days(request.GET.get("enroll_days", "")),
    )
    key = start_rehearsal(settings.HOME, asked, language=get_language() or settings.LANGUAGE_CODE)
    return redirect("plays_rehearsal", name, key)


@requires("plays.view")
def show_rehearsal(request: HttpRequest, name: str, key: str) -> HttpResponse:
    """How far a rehearsal is; once it is over, what would have happened."""
    brand = get_brand()
    found = find_rehearsal(settings.HOME, key)
    if found.state is None and found.result is None:
        return redirect("plays_play", name)
    context: dict[str, Any] = {
        "brand": brand,
        "name": name,
        "title": find_draft(name).title,
        "key": key,
        "state": found.state,
        "result": found.result,
    }
    if found.result is not None:
        lines = [(number, label, cells) for number, label, *cells in replay_lines(found.result, brand.tz, limit=_SHOWN)]
        words = list(replay_words(found.result, brand.tz))
        context |= {"words": words[1:], "over": words[0][1], "header": replay_header()[1:], "lines": lines}
    part = request.headers.get("HX-Request") == "true"
    return render(request, "journeys/rehearsal_part.html" if part else "journeys/rehearsal.html", context)


@requires("plays.view")
def download_rehearsal(request: HttpRequest, name: str, key: str) -> HttpResponse:
    """Every line of a rehearsal as CSV, names masked."""
    brand: Brand = get_brand()
    found = find_rehearsal(settings.HOME, key)
    if found.result is None:
        return redirect("plays_play", name)
    return csv_response(f"{name}-{key}.csv", replay_header(), replay_lines(found.result, brand.tz))


urlpatterns = [
    path("plays/", show_library, name="plays"),
    path("plays/launches/<int:number>/", show_launch, name="plays_launch"),
    path("plays/launches/<int:number>/pause/", change_launch, {"verb": "pause"}, name="plays_pause"),
    path("plays/launches/<int:number>/resume/", change_launch, {"verb": "resume"}, name="plays_resume"),
    path("plays/launches/<int:number>/stop/", change_launch, {"verb": "stop"}, name="plays_stop"),
    path("plays/<slug:name>/", show_play, name="plays_play"),
    path("plays/<slug:name>/size/", show_size, name="plays_size"),
    path("plays/<slug:name>/preview/", show_preview, name="plays_preview"),
    path("plays/<slug:name>/launch/", launch, name="plays_start"),
    path("plays/<slug:name>/copy/", copy, name="plays_copy"),
    path("plays/<slug:name>/rehearsal/", rehearse, name="plays_rehearse"),
    path("plays/<slug:name>/rehearsal/<slug:key>/", show_rehearsal, name="plays_rehearsal"),
    path("plays/<slug:name>/rehearsal/<slug:key>/rows.csv", download_rehearsal, name="plays_rehearsal_csv"),
]
