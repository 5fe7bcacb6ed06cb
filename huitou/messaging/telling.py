"""What became of touches, told as ordinary events: they count for journeys, features and metrics like all others."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from huitou.core.clock import Clock
from huitou.messaging.models import Touch
from huitou.sources.services import OwnEvent, record_own_events

# By status of a touch; each is told once.
EVENT_NAMES = {
    "sent": "Message Sent",
    "delivered": "Message Delivered",
    "failed": "Message Failed",
    "read": "Message Read",
    "clicked": "Message Link Clicked",
    "unsubscribed": "Message Unsubscribed",
    "complained": "Message Complained",
}


def tell(told: Sequence[tuple[Touch, str]], *, at: datetime, clock: Clock) -> None:
    """Put what happened at `at` to these touches into the inbox, in the caller's transaction."""
    tell_each([(touch, status, at) for touch, status in told], clock)


def tell_each(told: Sequence[tuple[Touch, str, datetime]], clock: Clock) -> None:
    """The same for what happened at times of its own."""
    record_own_events(
        events=[
            OwnEvent(
                message_id=f"touch-{touch.pk}-{status}",
                person_id=touch.person_id,
                name=EVENT_NAMES[status],
                at=min(at, clock.now()),
                channel=touch.channel,
                properties={
                    "message_id": str(touch.pk),
                    "touch_channel": touch.channel,
                    "launch": touch.source,
                    "step_id": touch.step,
                },
            )
            for touch, status, at in told
        ],
        clock=clock,
    )
