"""What can be previewed, rehearsed and launched: a ready play with its parameters, or a journey of one's own."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from django.utils.translation import gettext as _

from huitou.core.errors import DomainError
from huitou.journeys.definition import Definition, parse_definition
from huitou.journeys.models import Journey, JourneyVersion
from huitou.journeys.play import Play, PlayParametersError, Target, in_language, library
from huitou.journeys.titles import journey_title

# How long a launch of one's own journey lets customers in, unless the operator says otherwise.
ENROLL_DAYS = 28


class DraftUnknownError(DomainError):
    """There is neither a play nor a journey of that name."""

    code = "play_unknown"
    status = 404


@dataclass(frozen=True)
class Draft:
    """Something that could be launched. `play` is the ready play it comes from, `journey` the operator's own."""

    name: str
    title: str
    source: Mapping[str, Any]
    enroll_days: int
    play: Play | None = None
    journey: Journey | None = None
    target: Target | None = None
    parameters: Mapping[str, Any] | None = None

    @cached_property
    def definition(self) -> Definition:
        """Ready to run; raises DefinitionError."""
        return parse_definition(self.source)

    @property
    def digest(self) -> str:
        """The same for the same definition: 16 hexadecimal digits."""
        return hashlib.sha256(json.dumps(self.source, sort_keys=True, ensure_ascii=False).encode()).hexdigest()[:16]

    def through(self, channels: tuple[str, ...]) -> Draft:
        """The same with every message sent over these channels, in this order."""
        steps = [{**s, "channels": list(channels)} if s.get("kind") == "send" else s for s in self.source["steps"]]
        found = replace(self, source={**self.source, "steps": steps})
        assert found.definition, "checked by reading it"
        return found


def find_draft(name: str, parameters: Mapping[str, Any] | None = None) -> Draft:
    """The play of that name with these parameters, or the operator's journey.

    Raises DraftUnknownError, PlayParametersError, and DefinitionError for a journey that cannot run yet.
    """
    play = library().get(name)
    if play is not None:
        return Draft(
            name=name,
            title=in_language(play.title),
            source=play.definition_json(parameters),
            enroll_days=play.enroll_days,
            play=play,
            target=play.target,
            parameters=play.values(parameters),
        )
    journey = Journey.objects.filter(name=name, archived_at=None).first()
    if journey is None:
        raise DraftUnknownError(
            _("There is no play or journey %(name)s; ready plays are %(known)s.")
            % {"name": name, "known": ", ".join(library())}
        )
    if parameters:
        raise PlayParametersError([])
    version = journey.versions.order_by("-number").first()
    source = version.definition if version else {}
    draft = Draft(name, journey_title(journey), source, ENROLL_DAYS, journey=journey)
    assert draft.definition, "checked by reading it"
    return draft


def live_version_of(draft: Draft) -> JourneyVersion | None:
    """The published version that does exactly this, if there is one."""
    journey = draft.journey or Journey.objects.filter(name=draft.name).first()
    if journey is None:
        return None
    for version in journey.versions.filter(state=JourneyVersion.LIVE).order_by("-number"):
        if version.definition == draft.source:
            return version
    return None
