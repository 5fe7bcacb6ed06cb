"""Jobs of plays: rehearsals over the past month. Twice without harm."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.utils import translation
from procrastinate.contrib.django import app

from huitou.core.errors import DomainError, kind_and_place
from huitou.journeys.plays.rehearsing import Asked, run_rehearsal
from huitou.sources.job_progress import JobState, Reporter, write_state


@app.task(name="plays.rehearse", queueing_lock="plays.rehearse", lock="plays.rehearse")
def rehearse_job(*, asked: dict[str, Any], key: str, language: str) -> None:
    """Rehearse one draft and keep the result."""
    job = f"rehearsal-{key}"
    with translation.override(language):
        try:
            run_rehearsal(settings.HOME, Asked.from_json(asked), key=key, report=Reporter(settings.HOME, job))
        except DomainError as error:
            write_state(settings.HOME, job, JobState("failed", error=str(error)))
        except Exception as error:
            write_state(settings.HOME, job, JobState("failed", error=kind_and_place(error)))
            raise
        else:
            write_state(settings.HOME, job, JobState("done"))
