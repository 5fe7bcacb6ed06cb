"""Segments: the list, one segment with its history and people, and what changes it."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.contrib import messages
from django.http import FileResponse, Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import path
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST

from huitou.accounts.doors import acting_user, requires
from huitou.accounts.queries import find_brand
from huitou.console.charts import Chart, Series
from huitou.console.shell import Card, Page, render_cards
from huitou.core.clock import SystemClock, local_day
from huitou.core.errors import DomainError
from huitou.customers.acting_pages import attempt
from huitou.customers.labels import customer_labels
from huitou.orders.queries import last_refresh
from huitou.segments import building_pages, strategy_pages, tag_pages
from huitou.segments.exporting import export_members
from huitou.segments.layering import shown
from huitou.segments.models import Segment
from huitou.segments.output import product_clock
from huitou.segments.paging import Members, page_of_members
from huitou.segments.queries import (
    Listed,
    asking_about,
    find_segment,
    in_words,
    list_segments,
    sizes_of,
    versions_of,
)
from huitou.segments.services import SegmentInUseError, archive_segment, install_layers, restore_segment
from huitou.segments.uses import uses_of

PAGES = [
    Page("segments", "understand", gettext_lazy("Segments"), "segments", 25, "segments"),
    Page("tags", "understand", gettext_lazy("Tags"), "tag", 26, "tags"),
    Page("strategies", "decide", gettext_lazy("Strategies"), "strategy", 10, "strategies"),
]
_MEMBERS = 25


@dataclass(frozen=True)
class Line:
    """One segment of the list with its texts in the reader's language; `spark` are points of a small line."""

    listed: Listed
    title: str
    description: str
    sentence: str
    spark: str


def _line(listed: Listed) -> Line:
    title, description = shown(listed.segment)
    return Line(listed, title, description, in_words(listed.version.definition), _spark(listed))


def _spark(listed: Listed) -> str:
    """Points of an SVG path in a box of 100 × 30; empty for fewer than three sizes."""
    sizes = [size for _at, size in listed.trend]
    if len(sizes) < 3:
        return ""
    low, spread = min(sizes), (max(sizes) - min(sizes)) or 1
    width = 100 / (len(sizes) - 1)
    return " L".join(f"{i * width:.1f} {28 - 26 * (size - low) / spread:.1f}" for i, size in enumerate(sizes))


@requires("segments.view")
def show_segments(request: HttpRequest) -> HttpResponse:
    """Every segment with its size, trend and what changed since the refresh before."""
    archived = request.GET.get("archived") == "1"
    lines = [_line(listed) for listed in list_segments(archived=archived)]
    context = {
        "brand": find_brand(),
        "own": [line for line in lines if line.listed.segment.group == "own"],
        "layers": [line for line in lines if line.listed.segment.group == "layer"],
        "archived": archived,
        "refresh": last_refresh(),
        "has_layers": Segment.objects.filter(group="layer").exists(),
    }
    return render(request, "segments/list.html", context)


@requires("segments.view")
def show_segment(request: HttpRequest, name: str) -> HttpResponse:
    """One segment: the sentence, its size over time, entries and exits, people, versions."""
    segment = _get(name)
    brand, refresh = find_brand(), last_refresh()
    (listed,) = (one for one in list_segments(archived=segment.archived_at is not None) if one.segment.pk == segment.pk)
    members = Members([], 0, False)
    after = request.GET.get("after", "")
    if brand is not None and refresh is not None and segment.archived_at is None:
        start = int(after) if after.isdecimal() and len(after) < 19 else 0
        members = page_of_members(name, after=start, limit=_MEMBERS)
    labels = customer_labels([person for person, _since in members.rows])
    context: dict[str, Any] = {
        "brand": brand,
        "line": _line(listed),
        "charts": _charts(segment) if brand is not None else [],
        "members": members,
        "people": [(person, labels.get(person, f"#{person}"), since) for person, since in members.rows],
        "versions": [(v, in_words(v.definition)) for v in versions_of(segment)],
        "refresh": refresh,
        "users": asking_about(name),
        "uses": uses_of(name),
        "next_steps": render_cards("segment.actions", request, segment) if segment.archived_at is None else [],
    }
    response = render(request, "segments/one.html", context)
    response.allow_chart_styles = True  # type: ignore[attr-defined]
    return response


def _charts(segment: Segment) -> list[Chart]:
    sizes, brand = sizes_of(segment), find_brand()
    assert brand is not None, "sizes belong to a brand"
    labels = [f"{size.as_of.astimezone(brand.tz):%Y-%m-%d %H:%M}" for size in sizes]
    at = _("As of")
    return [
        Chart(
            _("Size"), labels, [Series(_("Customers"), [s.size for s in sizes])], "count", label_title=at, key="size"
        ),
        Chart(
            _("Entries and exits"),
            labels,
            [Series(_("Came in"), [s.entered for s in sizes]), Series(_("Left"), [s.left for s in sizes])],
            "count",
            kind="bar",
            label_title=at,
            key="moves",
        ),
    ]


def _get(name: str) -> Segment:
    segment = find_segment(name)
    if segment is None:
        raise Http404
    return segment


@requires("segments.write")
@require_POST
def archive(request: HttpRequest, name: str) -> HttpResponse:
    """Into the archive, or back from it; what asks about it is named first, and it is asked once more."""
    segment = _get(name)
    clock, actor = product_clock(), acting_user(request)
    if request.POST.get("restore"):
        attempt(
            request, lambda: restore_segment(name=name, clock=clock, actor=actor), _("Taken back from the archive.")
        )
        return redirect("segments_one", name)
    is_meant = request.POST.get("although_used") == "yes"
    try:
        archive_segment(name=name, although_used=is_meant, clock=clock, actor=actor)
        messages.success(request, _("Archived."))
    except SegmentInUseError as error:
        context = {"brand": find_brand(), "name": name, "title": shown(segment)[0], "uses": error.uses}
        return render(request, "segments/archive_confirm.html", context, status=error.status)
    except DomainError as error:
        messages.error(request, str(error))
    return redirect("segments_one", name)


@requires("segments.write")
@require_POST
def create_layers(request: HttpRequest) -> HttpResponse:
    """Create the ready layers that are not there yet."""
    clock, actor = product_clock(), acting_user(request)
    told = _("Created. The next refresh counts them.")
    attempt(request, lambda: install_layers(clock=clock, actor=actor), told)
    return redirect("segments")


@requires("customers.export")
def download(request: HttpRequest, name: str) -> HttpResponseBase:
    """Members as a file with the brand's own numbers; each download is in the audit log."""
    _get(name)
    brand = find_brand()
    if brand is None:
        raise Http404
    form = "parquet" if request.GET.get("format") == "parquet" else "csv"
    try:
        with tempfile.TemporaryDirectory(prefix="huitou-segment-") as folder:
            out = Path(folder) / f"segment_{local_day(brand.now(), brand.tz)}.{form}"
            export_members(name=name, out=out, clock=SystemClock(), actor=acting_user(request))
            return FileResponse(out.open("rb"), as_attachment=True, filename=out.name)
    except DomainError as error:
        messages.error(request, str(error))
        return redirect("segments_one", name)


CARDS = [
    Card("customer.side", 15, tag_pages.tags_card, permission="segments.view"),
    Card("customer.side", 16, tag_pages.segments_card, permission="segments.view"),
]
urlpatterns = [
    *building_pages.urlpatterns,
    *tag_pages.urlpatterns,
    *strategy_pages.urlpatterns,
    path("segments/", show_segments, name="segments"),
    path("segments/layers/", create_layers, name="segments_layers"),
    path("segments/saved/<str:name>/", show_segment, name="segments_one"),
    path("segments/saved/<str:name>/archive/", archive, name="segments_archive"),
    path("segments/saved/<str:name>/members/", download, name="segments_members"),
]
