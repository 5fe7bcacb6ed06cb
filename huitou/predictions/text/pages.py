"""Texts: what a text says and why, corrected by whoever knows better."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import path
from django.utils.translation import get_language, gettext_lazy
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from huitou.accounts.doors import acting_user, requires
from huitou.accounts.queries import find_brand
from huitou.console.shell import Page
from huitou.core.errors import DomainError
from huitou.customers.acting_pages import attempt
from huitou.segments.output import product_clock

if TYPE_CHECKING:
    from huitou.predictions.text.queries import Shown
    from huitou.predictions.text.reading import TextReader

# What reads texts needs statistics, a second to import: by the pages that read them, not by every command.
PAGES = [Page("texts", "understand", gettext_lazy("Texts"), "text", 32, "texts")]
_RECENT, _MOST_LINES, _LONGEST_LINE = 20, 50, 2_000
_PERCENT = 100


@requires("customers.view", change="customers.view")
def show(request: HttpRequest) -> HttpResponse:
    """Texts that were pasted, or the latest that customers wrote, with what they say."""
    from huitou.predictions.text.queries import brand_reader, count_corrections, list_lessons, show_recent, show_texts
    from huitou.stats.text.layer import LEAST

    reader = brand_reader()
    pasted = request.POST.get("texts", "")
    if pasted.strip():
        lines = [line.strip()[:_LONGEST_LINE] for line in pasted.splitlines() if line.strip()][:_MOST_LINES]
        shown = show_texts(reader, lines)
    else:
        shown = show_recent(reader, _RECENT)
    context = {
        "brand": find_brand(),
        "pasted": pasted,
        "rows": [_row(reader, one) for one in shown],
        "corrections": count_corrections(),
        "least": LEAST,
        "lessons": list_lessons(),
    }
    return render(request, "predictions/texts.html", context)


def _row(reader: TextReader, one: Shown) -> dict[str, Any]:
    language = "zh-hans" if (get_language() or "").startswith("zh") else "en"
    names = [reader.intents[code].names for code in one.understood.intents]
    return {
        "one": one,
        "percent": round(one.understood.p_positive * _PERCENT),
        "label": _labels()[one.understood.sentiment],
        "corrected": _labels().get(one.corrected, ""),
        "intents": [name.get(language, next(iter(name.values()))) for name in names],
    }


def _labels() -> dict[str, str]:
    return {"positive": _("Praise"), "neutral": _("Neutral"), "negative": _("Blame")}


@requires("customers.write")
@require_POST
def correct(request: HttpRequest) -> HttpResponse:
    """Keep what a text really says: one that was pasted, or what a customer wrote in an event."""
    from huitou.predictions.text.queries import find_written
    from huitou.predictions.text.services import correct_text

    text, person_id = request.POST.get("text", ""), None
    if event := request.POST.get("event", ""):
        found = find_written(event)
        if found is None:
            raise Http404
        text, person_id = found
    attempt(
        request,
        lambda: correct_text(
            text=text,
            sentiment=request.POST.get("sentiment", ""),
            called=request.POST.get("called", "")[:10],
            person_id=person_id,
            clock=product_clock(),
            actor=acting_user(request),
        ),
        _("Kept. It counts when the product learns the next time."),
    )
    return redirect("texts")


@requires("customers.write")
@require_POST
def learn(request: HttpRequest) -> HttpResponse:
    """Learn from the corrections, or go back to what was learned before."""
    from huitou.predictions.text.services import learn_from_corrections, use_lesson

    act = request.POST.get("act", "")
    clock, actor = product_clock(), acting_user(request)
    if act == "learn":
        try:
            lesson = learn_from_corrections(clock=clock, actor=actor)
        except DomainError as error:
            messages.error(request, str(error))
        else:
            better = _("Learned: it is better on the held-back corrections and in use now.")
            messages.success(request, better if lesson.layer else _("Nothing did better; what is in use stays."))
    elif act == "use":
        given = request.POST.get("lesson", "")
        wanted = int(given) if given.isdecimal() else None
        attempt(request, lambda: use_lesson(lesson_id=wanted, clock=clock, actor=actor), _("Done."))
    else:
        raise Http404
    return redirect("texts")


urlpatterns = [
    path("texts/", show, name="texts"),
    path("texts/correct/", correct, name="texts_correct"),
    path("texts/learn/", learn, name="texts_learn"),
]
