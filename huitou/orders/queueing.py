"""The refresh as people and programs ask for it: queued for the worker, and how far it is."""

from __future__ import annotations

from dataclasses import dataclass

from django.db import transaction
from procrastinate.contrib.django.models import ProcrastinateJob
from procrastinate.exceptions import AlreadyEnqueued

from huitou.core.clock import Clock
from huitou.core.models import RefreshRun
from huitou.orders.snapshot import last_refresh
from huitou.orders.tasks import refresh_job


@dataclass(frozen=True)
class RefreshState:
    """Whether a refresh waits or runs, the last finished one, and a later one that did not end well."""

    queued: bool
    running: bool
    last: RefreshRun | None
    failed: RefreshRun | None


def queue_refresh(*, clock: Clock) -> bool:
    """Have the worker refresh; False if one is waiting already, which will do."""
    try:
        # A refused job must not end the caller's transaction.
        with transaction.atomic():
            refresh_job.configure().defer(timestamp=int(clock.now().timestamp()))
    except AlreadyEnqueued:
        return False
    return True


def refresh_state() -> RefreshState:
    """Where the figures stand."""
    last = last_refresh()
    later = RefreshRun.objects.filter(pk__gt=last.pk if last else 0).order_by("-pk")
    jobs = ProcrastinateJob.objects.filter(task_name=refresh_job.name)
    return RefreshState(
        queued=jobs.filter(status="todo").exists(),
        running=later.filter(finished_at=None, error="").exists(),
        last=last,
        failed=later.exclude(error="").first(),
    )
