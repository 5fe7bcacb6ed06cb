"""Data: feeds, how fresh, complete and accurate each is, and what to do next."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import path
from django.utils.translation import gettext as _

from huitou.accounts.doors import acting_user, requires
from huitou.accounts.models import Brand
from huitou.accounts.queries import find_brand
from huitou.core.clock import SystemClock
from huitou.core.errors import DomainError
from huitou.sources.feeds.queries import EVENTS, FILES, FeedDayView, FeedView, find_feed, list_feeds
from huitou.sources.feeds.services import expect_feed
from huitou.sources.feeds.words import advise, format_length
from huitou.sources.tracking.queries import list_problems
from huitou.sources.tracking.words import problem_rows

_CLOCK = SystemClock()
_HEIGHT, _WIDTH = 26, 100


@requires("data.view")
def show_feeds(request: HttpRequest) -> HttpResponse:
    """Every feed in one table, those that need somebody first."""
    brand = find_brand() or Brand()
    now = _CLOCK.now()
    feeds = list_feeds(brand=brand, clock=_CLOCK)
    context = {"brand": brand, "feeds": [_row(feed, now) for feed in feeds]}
    part = request.headers.get("HX-Request") == "true"
    return render(request, "sources/feeds_part.html" if part else "sources/feeds.html", context)


@requires("data.view", change="data.write")
def show_feed(request: HttpRequest, kind: str, source: str) -> HttpResponse:
    """One feed: its days, its shares, what is wrong, and how long it may be silent."""
    brand = find_brand() or Brand()
    feed = find_feed(source, brand=brand, clock=_CLOCK, kind=kind) if kind in (EVENTS, FILES) else None
    if feed is None:
        raise Http404
    if request.method == "POST":
        return _expect(request, feed)
    context = {
        "brand": brand,
        **_row(feed, _CLOCK.now()),
        "shares": _shares(feed),
        "expected_hours": round(feed.expected.total_seconds() / 3600, 2)
        if feed.is_expected_set and feed.expected
        else "",
        "problems": problem_rows(list_problems(source=source)[:20]) if kind == EVENTS else [],
    }
    return render(request, "sources/feed.html", context)


def _expect(request: HttpRequest, feed: FeedView) -> HttpResponse:
    given = request.POST.get("hours", "").strip().replace(",", ".")
    user = acting_user(request)
    try:
        expected = timedelta(hours=float(given)) if given else None
        expect_feed(source=feed.source, expected=expected, clock=_CLOCK, actor=user)
    except (ValueError, OverflowError):
        messages.error(request, _("Write the hours as a number, for example 6."))
    except DomainError as error:
        messages.error(request, str(error))
    else:
        messages.success(request, _("Saved."))
    return redirect("data_feed", feed.kind, feed.source)


def _row(feed: FeedView, now: datetime) -> dict[str, Any]:
    silence = now - feed.last_received_at if feed.last_received_at else None
    return {
        "feed": feed,
        "advice": advise(feed, silence),
        "silence": format_length(silence),
        "expected": format_length(feed.expected),
        "complete": feed.share("complete"),
        "with_user": feed.share("with_user"),
        "with_channel": feed.share("with_channel"),
        "prompt": feed.share("prompt"),
        "rejected": feed.share("rejected"),
        "invalid": feed.share("invalid"),
        "is_events": feed.kind == EVENTS,
        "bars": _bars(feed.days),
    }


def _bars(days: tuple[FeedDayView, ...]) -> list[dict[str, Any]]:
    """Bars of a small chart, one a day: position, width and height in its own units."""
    top = max((day.received for day in days), default=0)
    step = _WIDTH / max(1, len(days))
    bars = []
    for index, day in enumerate(days):
        height = round(day.received / top * _HEIGHT, 1) if top else 0
        if day.received:
            height = max(height, 1)
        bars.append(
            {
                "x": f"{index * step + 1:.1f}",
                "y": f"{_HEIGHT - height:.1f}",
                "width": f"{step - 2:.1f}",
                "height": f"{height:.1f}",
                "is_gap": day.is_gap,
            }
        )
    return bars


def _shares(feed: FeedView) -> list[tuple[str, float | None, str]]:
    """Label, share, and what it means, for the figures of one feed."""
    if feed.kind == FILES:
        return [(_("Refused"), feed.share("rejected"), _("of the rows"))]
    return [
        (_("Complete"), feed.share("complete"), _("have all required properties")),
        (_("Name the customer"), feed.share("with_user"), _("carry your customer number")),
        (_("Say where"), feed.share("with_channel"), _("carry a channel")),
        (_("Arrive at once"), feed.share("prompt"), _("within five minutes")),
        (_("Refused"), feed.share("rejected"), _("of all that arrived")),
        (_("Not as planned"), feed.share("invalid"), _("lack something or have a wrong type")),
        (_("More than planned"), feed.share("unplanned"), _("unplanned events or properties")),
        (_("Repeats"), feed.share("repeated"), _("of all that arrived; counted once")),
        (_("Clock corrected"), feed.share("corrected"), _("were off by over a minute")),
    ]


urlpatterns = [
    path("data/feeds/", show_feeds, name="data_feeds"),
    path("data/feeds/<str:kind>/<str:source>/", show_feed, name="data_feed"),
]
