"""Segments as lists and pages show them: size, trend, what changed at the last refresh, and who uses them."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import datetime

from django.db.models import Q, QuerySet
from django.urls import reverse

from huitou.orders.queries import last_refresh
from huitou.segments.layering import layer_place, shown
from huitou.segments.models import Segment, SegmentSize, SegmentVersion
from huitou.segments.ordering import SEGMENT, TAG, current_versions, standing_nodes
from huitou.segments.uses import SegmentUse

# As many refreshes as a small trend shows.
_TREND = 60


@dataclass(frozen=True)
class Listed:
    """One segment of the list. Sizes are None before the refresh that counts it first; `is_stale` says that its
    condition was changed since the last count."""

    segment: Segment
    version: SegmentVersion
    size: int | None = None
    entered: int | None = None
    left: int | None = None
    counted_at: datetime | None = None
    is_stale: bool = True
    trend: list[tuple[datetime, int]] = field(default_factory=list)
    used_by: list[str] = field(default_factory=list)


def list_segments(*, archived: bool = False) -> list[Listed]:
    """Own segments by title first, then layers in the order of their families."""
    found = Segment.objects.filter(archived_at__isnull=not archived)
    segments = sorted(found, key=lambda s: (s.group == "layer", layer_place(s), s.title))
    versions = current_versions(segments)
    trends, users, run = _trends(segments), _users(), last_refresh()
    listed = []
    for segment in segments:
        version, sizes = versions[segment.pk], trends[segment.pk]
        latest = sizes[-1] if sizes else None
        is_counted = latest is not None and run is not None and latest.run_id == run.pk
        listed.append(
            Listed(
                segment=segment,
                version=version,
                size=latest.size if latest else None,
                entered=latest.entered if latest else None,
                left=latest.left if latest else None,
                counted_at=latest.as_of if latest else None,
                is_stale=not is_counted or latest is None or latest.version != version.number,
                trend=[(size.as_of, size.size) for size in sizes],
                used_by=[use.title for use in users.get(segment.name, [])],
            )
        )
    return listed


def sizes_of(segment: Segment, *, limit: int = 400) -> list[SegmentSize]:
    """Sizes at finished refreshes, oldest first."""
    newest = _finished().filter(segment=segment).order_by("-run_id")[:limit]
    return list(reversed(newest))


def versions_of(segment: Segment) -> list[SegmentVersion]:
    """Every version, the latest first."""
    return list(segment.versions.order_by("-number"))


def users_of(name: str) -> list[str]:
    """What asks about a segment: titles of segments, and tags with a rule."""
    return [use.title for use in asking_about(name)]


def asking_about(name: str) -> list[SegmentUse]:
    """Segments and tags whose conditions ask about a segment, each with its page."""
    return _users().get(name, [])


def _users() -> dict[str, list[SegmentUse]]:
    titles = {segment.name: shown(segment)[0] for segment in Segment.objects.all()}
    found: dict[str, list[SegmentUse]] = defaultdict(list)
    for node in standing_nodes().values():
        if node.kind == TAG:
            use = SegmentUse(f"#{node.name}", reverse("tags"))
        else:
            use = SegmentUse(titles[node.name], reverse("segments_one", args=[node.name]))
        for kind, name in node.needs:
            if kind == SEGMENT:
                found[name].append(use)
    return {name: sorted(uses, key=lambda use: use.title) for name, uses in found.items()}


def _finished() -> QuerySet[SegmentSize]:
    return SegmentSize.objects.filter(Q(run__finished_at__isnull=False) & Q(run__error=""))


def _trends(segments: list[Segment]) -> dict[int, list[SegmentSize]]:
    found: dict[int, list[SegmentSize]] = {segment.pk: [] for segment in segments}
    runs = _finished().order_by("-run_id").values_list("run_id", flat=True).distinct()[:_TREND]
    for size in SegmentSize.objects.filter(segment__in=segments, run__in=list(runs)).order_by("run_id"):
        found[size.segment_id].append(size)
    return found
