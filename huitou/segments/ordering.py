"""In which order segments and tag rules are computed: each after what it asks about, and never in a circle."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from django.db.models import OuterRef, Subquery
from django.utils.translation import gettext as _

from huitou.analytics.conditions import Condition, ConditionError, parse_condition
from huitou.segments.models import Segment, SegmentVersion, TagRule
from huitou.segments.where import WhereRefusedError, segments_in, tags_in

SEGMENT, TAG = "segment", "tag"


@dataclass(frozen=True)
class Node:
    """A segment, or a tag that a rule gives: its definition, which version or rule that is, and what it asks about."""

    kind: str
    name: str
    source: int
    number: int
    condition: Condition
    needs: tuple[tuple[str, str], ...]

    @property
    def key(self) -> tuple[str, str]:
        return self.kind, self.name


def make_node(kind: str, name: str, condition: Condition, *, source: int = 0, number: int = 0) -> Node:
    """A node with what its condition asks about."""
    needs = [(SEGMENT, s) for s in segments_in(condition)] + [(TAG, t) for t in tags_in(condition)]
    return Node(kind, name, source, number, condition, tuple(sorted(set(needs))))


def current_versions(segments: Iterable[Segment] | None = None) -> dict[int, SegmentVersion]:
    """The version that counts, by segment."""
    newest = SegmentVersion.objects.filter(segment=OuterRef("segment")).order_by("-number").values("pk")[:1]
    found = SegmentVersion.objects.filter(pk=Subquery(newest))
    if segments is not None:
        found = found.filter(segment__in=list(segments))
    return {version.segment_id: version for version in found}


def standing_nodes() -> dict[tuple[str, str], Node]:
    """Every segment that is refreshed and every tag that has a rule. A definition that an earlier release wrote and
    this one cannot read is left out: its segment says so."""
    nodes: dict[tuple[str, str], Node] = {}
    segments = {s.pk: s for s in Segment.objects.filter(archived_at=None).order_by("name")}
    for pk, version in sorted(current_versions(segments.values()).items(), key=lambda item: segments[item[0]].name):
        if (condition := _readable(version.definition)) is not None:
            name = segments[pk].name
            nodes[SEGMENT, name] = make_node(SEGMENT, name, condition, source=version.pk, number=version.number)
    for rule in TagRule.objects.filter(stopped_at=None, tag__archived_at=None).select_related("tag").order_by("pk"):
        if (condition := _readable(rule.definition)) is not None:
            nodes[TAG, rule.tag.name] = make_node(TAG, rule.tag.name, condition, source=rule.pk)
    return nodes


def _readable(definition: Any) -> Condition | None:
    try:
        return parse_condition(definition)
    except ConditionError:
        return None


def in_order(nodes: Mapping[tuple[str, str], Node]) -> list[Node]:
    """Every node after those that it asks about. Raises WhereRefusedError where they ask about each other."""
    done: dict[tuple[str, str], Node] = {}
    waiting = dict(nodes)
    while waiting:
        ready = [n for n in waiting.values() if not any(need in waiting for need in n.needs)]
        if not ready:
            circle = _circle(waiting)
            told = " → ".join(name for _kind, name in [*circle, circle[0]])
            text = _(
                "These ask about each other in a circle: %(names)s. Take one of them out of the other's condition."
            )
            raise WhereRefusedError(text % {"names": told}, code="circle")
        for node in ready:
            done[node.key] = waiting.pop(node.key)
    return list(done.values())


def check_no_circle(node: Node) -> None:
    """Raise WhereRefusedError if the node would ask about itself, by whatever way round."""
    in_order(standing_nodes() | {node.key: node})


def _circle(waiting: Mapping[tuple[str, str], Node]) -> list[tuple[str, str]]:
    """One circle among nodes that all wait for another."""
    path: list[tuple[str, str]] = []
    at = min(waiting)
    while at not in path:
        path.append(at)
        at = next(need for need in waiting[at].needs if need in waiting)
    return path[path.index(at) :]
