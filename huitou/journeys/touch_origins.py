"""Launches as what asks for messages."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from django.urls import reverse
from django.utils.translation import get_language

from huitou.journeys.models import Launch
from huitou.messaging.origins import Origin

_PREFIX = "launch:"


def origins(sources: Sequence[str]) -> Mapping[str, Origin]:
    """Those of the sources that are launches: title and number, the launch's page, and the titles of its steps."""
    told = [source.removeprefix(_PREFIX) for source in sources if source.startswith(_PREFIX)]
    numbers = [int(each) for each in told if each.isascii() and each.isdigit() and len(each) < 18]
    found = Launch.objects.filter(pk__in=numbers).select_related("version")
    return {f"{_PREFIX}{launch.pk}": _told(launch) for launch in found}


def _told(launch: Launch) -> Origin:
    language = "zh" if (get_language() or "zh").startswith("zh") else "en"
    steps = {}
    for step in launch.version.definition.get("steps", ()):
        title = step.get("title")
        if isinstance(title, dict) and title.get(language):
            steps[str(step.get("id"))] = str(title[language])
    return Origin(f"{launch.title} · {launch.pk}", reverse("plays_launch", args=[launch.pk]), steps)
