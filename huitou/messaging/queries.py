"""Reads of touches: what waits, went out and came back, and why."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Count, QuerySet

from huitou.customers.queries import persons_of
from huitou.messaging.channel import find_channel
from huitou.messaging.models import (
    CANCELLED,
    EXPIRED,
    FAILED,
    PLANNED,
    REACHED_STATES,
    REFUSED,
    SENDING,
    UNKNOWN,
    WAITING,
    ChannelAccount,
    HandoffList,
    Touch,
    TouchDecision,
)
from huitou.messaging.reasons import number_words, reason_words
from huitou.messaging.states import state_words

# The lists of the Messages page: which states stand together.
GROUPS: dict[str, tuple[str, ...]] = {
    "waiting": (PLANNED, WAITING),
    "sent": (SENDING, *REACHED_STATES),
    "unknown": (UNKNOWN,),
    "failed": (FAILED,),
    "refused": (REFUSED, EXPIRED, CANCELLED),
}


@dataclass(frozen=True)
class Told:
    """One decision in words."""

    at: datetime
    verdict: str
    reason: str
    channel: str
    numbers: list[str]


def touches_of(customer_id: int, *, limit: int = 200) -> QuerySet[Touch]:
    """Touches of the customer that the person belongs to, the newest first."""
    found = Touch.objects.filter(person_id__in=persons_of(customer_id)).select_related("account")
    return found.order_by("-pk")[:limit]


def list_touches(
    *, group: str = "", reason: str = "", source: str = "", channel: str = "", before: int | None = None
) -> QuerySet[Touch]:
    """Touches, the newest first: of one group of states, one reason, one source; with ids below `before`."""
    found = Touch.objects.select_related("account").order_by("-pk")
    if group:
        found = found.filter(state__in=GROUPS[group])
    if reason:
        found = found.filter(reason=reason)
    if source:
        found = found.filter(source=source)
    if channel:
        found = found.filter(channel=channel)
    return found if before is None else found.filter(pk__lt=before)


def count_groups() -> dict[str, int]:
    """How many touches there are in each group of states."""
    counts = dict(Touch.objects.values_list("state").annotate(n=Count("pk")).values_list("state", "n"))
    return {group: sum(counts.get(state, 0) for state in states) for group, states in GROUPS.items()}


def count_reasons(group: str) -> list[tuple[str, int]]:
    """How many touches of a group there are by reason, the most common first."""
    found = Touch.objects.filter(state__in=GROUPS[group]).values_list("reason").annotate(n=Count("pk"))
    return [(str(reason), int(n)) for reason, n in found.order_by("-n", "reason")]


def decisions_of(touch_ids: list[int]) -> dict[int, list[Told]]:
    """Every decision about these touches in words, the oldest first."""
    told: dict[int, list[Told]] = {}
    for row in TouchDecision.objects.filter(touch_id__in=touch_ids).order_by("pk"):
        said = Told(
            row.at, row.verdict, reason_words(row.reason), channel_words(row.channel), number_words(row.numbers)
        )
        told.setdefault(row.touch_id, []).append(said)
    return told


def channel_words(kind: str) -> str:
    """What the channel is called."""
    channel = find_channel(kind)
    return str(channel.label) if channel else kind


def touch_report(touch: Touch) -> dict[str, Any]:
    """One touch as programs read it; what it says is left out."""
    return {
        "id": touch.pk,
        "key": touch.key,
        "customer": touch.person_id,
        "source": touch.source,
        "step": touch.step,
        "purpose": touch.purpose,
        "state": touch.state,
        "state_words": state_words(touch.state),
        "reason": touch.reason,
        "reason_words": reason_words(touch.reason) if touch.reason else "",
        "channel": touch.channel,
        "account": touch.account.name if touch.account else "",
        "send_after": touch.send_after,
        "not_after": touch.not_after,
        "next_at": touch.next_at,
        "sent_at": touch.sent_at,
        "delivered_at": touch.delivered_at,
        "read_at": touch.read_at,
        "clicked_at": touch.clicked_at,
    }


def progress_of(source: str) -> Mapping[str, int]:
    """How many touches of a source there are by state."""
    found = Touch.objects.filter(source=source).values_list("state").annotate(n=Count("pk"))
    return {str(state): int(n) for state, n in found}


def list_accounts() -> QuerySet[ChannelAccount]:
    """Every channel account by name."""
    return ChannelAccount.objects.order_by("name")


def list_handoffs() -> QuerySet[HandoffList]:
    """Every exported list, the newest first."""
    return HandoffList.objects.select_related("account", "created_by").order_by("-pk")


def ready_for_lists() -> list[tuple[ChannelAccount, str, int]]:
    """What waits for a list: account, source, and how many."""
    rows = (
        Touch.objects.filter(state__in=(PLANNED, WAITING), reason="ready_for_list", account__isnull=False)
        .values_list("account_id", "source")
        .annotate(n=Count("pk"))
        .order_by("account_id", "source")
    )
    accounts = ChannelAccount.objects.in_bulk({row[0] for row in rows if row[0] is not None})
    return [(accounts[account], source, n) for account, source, n in rows if account in accounts]
