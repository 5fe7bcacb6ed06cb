"""Launches as what asks for messages."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from django.urls import reverse

from huitou.journeys.models import Launch
from huitou.journeys.plays.words import (
    step_words,
)
from huitou.journeys.titles import launch_title
from huitou.messaging.origins import Origin

_PREFIX = "launch:"


def origins(sources: Sequence[str]) -> Mapping[str, Origin]:
    """Those of the sources that are launches: title and number, the launch's page, and the titles of its steps."""
    told = [source.removeprefix(_PREFIX) for source in sources if source.startswith(_PREFIX)]
    numbers = [int(each) for each in told if each.isascii() and each.isdigit() and len(each) < 18]
    found = Launch.objects.filter(pk__in=numbers).select_related("version__journey")
    return {f"{_PREFIX}{launch.pk}": _told(launch) for launch in found}


def _told(launch: Launch) -> Origin:
    ids = [str(step.get("id")) for step in launch.version.definition.get("steps", ())]
    steps = {step: step_words(launch, step) for step in ids}
    return Origin(f"{launch_title(launch)} · {launch.pk}", reverse("plays_launch", args=[launch.pk]), steps)
