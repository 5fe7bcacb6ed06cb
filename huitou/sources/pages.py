"""Data: imports with their progress and rejects, and the way of a file from upload over preview to import."""

from __future__ import annotations

from typing import Any
from zoneinfo import ZoneInfo

from django.conf import settings
from django.contrib import messages
from django.core.files.uploadedfile import UploadedFile
from django.http import FileResponse, Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.template.loader import render_to_string
from django.urls import path, reverse
from django.utils.translation import get_language, gettext_lazy
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from huitou.accounts.doors import acting_user, requires
from huitou.accounts.models import Brand
from huitou.accounts.queries import find_brand, get_brand
from huitou.console.shell import Card, Page
from huitou.console.tables import read_page
from huitou.core.clock import SystemClock
from huitou.core.errors import DomainError
from huitou.core.health import WORKER_SILENT_SECONDS, worker_silence
from huitou.core.http_api.problems import TOO_LARGE
from huitou.orders.queries import last_refresh
from huitou.sources import example_pages, letter_pages
from huitou.sources.canonical import KINDS
from huitou.sources.connections import pages as connection_pages
from huitou.sources.events import list_events
from huitou.sources.feeds import pages as feeds_pages
from huitou.sources.importing.options import list_presets
from huitou.sources.job_progress import JobState, read_state, write_state
from huitou.sources.models import ImportRun
from huitou.sources.preview import (
    Choices,
    describe_reading,
    describe_unused,
    kind_words,
    look,
    preset_words,
    read_choices,
    state_words,
)
from huitou.sources.reject_files import take_reject_file
from huitou.sources.services import start_import
from huitou.sources.tasks import import_job_name, run_import_job
from huitou.sources.tracking import pages as tracking_pages
from huitou.sources.uploads import (
    Upload,
    UploadRefusedError,
    discard_upload,
    find_upload,
    keep_upload,
    too_large,
)

PAGES = [Page("data", "connect", gettext_lazy("Data"), "data", 10, "data")]
shell_context = example_pages.shell_context
_OPEN_STATES = ("uploaded", "preparing", "prepared", "claimed")


@requires("data.view")
def list_imports(request: HttpRequest) -> HttpResponse:
    """Every import, newest first, and the way to a new one."""
    brand = find_brand()
    runs = ImportRun.objects.order_by("-created_at", "-pk")
    paging = read_page(request, total=runs.count(), size=20)
    shown = list(runs[paging.offset : paging.offset + paging.size])
    context: dict[str, Any] = {
        "brand": brand,
        "runs": [_listed(run) for run in shown],
        "paging": paging,
        "watching": any(not _is_settled(run) for run in shown),
        "kinds": list(kind_words().items()),
        "presets": [(name, preset_words().get(name, name)) for name in list_presets()],
        "limit_mb": settings.UPLOAD_MAX_BYTES // 1024 // 1024,
    }
    part = request.headers.get("HX-Request") == "true"
    return render(request, "sources/imports_part.html" if part else "sources/data.html", context)


def _is_settled(run: ImportRun) -> bool:
    """Nothing more will happen to the import: it is over, and so is the refresh after it."""
    if run.state not in {"done", "failed"}:
        return False
    state = read_state(settings.HOME, import_job_name(run.pk))
    if run.state == "failed" or state is None or state.is_over:
        return True
    # A worker that was killed leaves its progress behind; a later refresh, whoever ran it, has the orders.
    refresh = last_refresh()
    return refresh is not None and run.finished_at is not None and refresh.started_at > run.finished_at


def _listed(run: ImportRun) -> dict[str, Any]:
    job = read_state(settings.HOME, import_job_name(run.pk))
    open_ = run.state in _OPEN_STATES
    return {
        "run": run,
        "kind": kind_words().get(run.kind, run.kind),
        "state": state_words().get(run.state, run.state),
        "tone": {"done": "good", "failed": "bad"}.get(run.state, "info"),
        "percent": job.percent if job is not None and not job.is_over else None,
        "step": job.step if job is not None else "",
        "waiting": open_ and (job is None or job.state == "waiting"),
        "refreshing": run.state == "done" and not _is_settled(run),
        "job_error": job.error if job is not None and job.state == "failed" and not run.error else "",
        "settled": _is_settled(run),
        "no_worker": not _is_settled(run) and not _has_worker(),
    }


def _has_worker() -> bool:
    """Whether a worker has given a sign of life lately."""
    silence = worker_silence(SystemClock())
    return silence is not None and silence <= WORKER_SILENT_SECONDS


@requires("data.write")
@require_POST
def upload(request: HttpRequest) -> HttpResponse:
    """Keep the file and show what is in it; nothing is imported yet."""
    brand = find_brand()
    if brand is not None and brand.is_example:
        return redirect("data_own")
    file, lines = request.FILES.get("file"), request.FILES.get("lines")
    kind = request.POST.get("kind", "orders")
    if TOO_LARGE in request.META:
        messages.error(request, str(too_large(settings.UPLOAD_MAX_BYTES)))
        return redirect("data")
    if not isinstance(file, UploadedFile) or kind not in KINDS:
        messages.error(request, _("Choose a file first."))
        return redirect("data")
    line_file = lines if isinstance(lines, UploadedFile) and kind == "orders" else None
    try:
        kept = keep_upload(file, line_file, home=settings.HOME, limit=settings.UPLOAD_MAX_BYTES)
    except UploadRefusedError as error:
        messages.error(request, str(error))
        return redirect("data")
    preset = request.POST.get("preset", "")
    query = f"?kind={kind}" + (f"&preset={preset}" if preset in list_presets() else "")
    return redirect(reverse("data_file", args=[kept.token]) + query)


@requires("data.write")
def show_file(request: HttpRequest, token: str) -> HttpResponse:
    """What is in a kept file, how it would be read, and the choices that change it; then the import."""
    kept = find_upload(token, home=settings.HOME)
    if kept is None:
        raise Http404
    kind = request.GET.get("kind", "orders")
    if kind not in KINDS:
        raise Http404
    choices = read_choices(kind, request.POST if request.method == "POST" else None, request.GET.get("preset", ""))
    if request.method == "POST" and request.POST.get("action") == "discard":
        discard_upload(token, home=settings.HOME)
        return redirect("data")
    brand = find_brand()
    zone, currency = (brand.tz, brand.currency) if brand else (ZoneInfo(Brand().zone), Brand().currency)
    preview = look(kept, choices, zone=zone, currency=currency)
    if request.method == "POST" and request.POST.get("action") == "start" and not preview.problem:
        return _start(request, kept, choices)
    context = {"upload": kept, "preview": preview, "kind": kind, "kind_word": kind_words()[kind]}
    return render(request, "sources/file.html", context, status=422 if preview.problem and request.POST else 200)


def _start(request: HttpRequest, kept: Upload, choices: Choices) -> HttpResponse:
    user = acting_user(request)
    try:
        run = start_import(path=kept.path, lines_path=kept.lines, kind=choices.kind, options=choices.options, user=user)
    except DomainError as error:
        messages.error(request, str(error))
        return redirect(request.get_full_path())
    if run.state == "done":
        messages.info(request, _("This very file was imported before; nothing changes."))
        return redirect("data_import", run.pk)
    write_state(settings.HOME, import_job_name(run.pk), JobState("waiting"))
    run_import_job.defer(run_id=run.pk, language=get_language() or settings.LANGUAGE_CODE)
    return redirect("data_import", run.pk)


@requires("data.view")
def show_import(request: HttpRequest, run_id: int) -> HttpResponse:
    """One import: how far it is, what came of it, what was refused and why."""
    run = get_object_or_404(ImportRun, pk=run_id)
    context = {
        **_listed(run),
        "problems": [problem for problem in run.problems if not problem.get("skipped")],
        "skips": [problem for problem in run.problems if problem.get("skipped")],
        "warnings": run.warnings,
        "read_as": [*describe_reading(run.detected), *describe_unused(run.mapping)],
        "brand": find_brand(),
    }
    part = request.headers.get("HX-Request") == "true"
    return render(request, "sources/import_part.html" if part else "sources/import.html", context)


@requires("data.write")
def download_rejects(request: HttpRequest, run_id: int) -> HttpResponse | FileResponse:
    """The refused rows, with row number, column, value and reason."""
    run = get_object_or_404(ImportRun, pk=run_id)
    actor = acting_user(request)
    file = take_reject_file(run=run, home=settings.HOME, clock=SystemClock(), actor=actor)
    if file is None:
        raise Http404
    return FileResponse(file.open("rb"), as_attachment=True, filename=file.name)


def events_card(request: HttpRequest, person_id: int) -> str:
    """What happened to a customer besides orders; empty where nothing is on record."""
    brand = get_brand()
    events = list_events(person_id, currency=brand.currency) if last_refresh() else []
    return render_to_string("sources/events_card.html", {"events": events, "brand": brand}, request) if events else ""


CARDS = [*example_pages.CARDS, Card("customer", 30, events_card)]
urlpatterns = [
    path("data/", list_imports, name="data"),
    path("data/upload/", upload, name="data_upload"),
    path("data/files/<str:token>/", show_file, name="data_file"),
    path("data/imports/<int:run_id>/", show_import, name="data_import"),
    path("data/imports/<int:run_id>/rejects/", download_rejects, name="data_rejects"),
    *example_pages.urlpatterns,
    *connection_pages.urlpatterns,
    *feeds_pages.urlpatterns,
    *letter_pages.urlpatterns,
    *tracking_pages.urlpatterns,
]
