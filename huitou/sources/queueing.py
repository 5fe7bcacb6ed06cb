"""What the worker is asked to do: run an import; load, advance or remove the example."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from django.conf import settings
from django.db import transaction
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from procrastinate.exceptions import AlreadyEnqueued
from procrastinate.tasks import Task

from huitou.accounts.models import User
from huitou.accounts.queries import find_brand
from huitou.accounts.services import BrandExistsError, record_audit
from huitou.core.clock import Clock
from huitou.core.errors import DomainError
from huitou.sources.connectors.complete_journey.loading import example_status
from huitou.sources.job_progress import JobState, write_state
from huitou.sources.models import ImportRun
from huitou.sources.tasks import (
    EXAMPLE,
    advance_example_job,
    import_job_name,
    load_example_job,
    remove_example_job,
    run_import_job,
)


class ExampleStateError(DomainError):
    """The example is not in a state in which this can be done."""

    code = "example_state"
    status = 409


class TooFarError(DomainError):
    """The example ends before the day to advance to."""

    code = "example_ends"
    status = 422


def queue_import(run: ImportRun, *, clock: Clock, actor: User | None = None, actor_label: str = "cli") -> None:
    """Have the worker run a registered import, and refresh; one that is done already is left alone."""
    if run.state == "done":
        return
    with transaction.atomic():
        run_import_job.defer(run_id=run.pk, language=_language())
        record_audit(
            action="import.requested",
            clock=clock,
            actor=actor,
            actor_label=actor_label,
            target=run.batch_key,
            detail={"run": run.pk, "kind": run.kind, "source": run.source},
        )
    write_state(settings.HOME, import_job_name(run.pk), JobState("waiting"))


def queue_example_load(*, clock: Clock, actor: User | None, actor_label: str) -> None:
    """Have the worker load the example into the empty store, or go on with a load that was interrupted.

    Raises BrandExistsError where the store holds a brand's own data.
    """
    state = example_status().state
    if state == "own":
        raise BrandExistsError(_("This deployment holds a brand of its own; the example needs an empty store."))
    if state != "ready":
        _queue(load_example_job, _By(clock, actor, actor_label), "load")


def queue_example_advance(*, days: int, clock: Clock, actor: User | None, actor_label: str) -> None:
    """Have the worker move the example's clock on.

    Raises ExampleStateError unless the example is loaded, TooFarError where fewer days are left.
    """
    status = example_status()
    if status.state != "ready" or status.now is None or status.ends is None:
        raise ExampleStateError(_("The example is not loaded, or a job of it is under way. Look at its status first."))
    if status.now + timedelta(days=days) > status.ends:
        raise TooFarError(
            _("Only %(days)d days of the example are left; give at most that many.") % {"days": status.days_left}
        )
    _queue(advance_example_job, _By(clock, actor, actor_label), "advance", days=days)


def queue_example_removal(*, clock: Clock, actor: User | None, actor_label: str) -> None:
    """Have the worker empty the store of the example; where none is, nothing is to be done.

    Raises BrandExistsError where the store holds a brand's own data.
    """
    brand = find_brand()
    if brand is not None and not brand.is_example:
        raise BrandExistsError(_("The store holds a brand of its own, not the example; nothing is removed."))
    if brand is not None:
        _queue(remove_example_job, _By(clock, actor, actor_label), "remove")


@dataclass(frozen=True)
class _By:
    """Who asked, and when."""

    clock: Clock
    actor: User | None
    label: str


def _queue(job: Task, by: _By, kind: str, **arguments: object) -> None:  # type: ignore[type-arg]
    """Queue a job of the example unless one is waiting already."""
    try:
        # A refused job must not end the caller's transaction.
        with transaction.atomic():
            job.defer(user_id=by.actor.pk if by.actor else None, language=_language(), **arguments)
            record_audit(
                action="example.requested",
                clock=by.clock,
                actor=by.actor,
                actor_label=by.label,
                detail={"kind": kind, **arguments},
            )
    except AlreadyEnqueued as error:
        raise ExampleStateError(_("A job of the example is waiting already. Look at its status first.")) from error
    write_state(settings.HOME, EXAMPLE, JobState("waiting"))


def _language() -> str:
    return get_language() or settings.LANGUAGE_CODE
