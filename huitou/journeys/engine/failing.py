"""A launch that cannot go on, for instance since a segment that it asks about was archived, holds up no other.

What it was about to do is rolled back, its customers stay where they are, and it is tried again at every turn: whoever
mends what it asks about has nothing else to do. Only what the domain refuses is taken so; a database that is gone ends
the turn.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from typing import TypeVar

from huitou.core.errors import DomainError
from huitou.journeys.models import Launch

logger = logging.getLogger(__name__)
Done = TypeVar("Done")
# Said once by each process, not at every turn.
_told: set[tuple[int, str]] = set()
_LONGEST = 500


def attempt(launch: Launch, failed: dict[int, DomainError], do: Callable[[Launch], Done], otherwise: Done) -> Done:
    """Do something of a launch that has not failed in this turn, and note where it is refused."""
    if launch.pk in failed:
        return otherwise
    try:
        return do(launch)
    except DomainError as error:
        failed[launch.pk] = error
        return otherwise


def tell_failed(failed: Mapping[int, DomainError], *, is_done: bool) -> None:
    """Note at the launches which of them cannot go on and why, and say it in the log.

    A turn that `is_done` has tried all of them: what it could do again is in trouble no more.
    """
    told = dict(Launch.objects.exclude(trouble="").values_list("pk", "trouble"))
    for launch, error in failed.items():
        if told.get(launch) != (why := str(error)[:_LONGEST]):
            Launch.objects.filter(pk=launch).update(trouble=why)
    if is_done and (mended := told.keys() - failed.keys()):
        Launch.objects.filter(pk__in=mended).update(trouble="")
    for launch, error in failed.items():
        if (launch, str(error)) not in _told:
            _told.add((launch, str(error)))
            logger.error("launch %s cannot go on: %s", launch, error)
