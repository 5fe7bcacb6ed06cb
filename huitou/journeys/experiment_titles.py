"""Launches as what opens experiments."""

from __future__ import annotations

from huitou.journeys.models import Launch
from huitou.journeys.titles import launch_title


def title_of(key: str) -> str | None:
    """The launch's title in the reader's language; None where the key is not that of a launch."""
    found = Launch.objects.filter(experiment=key).select_related("version__journey").first() if key else None
    return launch_title(found) if found else None
