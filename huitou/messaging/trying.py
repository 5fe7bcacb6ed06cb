"""What follows a definite refusal: the same channel later, the next channel, or nothing."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Count

from huitou.messaging.channel import REFUSED, Outcome
from huitou.messaging.models import Attempt, Touch
from huitou.messaging.standing import Account

_FIRST, _MOST = timedelta(minutes=1), timedelta(hours=6)
# Attempts that count as refused and that no provider refused: nothing was ever tried, or people decided.
_OURS = ("changed_before_sending", "worker_lost", "taken_back", "operator_not_sent", "operator_again")


@dataclass(frozen=True)
class Try:
    """When a touch is judged again, why, and the channels that are left, as JSON, where they changed."""

    at: datetime
    reason: str
    channels: str | None = None


def tries_of(touch_ids: Collection[int], account_id: int) -> Mapping[int, int]:
    """How often the account's provider has refused each of these touches for now. Each channel has its own tries."""
    found = Attempt.objects.filter(touch__in=touch_ids, account=account_id, outcome=REFUSED, permanent=False)
    counted = found.exclude(code__in=_OURS).values("touch_id").annotate(count=Count("pk"))
    return dict(counted.values_list("touch_id", "count"))


def next_try(
    touch: Touch, number: int, outcome: Outcome, account: Account, max_retries: int, now: datetime
) -> Try | None:
    """What follows the `number`th refusal of a touch by this account's provider; None: nothing any more.

    A refusal of the account itself says nothing about the message: it waits until somebody has mended the account.
    """
    if outcome.account_trouble:
        return Try(now + timedelta(minutes=15), "account_paused")
    if not outcome.permanent and number <= max_retries:
        pause = min(_FIRST * 4 ** (number - 1), _MOST)
        at = now + max(pause, outcome.retry_after or timedelta())
        if at <= touch.not_after:
            return Try(at, "provider_retry")
    left = remaining_channels(touch, account)
    return Try(now, "next_channel", json.dumps(left)) if left else None


def remaining_channels(touch: Touch, account: Account) -> list[str]:
    """The channels of a touch without those that lead through this account."""
    names = (account.row.kind, f"{account.row.kind}/{account.row.name}")
    return [named for named in touch.channels if named not in names]
