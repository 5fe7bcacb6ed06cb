"""Tags: the list with groups and rules, given and taken in bulk; and the cards of the customer page."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.template.loader import render_to_string
from django.urls import path
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from huitou.accounts.doors import acting_user, requires
from huitou.accounts.queries import find_brand
from huitou.customers.acting_pages import attempt
from huitou.customers.queries import customers_of, find_person
from huitou.segments.audit_words import VALUES
from huitou.segments.bulk import Bulk, give_to, last_instant, take_from
from huitou.segments.layering import shown
from huitou.segments.models import Segment, Tag, TagAssignment
from huitou.segments.output import product_clock
from huitou.segments.queries import (
    list_groups,
    list_tags,
    moves_of,
    segments_of,
    strategy_of,
    tag_history,
    tags_of,
)
from huitou.segments.services import (
    archive_tag,
    create_tag,
    give_tags,
    stop_tag_rule,
    take_tags,
)

_SHOWN = 30


@requires("segments.view", change="segments.write")
def show_tags(request: HttpRequest) -> HttpResponse:
    """Tags by group; what the forms below ask for."""
    if request.method == "POST":
        act = _ACTS.get(request.POST.get("act", ""))
        if act is None:
            raise Http404
        attempt(request, lambda: act(request), _("Done."))
        return redirect("tags")
    now = product_clock().now()
    segments = Segment.objects.filter(archived_at=None).order_by("-group", "title")
    context = {
        "brand": find_brand(),
        "tags": list_tags(now),
        "archived": list_tags(now, archived=True),
        "groups": list_groups(),
        "segments": [(segment.name, shown(segment)[0]) for segment in segments],
    }
    return render(request, "segments/tags.html", context)


def _create(request: HttpRequest) -> None:
    create_tag(
        name=request.POST.get("name", ""),
        group=request.POST.get("group", ""),
        description=request.POST.get("description", ""),
        clock=product_clock(),
        actor=acting_user(request),
    )


def _archive(request: HttpRequest) -> None:
    archive_tag(name=request.POST.get("tag", ""), clock=product_clock(), actor=acting_user(request))


def _stop(request: HttpRequest) -> None:
    stop_tag_rule(tag=request.POST.get("tag", ""), clock=product_clock(), actor=acting_user(request))


def _bulk(request: HttpRequest, act: Callable[..., Bulk], **more: Any) -> None:
    segment = request.POST.get("segment", "")
    lines = request.POST.get("people", "").splitlines()
    if file := request.FILES.get("file"):
        lines += file.read(4_000_000).decode("utf-8", errors="replace").splitlines()
    people: dict[str, Any] = {"segment": segment or None}
    people["lines"] = lines if any(line.strip() for line in lines) or not segment else None
    done = act(tag=request.POST.get("tag", ""), actor=acting_user(request), **people, **more)
    messages.info(request, _("%(count)s customers.") % {"count": done.count})
    if done.unknown:
        told = _("%(count)s lines name nobody: %(some)s")
        messages.warning(request, told % {"count": len(done.unknown), "some": ", ".join(done.unknown[:5])})


def _give(request: HttpRequest) -> None:
    until = request.POST.get("until", "")
    _bulk(request, give_to, expires_at=last_instant(until) if until else None)


def _take(request: HttpRequest) -> None:
    _bulk(request, take_from)


_ACTS: dict[str, Callable[[HttpRequest], None]] = {
    "create": _create,
    "archive": _archive,
    "stop": _stop,
    "give": _give,
    "take": _take,
}


@requires("segments.write")
@require_POST
def change_customer_tag(request: HttpRequest, person_id: int) -> HttpResponse:
    """Give one customer a tag, or take it."""
    if find_person(person_id) is None:
        raise Http404
    customer, tag, until = customers_of([person_id])[person_id], request.POST.get("tag", ""), request.POST.get("until")
    clock, actor = product_clock(), acting_user(request)
    if request.POST.get("take"):
        attempt(request, lambda: take_tags(customer_ids=[customer], tag=tag, clock=clock, actor=actor), _("Taken."))
    else:
        attempt(
            request,
            lambda: give_tags(
                customer_ids=[customer],
                tag=tag,
                expires_at=last_instant(until) if until else None,
                clock=clock,
                actor=actor,
            ),
            _("Given."),
        )
    return redirect("customers_detail", customer)


def tags_card(request: HttpRequest, person_id: int) -> str:
    """Tags that the customer carries, with origin and history, and the form to give one."""
    words = VALUES["origin"]
    held = tags_of([person_id], product_clock().now())[person_id]
    context = {
        "brand": find_brand(),
        "person_id": person_id,
        "held": [(one, [words.get(origin, origin) for origin in one.origins]) for one in held],
        "history": [_told(row) for row in tag_history(person_id)[:_SHOWN]],
        "tags": Tag.objects.filter(archived_at=None).order_by("name"),
    }
    return render_to_string("segments/tags_card.html", context, request)


def _told(row: TagAssignment) -> dict[str, Any]:
    words = VALUES["origin"]
    ended = _("expired") if row.taken_origin == "expired" else words.get(row.taken_origin, "")
    return {"row": row, "origin": words.get(row.origin, row.origin), "ended": ended}


def segments_card(request: HttpRequest, person_id: int) -> str:
    """Segments that the customer is in since when, what it gets because of them, and its entries and exits."""
    titles = {segment.name: shown(segment)[0] for segment in Segment.objects.all()}
    own = [(titles.get(one.segment, one.title), one) for one in segments_of(person_id)]
    moves = [(titles.get(one.segment, one.title), one) for one in moves_of(person_id, limit=_SHOWN)]
    strategy = strategy_of([person_id])[person_id]
    context = {
        "brand": find_brand(),
        "segments": own,
        "moves": moves,
        "strategy": strategy,
        "strategy_title": titles.get(strategy.segment, "") if strategy else "",
    }
    return render_to_string("segments/segments_card.html", context, request) if own or moves else ""


urlpatterns = [
    path("tags/", show_tags, name="tags"),
    path("customers/<int:person_id>/tags/", change_customer_tag, name="customers_tags"),
]
