"""Launching a play: its journey, its published version, and the dated launch, under one key that launches once."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.db import transaction
from django.utils.translation import gettext as _

from huitou.accounts.models import User
from huitou.core.clock import Clock
from huitou.core.errors import DomainError
from huitou.experiments.document import readout_document
from huitou.experiments.queries import find_experiment, readout
from huitou.journeys.models import Journey, JourneyVersion, Launch
from huitou.journeys.plays.drafts import Draft, live_version_of
from huitou.journeys.plays.numbers import numbers_of
from huitou.journeys.services import create_journey, launch, publish, save_draft
from huitou.journeys.titles import launch_title

OPEN_STATES = (Launch.SCHEDULED, Launch.RUNNING, Launch.PAUSED)


class AlreadyRunningError(DomainError):
    """The same play runs; a second launch would contact the same customers twice."""

    code = "play_runs"
    status = 409


def launch_draft(
    draft: Draft,
    *,
    clock: Clock,
    control_bp: int,
    starts_at: datetime | None = None,
    enroll_days: int | None = None,
    key: str = "",
    beside: bool = False,
    looks: int = 0,
    actor: User | None = None,
    actor_label: str = "cli",
) -> Launch:
    """Launch a draft: customers come in from `starts_at` (now) for `enroll_days`, the result is read a window later.

    The same `key` again is the same launch. Raises AlreadyRunningError while a launch of it runs, unless `beside`;
    LaunchTermsError for shares and dates that cannot be.
    """
    definition = draft.definition
    start = starts_at or clock.now()
    with transaction.atomic():
        known = Launch.objects.filter(key=key).first() if key else None
        if known is not None:
            return known
        version = _published(draft, clock=clock, actor=actor, actor_label=actor_label)
        # Two people who launch at once wait for each other here; the second finds the first's launch.
        Journey.objects.select_for_update().get(pk=version.journey_id)
        running = Launch.objects.filter(version__journey=version.journey_id, state__in=OPEN_STATES).exclude(key=key)
        if not beside and (other := running.order_by("pk").first()) is not None:
            raise AlreadyRunningError(
                _("%(title)s runs already as launch %(number)s. Stop that one first, or say that both are meant.")
                % {"title": draft.title, "number": other.pk}
            )
        return launch(
            version=version,
            clock=clock,
            title=draft.title,
            key=key,
            starts_at=start,
            ends_at=start + timedelta(days=enroll_days or draft.enroll_days),
            control_bp=control_bp,
            window_days=definition.window_days,
            terms=_terms(draft),
            looks=looks,
            actor=actor,
            actor_label=actor_label,
        )


def _published(draft: Draft, *, clock: Clock, actor: User | None, actor_label: str) -> JourneyVersion:
    """The version that does what the draft says; for a ready play a journey of its name, made at the first launch."""
    known = live_version_of(draft)
    if known is not None:
        return known
    by: dict[str, Any] = {"clock": clock, "actor": actor, "actor_label": actor_label}
    journey = draft.journey or Journey.objects.filter(name=draft.name).first()
    if journey is None:
        made = create_journey(name=draft.name, title=draft.title, definition=draft.source, play=draft.name, **by)
        journey = made.journey
    else:
        save_draft(journey=journey, definition=draft.source, **by)
    return publish(journey=journey, **by)


def _terms(draft: Draft) -> Mapping[str, Any]:
    """What the operator chose, kept with the launch."""
    told: dict[str, Any] = {"play": draft.name if draft.play else "", "parameters": dict(draft.parameters or {})}
    if draft.target is not None:
        told["target"] = {"metric": draft.target.metric, "value": draft.target.value}
    return told


def copy_play(
    draft: Draft, *, name: str, title: str, clock: Clock, actor: User | None = None, actor_label: str = "cli"
) -> Journey:
    """A journey of the operator's own that does what the play does, to be edited; raises JourneyNameError."""
    made = create_journey(
        name=name,
        title=title or draft.title,
        definition=draft.source,
        play=draft.play.name if draft.play else "",
        clock=clock,
        actor=actor,
        actor_label=actor_label,
    )
    return made.journey


def launch_document(found: Launch) -> dict[str, Any]:
    """A launch as programs read it."""
    experiment = find_experiment(found.experiment) if found.experiment else None
    return {
        "launch": found.pk,
        "journey": found.version.journey.name,
        "version": found.version.number,
        "title": launch_title(found),
        "state": found.state,
        "starts_at": found.starts_at,
        "ends_at": found.ends_at,
        "control_bp": found.control_bp,
        "window_days": found.window_days,
        "experiment": found.experiment,
        "result_at": experiment.ends_at if experiment else None,
        "terms": found.terms,
    }


def readout_document_of(found: Launch, zone: ZoneInfo) -> dict[str, Any]:
    """What a launch has done so far, and what its experiment shows: no comparison before its end."""
    return {
        "launch": launch_document(found),
        "numbers": numbers_of(found).to_json(),
        "readout": readout_document(readout(found.experiment), zone),
    }
