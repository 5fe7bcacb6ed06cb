"""The next channel for what stayed unread: planned as a touch of its own and governed anew."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from huitou.core.clock import Clock
from huitou.messaging.models import PLANNED, Touch
from huitou.messaging.rules import current_rules
from huitou.messaging.standing import load_accounts
from huitou.messaging.trying import remaining_channels

# Why a touch was taken back whose next channel took over.
REPLACED = "next_channel_instead"
# A fallback has at least so long, whatever the window of what it follows.
_LEAST_WINDOW = timedelta(hours=12)


def plan_next_channel(touches: Sequence[Touch], *, clock: Clock) -> int:
    """Plan what follows these touches, as far as a channel is left; twice is once. Returns how many were planned."""
    if not touches:
        return 0
    accounts = load_accounts(current_rules(), clock.now())
    rows = []
    for touch in touches:
        account = accounts.get(touch.account_id or 0)
        left = remaining_channels(touch, account) if account else []
        if left:
            rows.append(_fallback(touch, left, clock))
    return len(Touch.objects.bulk_create(rows, ignore_conflicts=True))


def _fallback(touch: Touch, left: list[str], clock: Clock) -> Touch:
    now = clock.now()
    return Touch(
        key=f"{touch.key[:180]}#{touch.pk}-next",
        person_id=touch.person_id,
        source=touch.source,
        step=touch.step,
        variant=touch.variant,
        purpose=touch.purpose,
        priority=touch.priority,
        channels=left,
        content=touch.content,
        content_hash=touch.content_hash,
        planned_by=touch.planned_by,
        send_after=now,
        not_after=max(touch.not_after, now + _LEAST_WINDOW),
        fallback_after=touch.fallback_after,
        parent=touch,
        created_at=now,
        next_at=now,
        state=PLANNED,
        lake_version=1,
    )
