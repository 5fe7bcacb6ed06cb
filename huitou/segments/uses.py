"""What asks about a segment beside segments and tags: an app may have `segment_uses.py` with `uses_of(segment)`."""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cache

from django.apps import apps


@dataclass(frozen=True)
class SegmentUse:
    """One thing that asks about a segment, in the reader's language, and the page where it stands.

    `stops` says that it runs, and stands still as soon as the segment is in the archive.
    """

    title: str
    url: str = ""
    stops: bool = False


# What of an app asks about the segment of that name.
Uses = Callable[[str], Iterable[SegmentUse]]


def uses_of(segment: str) -> list[SegmentUse]:
    """What of other apps asks about the segment of that name; what would stand still without it comes first."""
    found = [use for uses in _modules() for use in uses(segment)]
    return sorted(found, key=lambda use: not use.stops)


@cache
def _modules() -> tuple[Uses, ...]:
    names = (f"{config.name}.segment_uses" for config in apps.get_app_configs())
    return tuple(
        importlib.import_module(name).uses_of
        for name in names
        if name.startswith("huitou.") and importlib.util.find_spec(name) is not None
    )
