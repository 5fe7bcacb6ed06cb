"""Segments kept: made, changed by new versions, archived; and the rules that give tags."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from typing import Any

from django.conf import settings
from django.db import connection, transaction
from django.utils.translation import gettext as _

from huitou.accounts.models import User
from huitou.accounts.queries import find_brand, get_brand
from huitou.accounts.services import record_audit
from huitou.core.clock import Clock, SystemClock
from huitou.core.errors import DomainError
from huitou.core.models import RefreshRun
from huitou.orders.queueing import queue_refresh
from huitou.segments import sql
from huitou.segments.counting import SegmentUnknownError
from huitou.segments.listing import users_of
from huitou.segments.models import Segment, SegmentVersion, TagRule
from huitou.segments.ordering import SEGMENT, TAG, check_no_circle, current_versions, make_node
from huitou.segments.tagging import find_tag, who
from huitou.segments.uses import SegmentUse, uses_of
from huitou.segments.where import WhereRefusedError, check_tags, read_where

_SLUG = re.compile(r"\w[\w-]{0,59}")
_LONGEST = 60
# The audit log tells when somebody acted; the example brand lives in its own past.
_MACHINE = SystemClock()


class SegmentRefusedError(DomainError):
    """A segment that cannot be; `field` is what to mend."""

    code = "segment_refused"
    status = 422

    def __init__(self, message: str, *, field: str = "", code: str | None = None) -> None:
        super().__init__(message, code=code)
        self.field = field


class SegmentInUseError(DomainError):
    """Launches or journeys ask about the segment; `uses` says which. It can be archived all the same."""

    code = "segment_in_use"
    status = 409

    def __init__(self, uses: Sequence[SegmentUse]) -> None:
        text = _(
            "%(names)s: they ask about it, and what runs stands still without it. Say that you want it all the same."
        )
        told = text % {"names": "; ".join(use.title for use in uses)}
        super().__init__(told, at_terminal=_("Add --although-used."))
        self.uses = tuple(uses)


def slug_of(title: str) -> str:
    """A name for commands and conditions from a title in any script: lower case, words joined by underscores."""
    text = unicodedata.normalize("NFKC", title).strip().lower()
    return re.sub(r"_+", "_", re.sub(r"[^\w-]+", "_", text)).strip("_-")[:_LONGEST].strip("_-")


def create_segment(
    *,
    definition: Mapping[str, Any],
    clock: Clock,
    name: str = "",
    title: str = "",
    description: str = "",
    group: str = "own",
    actor: User | None = None,
    actor_label: str = "cli",
) -> Segment:
    """Keep a condition under a name; a refresh is asked for.

    Without a name it follows from the title. The same name with the same condition again is the segment that is there.
    Raises SegmentRefusedError for a name that is taken or cannot be, WhereRefusedError for the condition.
    """
    title = " ".join(title.split()) or name
    name = name.strip() or slug_of(title)
    if not _SLUG.fullmatch(name):
        text = _("Give the segment a name of 1 to 60 letters, digits, hyphens and underscores.")
        raise SegmentRefusedError(text, field="title" if not name else "name")
    if len(title) > 120 or len(description) > 500:
        raise SegmentRefusedError(_("A title has at most 120 characters, a description 500."), field="title")
    with transaction.atomic():
        _lock_definitions()
        _check(SEGMENT, name, definition)
        found = Segment.objects.filter(name=name).first()
        if found is not None:
            if found.archived_at is None and current_versions([found])[found.pk].definition == definition:
                return found
            text = _("There is a segment %(name)s already. Choose another name, or change that one.")
            raise SegmentRefusedError(text % {"name": name}, field="name", code="name_taken")
        segment = Segment.objects.create(
            name=name, title=title, description=description.strip(), group=group, created_at=clock.now()
        )
        _add_version(segment, definition, clock, actor, actor_label)
        _audit("segment.created", actor, actor_label, target=name, detail={"title": title})
    _ask_for_refresh(clock)
    return segment


def change_segment(
    *,
    name: str,
    clock: Clock,
    definition: Mapping[str, Any] | None = None,
    title: str | None = None,
    description: str | None = None,
    expected_version: int | None = None,
    actor: User | None = None,
    actor_label: str = "cli",
) -> Segment:
    """Change a segment; another condition is a new version, and a refresh is asked for.

    With `expected_version` the change is refused where somebody has changed the segment since. Raises
    SegmentUnknownError, SegmentRefusedError, WhereRefusedError.
    """
    with transaction.atomic():
        _lock_definitions()
        segment = _lock_segment(name)
        version = current_versions([segment])[segment.pk]
        if expected_version is not None and expected_version != version.number:
            text = _("Somebody has changed the segment meanwhile: it is at version %(number)s. Load it anew.")
            raise SegmentRefusedError(text % {"number": version.number}, code="changed_meanwhile")
        before = {"title": segment.title, "description": segment.description, "version": version.number}
        if definition is not None and definition != version.definition:
            _check(SEGMENT, name, definition)
            version = _add_version(segment, definition, clock, actor, actor_label, number=version.number + 1)
        segment.title = (segment.title if title is None else " ".join(title.split())[:120]) or name
        segment.description = segment.description if description is None else description.strip()[:500]
        after = {"title": segment.title, "description": segment.description, "version": version.number}
        if before != after:
            segment.save(update_fields=["title", "description"])
            detail = {"before": before, "after": after}
            _audit("segment.changed", actor, actor_label, target=name, detail=detail)
    if before["version"] != after["version"]:
        _ask_for_refresh(clock)
    return segment


def archive_segment(
    *, name: str, clock: Clock, although_used: bool = False, actor: User | None = None, actor_label: str = "cli"
) -> Segment:
    """Refresh a segment no more; everybody leaves it at the next refresh. Twice is once.

    Raises SegmentUnknownError, SegmentRefusedError where another segment or a tag's rule asks about it, and
    SegmentInUseError where a launch or journey does, unless `although_used`.
    """
    with transaction.atomic():
        _lock_definitions()
        segment = _lock_segment(name)
        if segment.archived_at is None:
            if users := users_of(name):
                text = _("It is used by %(names)s. Take it out there first.")
                raise SegmentRefusedError(text % {"names": ", ".join(users)}, code="segment_used")
            uses = uses_of(name)
            if uses and not although_used:
                raise SegmentInUseError(uses)
            segment.archived_at, segment.archived_label = clock.now(), who(actor, actor_label)
            segment.save(update_fields=["archived_at", "archived_label"])
            detail = {"used_by": [use.title for use in uses]} if uses else {}
            _audit("segment.archived", actor, actor_label, target=name, detail=detail)
    _ask_for_refresh(clock)
    return segment


def restore_segment(*, name: str, clock: Clock, actor: User | None = None, actor_label: str = "cli") -> Segment:
    """Refresh an archived segment again. Raises SegmentUnknownError, WhereRefusedError."""
    with transaction.atomic():
        _lock_definitions()
        segment = _lock_segment(name)
        if segment.archived_at is not None:
            _check(SEGMENT, name, current_versions([segment])[segment.pk].definition)
            segment.archived_at, segment.archived_label = None, ""
            segment.save(update_fields=["archived_at", "archived_label"])
            _audit("segment.restored", actor, actor_label, target=name)
    _ask_for_refresh(clock)
    return segment


def set_tag_rule(
    *, tag: str, definition: Mapping[str, Any], clock: Clock, actor: User | None = None, actor_label: str = "cli"
) -> TagRule:
    """Let a tag be given and taken by a condition from the next refresh on; it replaces the tag's rule before.

    What the rule before gave is kept by whoever the new one holds for. Raises TagUnknownError, WhereRefusedError.
    """
    with transaction.atomic():
        _lock_definitions()
        found = find_tag(tag, lock=True)
        _check(TAG, tag, definition)
        before = TagRule.objects.filter(tag=found, stopped_at=None).first()
        if before is not None and before.definition == definition:
            return before
        if before is not None:
            TagRule.objects.filter(pk=before.pk).update(stopped_at=clock.now(), stopped_label=who(actor, actor_label))
        rule = TagRule.objects.create(
            tag=found, definition=definition, created_at=clock.now(), created_label=who(actor, actor_label)
        )
        _audit("tag_rule.created", actor, actor_label, target=tag, detail={"definition": definition})
    _ask_for_refresh(clock)
    return rule


def stop_tag_rule(*, tag: str, clock: Clock, actor: User | None = None, actor_label: str = "cli") -> int:
    """End a tag's rule and take what it gave; returns from how many. Twice is once. Raises TagUnknownError."""
    with transaction.atomic(), connection.cursor() as cursor:
        found = find_tag(tag, lock=True)
        rule = TagRule.objects.filter(tag=found, stopped_at=None).first()
        if rule is None:
            return 0
        label = who(actor, actor_label)
        TagRule.objects.filter(pk=rule.pk).update(stopped_at=clock.now(), stopped_label=label)
        cursor.execute(sql.END_RULE, {"tag": found.pk, "ref": str(rule.pk), "now": clock.now(), "label": label})
        taken = int(cursor.rowcount)
        _audit("tag_rule.stopped", actor, actor_label, target=tag, detail={"taken": taken})
    _ask_for_refresh(clock)
    return taken


def refresh_segments(*, clock: Clock) -> RefreshRun:
    """Refresh now, segments included; what has not changed is not computed again."""
    from huitou.orders.refresh import run_refresh

    return run_refresh(home=settings.HOME, brand=get_brand(), clock=clock)


def _check(kind: str, name: str, definition: object) -> None:
    condition = read_where(definition)
    check_tags(condition)
    check_no_circle(make_node(kind, name, condition))


def _add_version(
    segment: Segment,
    definition: Mapping[str, Any],
    clock: Clock,
    actor: User | None,
    actor_label: str,
    *,
    number: int = 1,
) -> SegmentVersion:
    return SegmentVersion.objects.create(
        segment=segment,
        number=number,
        definition=dict(definition),
        at=clock.now(),
        actor=actor,
        actor_label=who(actor, actor_label),
    )


def _lock_segment(name: str) -> Segment:
    segment = Segment.objects.select_for_update().filter(name=name).first()
    if segment is None:
        raise SegmentUnknownError(_("There is no segment %(name)s.") % {"name": name})
    return segment


def _lock_definitions() -> None:
    """Definitions are checked against each other, so they change one at a time."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtext('huitou.segments'))")


def _audit(action: str, actor: User | None, label: str, *, target: str, detail: dict[str, Any] | None = None) -> None:
    record_audit(action=action, clock=_MACHINE, actor=actor, actor_label=label, target=target, detail=detail)


def _ask_for_refresh(clock: Clock) -> None:
    if find_brand() is not None:
        queue_refresh(clock=clock)


__all__ = [
    "SegmentInUseError",
    "SegmentRefusedError",
    "WhereRefusedError",
    "archive_segment",
    "change_segment",
    "create_segment",
    "refresh_segments",
    "restore_segment",
    "set_tag_rule",
    "slug_of",
    "stop_tag_rule",
]
