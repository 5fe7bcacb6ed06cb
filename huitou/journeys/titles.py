"""What journeys and launches are called: what kept its ready play's title has it in the reader's language."""

from __future__ import annotations

from huitou.journeys.models import Journey, Launch
from huitou.journeys.play import in_language, library


def journey_title(journey: Journey) -> str:
    """The journey's title."""
    return _in_language(journey.play, journey.title)


def launch_title(launch: Launch) -> str:
    """The launch's title."""
    return _in_language(launch.version.journey.play, launch.title)


def _in_language(play: str, title: str) -> str:
    found = library().get(play)
    return in_language(found.title) if found and title in found.title.values() else title
