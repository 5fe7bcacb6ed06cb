"""Data: dead letters, why each could not be taken, and taking them in again, as they are or mended."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib import messages
from django.db.models import Count, Sum
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import path, reverse
from django.utils.http import urlencode
from django.utils.translation import get_language, ngettext
from django.utils.translation import gettext as _
from procrastinate.exceptions import AlreadyEnqueued

from huitou.accounts.doors import acting_user, requires
from huitou.accounts.models import Brand
from huitou.accounts.queries import find_brand
from huitou.console.tables import read_page
from huitou.core.clock import SystemClock
from huitou.core.errors import DomainError
from huitou.sources.consuming.decoding import KIND_NAMES
from huitou.sources.dead_letters import (
    discard_letters,
    list_letters,
    measure_fullness,
    replay_edited,
    replay_letters,
)
from huitou.sources.intake.refusals import REASONS, reason_label, reason_remedy
from huitou.sources.job_progress import JobState, forget_state, read_state, write_state
from huitou.sources.masking import masked_payload, shown_detail, shown_name
from huitou.sources.models import DeadLetter
from huitou.sources.tasks import REPLAY, replay_letters_job
from huitou.sources.tracking.words import event_word

_CLOCK = SystemClock()
_STATES = ("open", "replayed", "discarded")


@requires("data.view", change="data.write")
def show_letters(request: HttpRequest) -> HttpResponse:
    """Dead letters by reason, and one by one; replaying and discarding them."""
    if request.method == "POST":
        return _act(request)
    if "progress" in request.GET:
        return _show_progress(request)
    _tell_end(request)
    asked = {name: request.GET.get(name, "") for name in ("source", "reason", "state")}
    if asked["reason"] not in REASONS:
        asked["reason"] = ""
    state = asked["state"] if asked["state"] in _STATES else "open"
    found = list_letters(source=asked["source"], reason=asked["reason"], state=state)
    paging = read_page(request, total=found.count(), size=50)
    context = {
        **asked,
        "brand": find_brand() or Brand(),
        "state": state,
        "states": [("open", _("waiting")), ("replayed", _("taken in again")), ("discarded", _("discarded"))],
        "rows": [_row(letter) for letter in found[paging.offset : paging.offset + paging.size]],
        "paging": paging,
        "reasons": _by_reason(asked["source"]),
        "words": _words(state),
        "sources": _distinct("source", state),
        "job": read_state(settings.HOME, REPLAY),
        "near": [fullness for fullness in measure_fullness() if fullness.is_near],
    }
    part = request.headers.get("HX-Request") == "true"
    return render(request, "sources/letters_part.html" if part else "sources/letters.html", context)


def _words(state: str) -> list[tuple[str, str]]:
    return [(code, reason_label(code)) for code in _distinct("reason", state)]


def _distinct(name: str, state: str) -> list[str]:
    return sorted(set(DeadLetter.objects.filter(state=state).values_list(name, flat=True)))


def _by_reason(source: str) -> list[dict[str, Any]]:
    """Open letters by reason, commonest first, with what mends them."""
    letters = list_letters(source=source).order_by().values("reason").annotate(n=Count("pk"), arrivals=Sum("count"))
    return [
        {
            **row,
            "label": reason_label(row["reason"]),
            "remedy": reason_remedy(row["reason"]),
            "is_cut": row["reason"] == "too_large",
        }
        for row in letters.order_by("-n", "reason")
    ]


def _row(letter: DeadLetter) -> dict[str, Any]:
    name = shown_name(letter)
    return {
        "letter": letter,
        "name": event_word(name or KIND_NAMES.get(letter.kind, letter.kind)),
        "label": reason_label(letter.reason),
        "detail": shown_detail(letter),
    }


def _act(request: HttpRequest) -> HttpResponse:
    action, asked = request.POST.get("action", ""), {n: request.POST.get(n, "") for n in ("source", "reason")}
    ids = [int(given) for given in request.POST.getlist("id") if given.isascii() and given.isdigit()]
    target = redirect(f"{reverse('data_letters')}?{urlencode({n: v for n, v in asked.items() if v})}")
    try:
        if action == "replay_reason" and asked["reason"]:
            _start_replay(request, **asked)
            return target
        if action == "replay" and ids:
            done = replay_letters(clock=_CLOCK, ids=ids, actor=acting_user(request)).count
        elif (action == "discard" and ids) or (action == "discard_reason" and asked["reason"]):
            chosen = {"ids": ids} if action == "discard" else asked
            discarded = discard_letters(**chosen, clock=_CLOCK, actor=acting_user(request))
            text = ngettext("%(n)s dead letter discarded.", "%(n)s dead letters discarded.", discarded)
            messages.success(request, text % {"n": discarded})
            return target
        else:
            messages.error(request, _("Choose dead letters first."))
            return target
    except DomainError as error:
        messages.error(request, str(error))
        return target
    text = ngettext(
        "%(n)s event is taken in again. If it is refused once more, it comes back here in a moment.",
        "%(n)s events are taken in again. Those that are refused once more come back here in a moment.",
        done,
    )
    messages.success(request, text % {"n": done})
    return target


def _start_replay(request: HttpRequest, *, source: str, reason: str) -> None:
    """Let the worker take in again all of a reason: there may be a great many."""
    user = acting_user(request)
    state = read_state(settings.HOME, REPLAY)
    if state is None or state.is_over:
        write_state(settings.HOME, REPLAY, JobState("waiting"))
    try:
        replay_letters_job.defer(
            source=source,
            reason=reason,
            at_receipt="at_receipt" in request.POST,
            user_id=user.pk if user else None,
            language=get_language() or settings.LANGUAGE_CODE,
        )
    except AlreadyEnqueued:
        messages.info(request, _("Another replay is waiting to be done. Ask again when it is over."))


def _show_progress(request: HttpRequest) -> HttpResponse:
    """How far a replay is; when it is over, the page anew."""
    state = read_state(settings.HOME, REPLAY)
    if state is None or state.is_over:
        answer = HttpResponse(status=204)
        answer.headers["HX-Redirect"] = reverse("data_letters")
        return answer
    return render(request, "sources/replay_part.html", {"job": state})


def _tell_end(request: HttpRequest) -> None:
    """Say once how a replay ended."""
    state = read_state(settings.HOME, REPLAY)
    if state is None or not state.is_over:
        return
    forget_state(settings.HOME, REPLAY)
    if state.state == "failed":
        messages.error(request, state.error)
    else:
        text = _("The events are taken in again. Those that are refused once more come back here in a moment.")
        messages.success(request, text)


@requires("data.view", change="data.write")
def show_letter(request: HttpRequest, letter_id: int) -> HttpResponse:
    """One dead letter: its event without what is personal, and mending it."""
    letter = get_object_or_404(DeadLetter, pk=letter_id)
    payload = bytes(letter.payload)
    shown = masked_payload(payload)
    if request.method == "POST":
        if letter.state != "open" or shown is None:
            raise Http404
        shown = request.POST.get("payload", "")
        if _mend(request, letter, shown):
            return redirect("data_letters")
    context = {
        **_row(letter),
        "brand": find_brand() or Brand(),
        "remedy": reason_remedy(letter.reason),
        "payload": shown,
        "size": letter.size,
        "lines": min(30, (shown or "").count("\n") + 2),
    }
    return render(request, "sources/letter.html", context, status=422 if request.method == "POST" else 200)


def _mend(request: HttpRequest, letter: DeadLetter, text: str) -> bool:
    try:
        replay_edited(letter_id=letter.pk, payload=text.encode(), clock=_CLOCK, actor=acting_user(request))
    except DomainError as error:
        messages.error(request, str(error))
        return False
    messages.success(
        request, _("The event is taken in again as mended. If it is refused once more, it comes back here.")
    )
    return True


urlpatterns = [
    path("data/letters/", show_letters, name="data_letters"),
    path("data/letters/<int:letter_id>/", show_letter, name="data_letter"),
]
