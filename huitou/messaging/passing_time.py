"""What happens to messages while the example's clock is moved on."""

from __future__ import annotations

from django.db.models import Q

from huitou.core.clock import Clock
from huitou.core.home import Home
from huitou.messaging.loop import keep_up, run_turn
from huitou.messaging.models import PLANNED, WAITING, Touch

__all__ = ["is_needed", "keep_up", "pass_time"]


def is_needed() -> bool:
    """Whether any message waits for its time, for its next channel or for being taken back."""
    waits = Q(state__in=(PLANNED, WAITING)) | Q(fallback_at__isnull=False) | Q(recall_at__isnull=False)
    return Touch.objects.filter(waits).exists()


def pass_time(*, home: Home, clock: Clock) -> None:
    """Judge and send what is due by now."""
    run_turn(home=home, clock=clock)
