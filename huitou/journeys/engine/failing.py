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


def attempt(launch: Launch, failed: dict[int, DomainError], do: Callable[[Launch], Done], otherwise: Done) -> Done:
    """Do something of a launch that has not failed in this turn, and note where it is refused."""
    if launch.pk in failed:
        return otherwise
    try:
        return do(launch)
    except DomainError as error:
        failed[launch.pk] = error
        return otherwise


def tell_failed(failed: Mapping[int, DomainError]) -> None:
    """Say in the log which launches cannot go on and why."""
    for launch, error in failed.items():
        if (launch, str(error)) not in _told:
            _told.add((launch, str(error)))
            logger.error("launch %s cannot go on: %s", launch, error)
