"""What happens on journeys while the example's clock is moved on."""

from __future__ import annotations

from huitou.core.clock import Clock
from huitou.core.home import Home
from huitou.journeys.loop import run_turn
from huitou.journeys.models import Launch


def is_needed() -> bool:
    """Whether anything runs, or is about to."""
    return Launch.objects.filter(state__in=(Launch.SCHEDULED, Launch.RUNNING)).exists()


def pass_time(*, home: Home, clock: Clock) -> None:
    """Move on whoever is due by now."""
    run_turn(clock=clock)
