"""The builder's page: a condition from menus, its size while somebody types, and what is wrong beside each field."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import path, reverse
from django.utils.translation import gettext as _

from huitou.accounts.doors import acting_user, requires
from huitou.accounts.queries import find_brand
from huitou.core.errors import DomainError
from huitou.orders.queries import last_refresh
from huitou.segments.builder.drawing import drawn
from huitou.segments.builder.menus import read_subjects, settled
from huitou.segments.builder.tree import (
    ROOT,
    Focus,
    Node,
    acted,
    checked,
    errors_in,
    from_json,
    nodes_in,
    numbered,
    read_form,
)
from huitou.segments.layering import shown
from huitou.segments.models import Segment, TagRule
from huitou.segments.ordering import current_versions
from huitou.segments.output import parse_definition, product_clock
from huitou.segments.queries import count_members, find_segment, in_words, sample_people, sample_size
from huitou.segments.services import (
    SegmentRefusedError,
    change_segment,
    create_segment,
    set_tag_rule,
)
from huitou.segments.tagging import find_tag

_NEW = {"all": [{"feature": "order_count", "is": ">=", "value": 2}]}


@requires("segments.view")
def rebuild(request: HttpRequest) -> HttpResponse:
    """The form anew after a menu was changed or a button pressed."""
    if request.method != "POST":
        raise Http404
    subjects = read_subjects(without=request.POST.get("segment", ""))
    name = request.POST.get("tree", ROOT)
    root, focus = acted(read_form(request.POST, name), request.POST.get("act", ""))
    return render(request, "segments/builder_tree.html", drawn(checked(settled(root, subjects)), subjects, focus))


@requires("segments.view")
def preview(request: HttpRequest) -> HttpResponse:
    """Size, sentence and perhaps people of what the form holds; with what is wrong beside each field."""
    if request.method != "POST":
        raise Http404
    root = checked(numbered(read_form(request.POST)))
    context: dict[str, Any] = {"nodes": nodes_in(root), "wrong": len(errors_in(root))}
    if not context["wrong"]:
        context |= _looked(root.to_json(), exact="exact" in request.POST, people="people" in request.POST)
    return render(request, "segments/preview.html", context)


def _looked(where: Any, *, exact: bool, people: bool) -> dict[str, Any]:
    try:
        told: dict[str, Any] = {"sentence": in_words(where)}
        if last_refresh() is None:
            return told | {"waiting": True}
        if exact:
            told |= {"count": count_members(where), "exact": True}
        else:
            size = sample_size(where)
            told |= {"count": size.size, "low": size.low, "high": size.high, "exact": size.exact}
        return told | {"people": sample_people(where) if people else None}
    except DomainError as error:
        return {"refused": str(error)}


@requires("segments.write")
def new(request: HttpRequest) -> HttpResponse:
    """A new segment."""
    subject = _Subject(
        heading=_("New segment"),
        titles=True,
        save=lambda root, asked: create_segment(
            definition=root.to_json(),
            title=asked.get("title", ""),
            description=asked.get("description", ""),
            clock=product_clock(),
            actor=acting_user(request),
        ),
        told=_("Saved. The next refresh counts it."),
        back=reverse("segments"),
        leads_to_made=True,
    )
    return _page(request, subject, _NEW, "", "")


@requires("segments.view", change="segments.write")
def edit(request: HttpRequest, name: str) -> HttpResponse:
    """Change a segment; another condition is a new version."""
    segment = find_segment(name)
    if segment is None:
        raise Http404
    version = current_versions([segment])[segment.pk]

    def save(root: Node, asked: dict[str, str]) -> Segment:
        expected = asked.get("version", "")
        return change_segment(
            name=name,
            definition=root.to_json(),
            title=asked.get("title", ""),
            description=asked.get("description", ""),
            expected_version=int(expected) if expected.isdecimal() and len(expected) < 9 else None,
            clock=product_clock(),
            actor=acting_user(request),
        )

    subject = _Subject(
        heading=_("Change segment “%(title)s”") % {"title": shown(segment)[0]},
        titles=True,
        save=save,
        told=_("Saved. The next refresh counts it."),
        back=reverse("segments_one", args=[name]),
        segment=name,
        version=version.number,
    )
    return _page(request, subject, version.definition, *shown(segment))


@requires("segments.view", change="segments.write")
def rule(request: HttpRequest, name: str) -> HttpResponse:
    """The rule by which a refresh gives and takes a tag."""
    try:
        tag = find_tag(name)
    except DomainError as error:
        raise Http404 from error
    standing = TagRule.objects.filter(tag=tag, stopped_at=None).first()
    subject = _Subject(
        heading=_("Rule of the tag “%(name)s”") % {"name": name},
        titles=False,
        save=lambda root, _asked: set_tag_rule(
            tag=name, definition=root.to_json(), clock=product_clock(), actor=acting_user(request)
        ),
        told=_("Saved. The next refresh gives and takes the tag."),
        back=reverse("tags"),
    )
    return _page(request, subject, standing.definition if standing else _NEW, "", "")


@dataclass(frozen=True)
class _Subject:
    """What the builder's page is about, and what saving does."""

    heading: str
    titles: bool
    save: Callable[[Node, dict[str, str]], Any]
    told: str
    back: str
    segment: str = ""
    version: int | None = None
    leads_to_made: bool = False


def _page(request: HttpRequest, subject: _Subject, definition: Any, title: str, description: str) -> HttpResponse:
    subjects = read_subjects(without=subject.segment)
    root, focus, wrong = settled(from_json(definition), subjects), Focus(), {}
    if request.method == "POST":
        asked = {key: str(value) for key, value in request.POST.items()}
        title, description = asked.get("title", ""), asked.get("description", "")
        try:
            pasted = asked.get("pasted", "").strip()
            root = from_json(parse_definition(pasted)) if pasted else numbered(read_form(request.POST))
            if act := asked.get("act", ""):
                # Without scripts the buttons send the whole page.
                root, focus = acted(root, act)
            elif not errors_in(root := checked(root)):
                made = subject.save(root, asked)
                messages.success(request, subject.told)
                return redirect("segments_one", made.name) if subject.leads_to_made else redirect(subject.back)
            root = checked(settled(root, subjects))
        except SegmentRefusedError as error:
            wrong = {error.field or "title": str(error)}
        except DomainError as error:
            wrong = {"tree": str(error)}
    context = {
        "brand": find_brand(),
        "subject": subject,
        "title": title,
        "description": description,
        "wrong": wrong,
        "version": request.POST.get("version", subject.version),
        **drawn(root, subjects, focus),
    }
    return render(request, "segments/edit.html", context, status=422 if wrong or errors_in(root) else 200)


urlpatterns = [
    path("segments/new/", new, name="segments_new"),
    path("segments/builder/", rebuild, name="segments_builder"),
    path("segments/preview/", preview, name="segments_preview"),
    path("segments/saved/<str:name>/edit/", edit, name="segments_edit"),
    path("tags/<str:name>/rule/", rule, name="tags_rule"),
]
