"""The example in the console: load it, move its clock, remove it before one's own data come in."""

from __future__ import annotations

from django import forms
from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.template.loader import render_to_string
from django.urls import path, reverse
from django.utils.translation import get_language, ngettext
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST
from procrastinate.exceptions import AlreadyEnqueued
from procrastinate.tasks import Task

from huitou.accounts.doors import requires
from huitou.accounts.models import User
from huitou.accounts.queries import find_brand
from huitou.console.formats import format_day
from huitou.console.shell import Banner, Card, ShellContext
from huitou.sources.connectors.complete_journey.loading import ExampleStatus, example_status, is_empty
from huitou.sources.connectors.complete_journey.panel import END
from huitou.sources.job_progress import JobState, forget_state, read_state, write_state
from huitou.sources.tasks import EXAMPLE, advance_example_job, load_example_job, remove_example_job

_STEPS = {"day": 1, "week": 7, "month": 28, "quarter": 91}


class AdvanceForm(forms.Form):
    """How far to move the example's clock, in days."""

    days = forms.IntegerField(min_value=1, max_value=91)


def shell_context(request: HttpRequest) -> ShellContext:
    """On the example's pages: whose clock they follow, and how much is still hidden."""
    brand = find_brand()
    if brand is None or not brand.is_example or brand.clock_now is None:
        return ShellContext()
    left = (END - brand.clock_now).days
    day = format_day(brand.clock_now, brand.tz)
    if brand.clock_target is not None:
        state = read_state(settings.HOME, EXAMPLE)
        busy = state is not None and not state.is_over
        label, url = (_("See how far it is"), reverse("example")) if busy else ("", "")
        banner = Banner(_("Example brand · its data are still being loaded."), "warn", label, url)
    elif left > 0:
        text = ngettext(
            "Example brand · now is %(day)s · %(left)s further day is still to come",
            "Example brand · now is %(day)s · %(left)s further days are still to come",
            left,
        ) % {"day": day, "left": left}
        link = f"{reverse('settings')}#example-clock" if request.user.has_perm("data.write") else ""
        banner = Banner(text, "info", _("Move the clock"), link)
    else:
        banner = Banner(_("Example brand · now is %(day)s · its data end here") % {"day": day})
    return ShellContext(banners=[banner])


def _start(request: HttpRequest, job: Task, **arguments: object) -> None:  # type: ignore[type-arg]
    """Queue `job` unless one of the example is waiting already."""
    user = request.user
    write_state(settings.HOME, EXAMPLE, JobState("waiting"))
    try:
        job.defer(
            user_id=user.pk if isinstance(user, User) else None,
            language=get_language() or settings.LANGUAGE_CODE,
            **arguments,
        )
    except AlreadyEnqueued:
        messages.info(request, _("This is already waiting to be done."))


@requires("data.write")
@require_POST
def load(request: HttpRequest) -> HttpResponse:
    """Load the example into an empty store."""
    if find_brand() is None or example_status().state == "loading" or is_empty():
        _start(request, load_example_job)
    return redirect("example")


@requires("data.write")
@require_POST
def advance(request: HttpRequest) -> HttpResponse:
    """Move the example's clock on."""
    form = AdvanceForm(request.POST)
    if example_status().state != "ready" or not form.is_valid():
        messages.error(request, _("Choose between 1 and the days that are left."))
        return redirect("settings")
    _start(request, advance_example_job, days=form.cleaned_data["days"])
    return redirect("example")


@requires("data.write")
@require_POST
def remove(request: HttpRequest) -> HttpResponse:
    """Empty the store of the example, for one's own data."""
    brand = find_brand()
    if brand is not None and brand.is_example:
        _start(request, remove_example_job)
        return redirect("example")
    return redirect("data")


@requires("metrics.view")
def show_progress(request: HttpRequest) -> HttpResponse:
    """How far the example's job is; when it is over, where to go on."""
    state = read_state(settings.HOME, EXAMPLE)
    status = example_status()
    if state is None or state.state == "done":
        forget_state(settings.HOME, EXAMPLE)
        target = redirect("data" if status.state == "empty" and state is not None else "overview")
        if request.headers.get("HX-Request"):
            answer = HttpResponse(status=204)
            answer.headers["HX-Redirect"] = target.url
            return answer
        return target
    template = "sources/example_progress_part.html" if request.headers.get("HX-Request") else "sources/example.html"
    return render(request, template, {"state": state, "status": status})


@requires("data.write")
def own_data(request: HttpRequest) -> HttpResponse:
    """What happens when one's own data replace the example."""
    brand = find_brand()
    if brand is None or not brand.is_example:
        return redirect("data")
    return render(request, "sources/own_data.html", {"brand": brand, "status": example_status()})


def welcome_card(request: HttpRequest, _subject: object) -> str:
    """The button that loads the example, or how far it is."""
    state = read_state(settings.HOME, EXAMPLE)
    running = state is not None and not state.is_over
    context = {"status": example_status(), "state": state, "running": running}
    return render_to_string("sources/welcome_card.html", context, request)


def settings_card(request: HttpRequest, _subject: object) -> str:
    """The example's clock, and the way out of the example."""
    status: ExampleStatus = example_status()
    if status.state in {"empty", "own"}:
        return ""
    choices = [(days, name) for name, days in _STEPS.items() if days <= status.days_left]
    return render_to_string("sources/example_settings_card.html", {"status": status, "choices": choices}, request)


CARDS = [Card("welcome", 10, welcome_card, "data.write"), Card("settings", 10, settings_card, "data.write")]
urlpatterns = [
    path("example/", show_progress, name="example"),
    path("example/load/", load, name="example_load"),
    path("example/advance/", advance, name="example_advance"),
    path("example/remove/", remove, name="example_remove"),
    path("own-data/", own_data, name="data_own"),
]
