"""What messaging keeps of the example's people. Channels and contact rules stay."""

from __future__ import annotations

from huitou.messaging.models import HandoffList, PausedSource, Touch


def drop() -> None:
    """Delete messages with their decisions, attempts and receipts, and the lists that were handed off."""
    Touch.objects.all().delete()
    HandoffList.objects.all().delete()
    PausedSource.objects.all().delete()
