"""Every write to journeys and launches by people and programs."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from huitou.accounts.models import User
from huitou.accounts.queries import get_brand
from huitou.accounts.services import record_audit
from huitou.core.clock import Clock, SystemClock
from huitou.core.errors import DomainError
from huitou.core.http_api.fields import is_storable
from huitou.experiments.queries import find_experiment
from huitou.experiments.services import close_experiment, open_experiment
from huitou.journeys.definition import MOST_STEPS, Definition, parse_definition
from huitou.journeys.engine.ending import cancel_tasks_of_launch, end_of_launch
from huitou.journeys.models import Journey, JourneyVersion, Launch, LaunchPause, Listening
from huitou.messaging.services import cancel_touches, pause_source, resume_source
from huitou.orders.queries import last_refresh

__all__ = [
    "JourneyNameError",
    "JourneyUnknownError",
    "LaunchStateError",
    "LaunchTermsError",
    "archive_journey",
    "create_journey",
    "launch",
    "pause",
    "publish",
    "resume",
    "save_draft",
    "stop",
]
# How long customers may enter where nobody says.
ENTRY_DAYS = 365
_MACHINE = SystemClock()
_LARGEST = 400_000


class JourneyUnknownError(DomainError):
    """There is no journey or launch of that name or number."""

    code = "journey_unknown"
    status = 404


class JourneyNameError(DomainError):
    """The name is taken or cannot be a name."""

    code = "journey_name"
    status = 409


class NoDraftError(DomainError):
    """There is nothing to publish."""

    code = "no_draft"
    status = 409


class LaunchTermsError(DomainError):
    """A launch cannot have these dates or shares."""

    code = "launch_terms"
    status = 422


class LaunchStateError(DomainError):
    """The launch is in a state from which this cannot be done."""

    code = "launch_state"
    status = 409


def create_journey(
    *,
    name: str,
    title: str,
    definition: Mapping[str, Any],
    clock: Clock,
    description: str = "",
    play: str = "",
    actor: User | None = None,
    actor_label: str = "cli",
) -> JourneyVersion:
    """A new journey with a first draft, which may be unfinished; returns the draft. Raises JourneyNameError."""
    if not name or len(name) > 60 or not all(c.isascii() and (c.isalnum() or c in "-_") for c in name):
        raise JourneyNameError(_("A journey's name has 1 to 60 letters, digits, - and _."), code="journey_name")
    with transaction.atomic():
        now = clock.now()
        journey, made = Journey.objects.get_or_create(
            name=name,
            defaults={
                "title": (title or name)[:120],
                "description": description[:500],
                "play": play,
                "created_at": now,
            },
        )
        if not made:
            raise JourneyNameError(_("There is a journey %(name)s already; choose another name.") % {"name": name})
        draft = JourneyVersion.objects.create(
            journey=journey, number=1, definition=_kept(definition), created_at=now, changed_at=now
        )
        _audit("journey.created", name, actor, actor_label)
    return draft


def save_draft(
    *,
    journey: Journey,
    definition: Mapping[str, Any],
    clock: Clock,
    title: str | None = None,
    actor: User | None = None,
    actor_label: str = "cli",
) -> JourneyVersion:
    """Keep the definition as the journey's draft, unfinished or not; a live version is left as it is."""
    with transaction.atomic():
        locked = Journey.objects.select_for_update().get(pk=journey.pk)
        if title and title != locked.title:
            locked.title = title[:120]
            locked.save(update_fields=["title"])
        now = clock.now()
        draft = locked.versions.filter(state=JourneyVersion.DRAFT).first()
        if draft is None:
            last = locked.versions.order_by("-number").first()
            draft = JourneyVersion(
                journey=locked, number=(last.number if last else 0) + 1, created_at=now, changed_at=now
            )
        elif draft.definition == definition:
            return draft
        draft.definition, draft.changed_at = _kept(definition), now
        draft.save()
        _audit("journey.draft_saved", locked.name, actor, actor_label, number=draft.number)
    return draft


def _kept(definition: Mapping[str, Any]) -> dict[str, Any]:
    kept = dict(definition)
    if not is_storable(json.dumps(kept, ensure_ascii=False).replace("\\u0000", "\0")):
        raise LaunchTermsError(_("The text holds a control character, such as NUL; leave it out."), code="unstorable")
    if len(str(kept)) > _LARGEST:
        raise LaunchTermsError(
            _("The journey is too large to keep; at most %(most)s steps.") % {"most": MOST_STEPS}, code="too_large"
        )
    return kept


def publish(*, journey: Journey, clock: Clock, actor: User | None = None, actor_label: str = "cli") -> JourneyVersion:
    """Make the draft the live version, which never changes; launches that run stay on theirs.

    Publishing what is published is that version. Raises DefinitionError with every problem, or NoDraftError.
    """
    with transaction.atomic():
        locked = Journey.objects.select_for_update().get(pk=journey.pk)
        draft = locked.versions.filter(state=JourneyVersion.DRAFT).first()
        if draft is None:
            live = locked.versions.order_by("-number").first()
            if live is None:
                raise NoDraftError(_("There is nothing to publish: the journey has no draft."))
            return live
        parse_definition(draft.definition)
        draft.state, draft.published_at, draft.published_by = JourneyVersion.LIVE, clock.now(), actor
        draft.save(update_fields=["state", "published_at", "published_by"])
        _audit("journey.published", locked.name, actor, actor_label, number=draft.number)
    return draft


def archive_journey(*, journey: Journey, clock: Clock, actor: User | None = None, actor_label: str = "cli") -> None:
    """Offer the journey no more; it must not run. Twice is once. Raises LaunchStateError."""
    with transaction.atomic():
        locked = Journey.objects.select_for_update().get(pk=journey.pk)
        open_states = (Launch.SCHEDULED, Launch.RUNNING, Launch.PAUSED)
        if Launch.objects.filter(version__journey=locked, state__in=open_states).exists():
            raise LaunchStateError(_("The journey runs; stop its launches first."))
        if locked.archived_at is None:
            locked.archived_at = clock.now()
            locked.save(update_fields=["archived_at"])
            _audit("journey.archived", locked.name, actor, actor_label)


def launch(
    *,
    version: JourneyVersion,
    clock: Clock,
    title: str = "",
    key: str = "",
    starts_at: datetime | None = None,
    ends_at: datetime | None = None,
    control_bp: int | None = None,
    window_days: int | None = None,
    holdout: bool | None = None,
    terms: Mapping[str, Any] | None = None,
    looks: int = 0,
    actor: User | None = None,
    actor_label: str = "cli",
) -> Launch:
    """Launch a live version: from `starts_at` (now) customers may enter until `ends_at` (a year later).

    Control share, outcome window and dates are fixed from here on; the experiment that draws the arms is opened with
    it. The global holdout is kept out of what is for marketing unless said otherwise. The same `key` again is the same
    launch. Raises LaunchTermsError, or LaunchStateError for a draft.
    """
    if version.state != JourneyVersion.LIVE:
        raise LaunchStateError(_("Only a published version can be launched."))
    definition = parse_definition(version.definition)
    now = clock.now()
    start = starts_at or now
    end = ends_at or start + timedelta(days=ENTRY_DAYS)
    share = definition.control_bp if control_bp is None else control_bp
    window = window_days or definition.window_days
    _check_launch(start, end, now, share)
    with transaction.atomic():
        get_brand()
        Journey.objects.select_for_update().get(pk=version.journey_id)
        if key:
            known = Launch.objects.filter(key=key).first()
            if known is not None:
                return known
        made = Launch.objects.create(
            version=version,
            title=(title or version.journey.title)[:160],
            key=key or f"new:{version.pk}:{now.isoformat()}:{version.launches.count()}",
            control_bp=share,
            holdout=definition.purpose == "marketing" if holdout is None else holdout,
            purpose=definition.purpose,
            state=Launch.SCHEDULED,
            starts_at=start,
            ends_at=end,
            window_days=window,
            terms=dict(terms or {}),
            created_at=now,
            created_by=actor,
            state_at=now,
        )
        made.experiment = f"launch:{made.pk}"
        made.save(update_fields=["experiment"])
        _open_experiment(made, looks, actor, actor_label)
        _listen(made, definition)
        detail = {
            "control_bp": share,
            "window_days": window,
            "starts_at": start.isoformat(),
            "ends_at": end.isoformat(),
        }
        _audit("launch.created", str(made.pk), actor, actor_label, **detail)
    return made


def _check_launch(start: datetime, end: datetime, now: datetime, control_bp: int) -> None:
    if end <= start:
        raise LaunchTermsError(_("The launch would end before it starts."))
    if end <= now:
        raise LaunchTermsError(_("The launch would be over already."))
    if not 0 <= control_bp <= 9_000:
        raise LaunchTermsError(_("The control share is 0 to 90 %."))


def _open_experiment(made: Launch, looks: int, actor: User | None, actor_label: str) -> None:
    """The draw of its arms. Who enters on the last day is watched for a whole window."""
    assert made.ends_at is not None
    open_experiment(
        key=made.experiment,
        title=made.title,
        arms={"control": made.control_bp, "treatment": 10_000 - made.control_bp},
        window_days=made.window_days,
        starts_at=made.starts_at,
        ends_at=made.ends_at + timedelta(days=made.window_days),
        looks=looks,
        clock=_MACHINE,
        actor=actor,
        actor_label=actor_label,
    )


def _listen(made: Launch, definition: Definition) -> None:
    Listening.objects.bulk_create(Listening(launch=made, event=event) for event in sorted(definition.events))


def pause(*, launch: Launch, clock: Clock, actor: User | None = None, actor_label: str = "cli") -> Launch:
    """Hold a launch: nobody enters, nobody moves on, and nothing goes out. Waits go on meanwhile, and what comes due
    then happens at the resuming; goals still end ways. Pausing twice is once. Raises LaunchStateError.
    """
    return _change(launch, (Launch.SCHEDULED, Launch.RUNNING), Launch.PAUSED, clock, actor, actor_label)


def resume(*, launch: Launch, clock: Clock, actor: User | None = None, actor_label: str = "cli") -> Launch:
    """Let a paused launch go on. Days, events and changes of segments that would have let customers in meanwhile are
    over, also events that are told only later.

    Resuming twice is once. Raises LaunchStateError.
    """
    return _change(launch, (Launch.PAUSED,), Launch.RUNNING, clock, actor, actor_label)


def _change(
    launch: Launch, before: tuple[str, ...], after: str, clock: Clock, actor: User | None, actor_label: str
) -> Launch:
    with transaction.atomic():
        locked = Launch.objects.select_for_update().get(pk=launch.pk)
        if locked.state == after:
            return locked
        if locked.state not in before:
            raise LaunchStateError(
                _("The launch is %(state)s; this cannot be done any more.") % {"state": locked.state}
            )
        locked.state, locked.state_at = after, clock.now()
        if after == Launch.RUNNING:
            if locked.starts_at > clock.now():
                locked.state = Launch.SCHEDULED
            else:
                locked.entered_through = clock.now()
                # Before its first look a launch asks who is inside, and not who came.
                if locked.refresh_run is not None and (run := last_refresh()) is not None:
                    locked.refresh_run = run.pk
        locked.save(update_fields=["state", "state_at", "entered_through", "refresh_run"])
        if after == Launch.PAUSED:
            LaunchPause.objects.create(launch=locked, began_at=clock.now())
        else:
            _end_pause(locked, clock.now())
        change = pause_source if after == Launch.PAUSED else resume_source
        change(source=f"launch:{locked.pk}", clock=clock)
        action = "launch.paused" if after == Launch.PAUSED else "launch.resumed"
        _audit(action, str(locked.pk), actor, actor_label)
    return locked


def _end_pause(launch: Launch, at: datetime) -> None:
    launch.pauses.filter(ended_at=None).update(ended_at=at)


def stop(*, launch: Launch, clock: Clock, actor: User | None = None, actor_label: str = "cli") -> Launch:
    """End a launch for good: everybody leaves, what has not gone out is taken back, and tasks for staff that are not
    finished are called off. Stopping twice is once.
    """
    with transaction.atomic():
        locked = Launch.objects.select_for_update().get(pk=launch.pk)
        if locked.state == Launch.STOPPED:
            return locked
        now = clock.now()
        locked.state, locked.state_at = Launch.STOPPED, now
        locked.save(update_fields=["state", "state_at"])
        left = end_of_launch(locked.pk, at=now, reason="stopped")
        called_off = cancel_tasks_of_launch(locked.pk, at=now, reason="stopped")
        locked.listening.all().delete()
        _end_pause(locked, now)
        taken_back = cancel_touches(source=f"launch:{locked.pk}", clock=clock)
        resume_source(source=f"launch:{locked.pk}", clock=clock)
        experiment = find_experiment(locked.experiment)
        if experiment is not None:
            close_experiment(experiment, clock=clock, actor=actor, actor_label=actor_label)
        done = {"left": left, "taken_back": taken_back, "called_off": called_off}
        _audit("launch.stopped", str(locked.pk), actor, actor_label, **done)
    return locked


def _audit(action: str, target: str, actor: User | None, actor_label: str, **detail: object) -> None:
    record_audit(action=action, clock=_MACHINE, actor=actor, actor_label=actor_label, target=target, detail=detail)
