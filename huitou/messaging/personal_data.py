"""What messaging keeps of a person: every touch, with what it said."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.db.models import F

from huitou.customers.identifier_kind import Key
from huitou.messaging.models import OPEN_STATES, SENT, Attempt, Receipt, ShortLink, Touch
from huitou.messaging.recalling import FORGOTTEN, kinds_that_take_back

PERSONAL = ("Touch", "Attempt", "Receipt", "ShortLink")
IMPERSONAL = {
    "ChannelAccount": "what was set of a provider's account, and what it said, without names",
    "ContactPolicy": "settings of the brand",
    "HandoffList": "counts",
    "PausedSource": "the number of a launch",
    "TouchDecision": "codes and counts under a touch's number",
    "ContactSlot": "a day and a number under a person's number",
    "StrayReceipt": "a provider's reference that belongs to no touch yet, and a digest",
}


def export(person_ids: Sequence[int], identifiers: Sequence[Key]) -> dict[str, Any]:
    """Every touch with its content, what was decided, what was tried, and what was reported."""
    touches = Touch.objects.filter(person_id__in=person_ids).order_by("pk")
    return {
        "touches": [
            {
                "id": touch.pk,
                "person_id": touch.person_id,
                "source": touch.source,
                "purpose": touch.purpose,
                "channel": touch.channel,
                "state": touch.state,
                "reason": touch.reason,
                "content": touch.content,
                "send_after": touch.send_after.isoformat(),
                "sent_at": touch.sent_at and touch.sent_at.isoformat(),
                "decisions": [
                    {"at": d.at.isoformat(), "verdict": d.verdict, "reason": d.reason, "numbers": d.numbers}
                    for d in touch.decisions.order_by("pk")
                ],
                "attempts": [
                    {"at": a.started_at.isoformat(), "outcome": a.outcome, "reference": a.provider_ref}
                    for a in touch.attempts.order_by("pk")
                ],
                "receipts": [{"at": r.at.isoformat(), "status": r.status} for r in touch.receipts.order_by("pk")],
                "links": [link.target for link in touch.links.order_by("pk")],
            }
            for touch in touches.prefetch_related("decisions", "attempts", "receipts", "links")
        ]
    }


def erase(person_ids: Sequence[int], identifiers: Sequence[Key], looked: object = None) -> dict[str, int]:
    """What was said and under which reference; that there was a touch and what was decided stays, without a name.

    What waits at a provider that can stop it keeps its reference until it has been taken back: see messaging.recalling.
    """
    touches = Touch.objects.filter(person_id__in=person_ids)
    waiting = touches.filter(state__in=OPEN_STATES)
    ended = {"state": "cancelled", "reason": "erased", "next_at": None, "lake_version": F("lake_version") + 1}
    counts = {"touches_cancelled": waiting.update(**ended)}
    counts["links"] = ShortLink.objects.filter(touch__in=touches).delete()[0]
    Receipt.objects.filter(touch__in=touches).update(message="")
    stoppable = touches.filter(state=SENT, channel__in=kinds_that_take_back())
    Attempt.objects.filter(touch__in=touches).exclude(touch__in=stoppable).update(**FORGOTTEN)
    counts["touches"] = touches.update(content={}, planned_by="", reply_token="", fallback_at=None)
    return counts
