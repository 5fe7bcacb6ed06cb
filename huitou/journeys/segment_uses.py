"""Launches that go on and journeys as what asks about segments."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from django.db.models import Exists, OuterRef, Q
from django.urls import reverse
from django.utils.translation import gettext as _

from huitou.journeys.models import Enrollment, Journey, Launch
from huitou.journeys.plays.launching import OPEN_STATES
from huitou.journeys.plays.words import STATES
from huitou.journeys.queries import newest_version
from huitou.journeys.titles import journey_title, launch_title
from huitou.segments.uses import SegmentUse


def uses_of(segment: str) -> Iterator[SegmentUse]:
    """Launches that let in or have customers on the way, and journeys whose newest version or draft asks about it."""
    inside = Enrollment.objects.filter(launch=OuterRef("pk"), state=Enrollment.ACTIVE)
    going = Launch.objects.filter(Q(state__in=OPEN_STATES) | Q(Exists(inside), state=Launch.ENDED))
    launched = set()
    for launch in going.select_related("version__journey").order_by("pk"):
        if _asks(launch.version.definition, segment):
            launched.add(launch.version_id)
            values = {"number": launch.pk, "title": launch_title(launch), "state": STATES[launch.state]}
            title = _("launch %(number)s: %(title)s, %(state)s") % values
            yield SegmentUse(title, reverse("plays_launch", args=[launch.pk]), stops=True)
    for journey in Journey.objects.filter(archived_at=None).order_by("title", "pk"):
        version = newest_version(journey)
        if version.pk not in launched and _asks(version.definition, segment):
            title = _("journey %(title)s, version %(number)s") % {
                "title": journey_title(journey),
                "number": version.number,
            }
            yield SegmentUse(title, reverse("journeys_flow", args=[journey.name]))


def _asks(told: object, segment: str) -> bool:
    """Whether a definition, which as a draft may hold anything, names the segment in a trigger or in any condition."""
    if isinstance(told, dict):
        named = told.get("segment")
        return named == segment or (isinstance(named, list) and segment in named) or _any(told.values(), segment)
    return isinstance(told, list) and _any(told, segment)


def _any(parts: Iterable[object], segment: str) -> bool:
    return any(_asks(part, segment) for part in parts)
