"""Strategies: what the people of each segment get, in order of priority."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import path
from django.utils.translation import gettext as _

from huitou.accounts.doors import acting_user, requires
from huitou.accounts.queries import find_brand
from huitou.customers.acting_pages import attempt
from huitou.segments.layering import shown
from huitou.segments.models import Segment
from huitou.segments.output import product_clock
from huitou.segments.queries import list_strategies
from huitou.segments.services import remove_strategy, set_strategy


@requires("segments.view", change="segments.write")
def show_strategies(request: HttpRequest) -> HttpResponse:
    """Every strategy with its form; a segment without one can be given one."""
    if request.method == "POST":
        _act(request)
        return redirect("strategies")
    strategies = [(strategy, shown(strategy.segment)[0]) for strategy in list_strategies()]
    taken = [strategy.segment_id for strategy, _title in strategies]
    free = Segment.objects.filter(archived_at=None).exclude(pk__in=taken).order_by("-group", "title")
    context = {
        "brand": find_brand(),
        "strategies": strategies,
        "free": [(segment.name, shown(segment)[0]) for segment in free],
    }
    return render(request, "segments/strategies.html", context)


def _act(request: HttpRequest) -> None:
    segment, clock, actor = request.POST.get("segment", ""), product_clock(), acting_user(request)
    if request.POST.get("remove"):
        attempt(request, lambda: remove_strategy(segment=segment, clock=clock, actor=actor), _("Removed."))
        return
    place = request.POST.get("priority", "")
    texts = {name: request.POST.get(name, "") for name in ("offers", "content", "channel", "service_level")}
    attempt(
        request,
        lambda: set_strategy(
            segment=segment,
            priority=int(place) if place.isdecimal() and len(place) < 6 else None,
            clock=clock,
            actor=actor,
            **texts,
        ),
        _("Saved."),
    )


urlpatterns = [path("strategies/", show_strategies, name="strategies")]
