"""Segments as commands and programs get them, and conditions as they hand them in."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from django.utils.translation import gettext as _

from huitou.accounts.queries import find_brand
from huitou.core.clock import Clock, SystemClock
from huitou.core.errors import DomainError
from huitou.segments.counting import get_segment
from huitou.segments.listing import Listed, list_segments, sizes_of, versions_of
from huitou.segments.uses import uses_of
from huitou.segments.where import WhereRefusedError, in_words


class OneOfTwoError(DomainError):
    """Of two ways to say what is meant exactly one must be chosen."""

    code = "one_of_two"


class UnreadableError(DomainError):
    """A file that is not there or not text."""

    code = "unreadable_file"


def product_clock() -> Clock:
    """The brand's clock; that of the machine while there is no brand."""
    brand = find_brand()
    return SystemClock() if brand is None else brand.clock


def read_text(path: Path) -> str:
    """A text file, or standard input for `-`. Raises UnreadableError."""
    try:
        return sys.stdin.read() if str(path) == "-" else path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        text = _("%(path)s cannot be read as text: %(why)s")
        raise UnreadableError(text % {"path": path, "why": getattr(error, "strerror", None) or error}) from error


def read_definition(path: Path) -> Any:
    """A condition's JSON from a file. Raises UnreadableError, WhereRefusedError."""
    return parse_definition(read_text(path))


def parse_definition(text: str) -> Any:
    """A condition's JSON form from text. Raises WhereRefusedError with the line."""
    try:
        return json.loads(text)
    except (json.JSONDecodeError, RecursionError) as error:
        told = _("This is no JSON: %(why)s") % {"why": str(error)}
        raise WhereRefusedError(told, code="no_json") from error


def segment_object(one: Listed) -> dict[str, Any]:
    """One segment of the list as JSON values."""
    return {
        "name": one.segment.name,
        "title": one.segment.title,
        "description": one.segment.description,
        "group": one.segment.group,
        "version": one.version.number,
        "size": one.size,
        "entered": one.entered,
        "left": one.left,
        "counted_at": one.counted_at,
        "stale": one.is_stale,
        "used_by": one.used_by,
        "archived_at": one.segment.archived_at,
        "sentence": in_words(one.version.definition),
    }


def detail_object(name: str) -> dict[str, Any]:
    """One segment with its condition, versions and sizes. Raises SegmentUnknownError."""
    segment = get_segment(name)
    listed = list_segments(archived=segment.archived_at is not None)
    (one,) = (found for found in listed if found.segment.pk == segment.pk)
    sizes = [
        {"as_of": s.as_of, "size": s.size, "entered": s.entered, "left": s.left, "version": s.version}
        for s in sizes_of(segment)
    ]
    versions = [
        {"number": v.number, "definition": v.definition, "at": v.at, "by": v.actor_label} for v in versions_of(segment)
    ]
    return {
        **segment_object(one),
        "asked_by": [{"title": use.title, "stops": use.stops} for use in uses_of(name)],
        "definition": one.version.definition,
        "versions": versions,
        "sizes": sizes,
    }
