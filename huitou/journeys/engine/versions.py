"""Definitions of live versions, read once per process: a live version never changes."""

from __future__ import annotations

from functools import lru_cache

from huitou.journeys.definition import Definition, parse_definition
from huitou.journeys.models import JourneyVersion


@lru_cache(maxsize=1_000)
def _read(version_id: int) -> tuple[Definition, str]:
    version = JourneyVersion.objects.select_related("journey").get(pk=version_id)
    assert version.state == JourneyVersion.LIVE, "only what is live runs"
    return parse_definition(version.definition), version.journey.name


def definition_of(version_id: int) -> Definition:
    """What a live version does."""
    return _read(version_id)[0]


def journey_name_of(version_id: int) -> str:
    """The name of its journey."""
    return _read(version_id)[1]
