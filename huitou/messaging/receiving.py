"""What comes back: receipts by callback, poll, link or report, in whatever order and however often they come."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection, transaction

from huitou.core.clock import Clock
from huitou.customers.telling import ConsentDecision, record_consents
from huitou.messaging import sql
from huitou.messaging.channel import (
    CLICKED,
    COMPLAINED,
    DELIVERED,
    READ,
    SENT,
    STATUSES,
    UNSUBSCRIBED,
    Receipt,
    find_channel,
)
from huitou.messaging.content import MARKETING
from huitou.messaging.models import Attempt, ChannelAccount, Touch
from huitou.messaging.rendering import address_digest
from huitou.messaging.telling import EVENT_NAMES, tell_each

# Statuses that say that the message reached the provider, so that nobody wonders any more.
_ARRIVED = (SENT, DELIVERED, READ, CLICKED, COMPLAINED)
_REFUSALS = (UNSUBSCRIBED, COMPLAINED)
# Where receipts come from that a list's report told.
REPORT = "report"


@dataclass(frozen=True)
class Taken:
    """What became of receipts: how many were new, known already, or of no message that is known yet."""

    new: int = 0
    known: int = 0
    stray: int = 0


def take_receipts(receipts: Sequence[Receipt], *, account: ChannelAccount | None, origin: str, clock: Clock) -> Taken:
    """Note what was reported, in the caller's transaction if there is one. Twice is once.

    Receipts name their message by reference (and recipient) within `account`, or by touch. One whose message is not
    known yet waits for it: a provider may be faster than our own note of its answer.
    """
    told = [receipt for receipt in receipts if receipt.status in STATUSES]
    if not told:
        return Taken()
    with transaction.atomic():
        found, strays = _matched(told, account)
        if strays and account is not None:
            _keep_strays(strays, account, clock.now())
        new = _apply([(touch, r.status, r.at, r.code, r.message) for touch, r in found], origin, clock)
    return Taken(new=new, known=len(found) - new, stray=len(strays))


def take_strays(attempt_ids: Sequence[int], *, clock: Clock) -> int:
    """Note what came before these attempts had their references; within the transaction that gives them."""
    with connection.cursor() as cursor:
        cursor.execute(sql.TAKE_STRAYS, {"attempts": list(attempt_ids)})
        rows = [tuple(row) for row in cursor.fetchall()]
    return _apply(rows, "callback", clock)


def _matched(
    receipts: Sequence[Receipt], account: ChannelAccount | None
) -> tuple[list[tuple[int, Receipt]], list[Receipt]]:
    """Each receipt with its touch, and those whose message is not known."""
    direct = {r.touch_id for r in receipts if r.touch_id is not None}
    known = set(Touch.objects.filter(pk__in=direct).values_list("pk", flat=True))
    found = [(r.touch_id, r) for r in receipts if r.touch_id is not None and r.touch_id in known]
    by_ref = [r for r in receipts if r.touch_id is None and r.provider_ref]
    if not by_ref or account is None:
        return found, []
    places: dict[int, list[int]] = {}
    with connection.cursor() as cursor:
        cursor.execute(
            sql.FIND_REPORTED,
            {
                "account": account.pk,
                "refs": [r.provider_ref for r in by_ref],
                "hashes": [address_digest(r.to) if r.to else "" for r in by_ref],
            },
        )
        for place, touch in cursor.fetchall():
            places.setdefault(int(place) - 1, []).append(int(touch))
    found += [(touch, by_ref[place]) for place, touches in places.items() for touch in touches]
    return found, [r for place, r in enumerate(by_ref) if place not in places]


def _keep_strays(strays: Sequence[Receipt], account: ChannelAccount, now: datetime) -> None:
    columns: dict[str, Any] = {
        "refs": [r.provider_ref[:200] for r in strays],
        "hashes": [address_digest(r.to) if r.to else "" for r in strays],
        "statuses": [r.status for r in strays],
        "ats": [r.at for r in strays],
        "codes": [r.code[:50] for r in strays],
        "messages": [r.message[:500] for r in strays],
    }
    with connection.cursor() as cursor:
        cursor.execute(sql.INSERT_STRAYS, {**columns, "account": account.pk, "now": now})


def _apply(rows: Sequence[tuple[Any, ...]], origin: str, clock: Clock) -> int:
    """Keep receipts (touch, status, at, code, message) and what follows from the new ones; returns how many are new."""
    if not rows:
        return 0
    now = clock.now()
    ids = sorted({row[0] for row in rows})
    touches = {t.pk: t for t in Touch.objects.select_for_update(no_key=True).filter(pk__in=ids).order_by("pk")}
    first: dict[tuple[int, str], tuple[Any, ...]] = {}
    for row in sorted(rows, key=lambda row: row[2]):
        first.setdefault((row[0], row[1]), row)
    ordered = [first[place] for place in sorted(first)]
    names = ("touches", "statuses", "ats", "codes", "messages")
    with connection.cursor() as cursor:
        columns = dict(zip(names, map(list, zip(*ordered, strict=True)), strict=True))
        cursor.execute(sql.INSERT_RECEIPTS, {**columns, "origin": origin, "now": now})
        new = [(int(touch), str(status), at) for touch, status, at in cursor.fetchall()]
        # Who agreed again and unsubscribes once more by the same message means it: each time counts at its own instant.
        # A report may be read again without a time of its own, so that only what is new in it counts.
        refusals = new if origin == REPORT else [(int(row[0]), str(row[1]), row[2]) for row in rows]
        _withdraw([(touches[t], at) for t, status, at in refusals if status in _REFUSALS], clock)
        if not new:
            return 0
        columns = dict(zip(names, map(list, zip(*new, strict=True)), strict=False))
        cursor.execute(sql.APPLY_RECEIPTS, {**columns, "now": now})
        cursor.execute(sql.ARRIVED_ATTEMPTS, [[touch for touch, status, _at in new if status in _ARRIVED]])
    # That it was sent is told where the provider took it.
    tell_each([(touches[t], status, at) for t, status, at in new if status in EVENT_NAMES and status != SENT], clock)
    return len(new)


def _withdraw(told: Sequence[tuple[Touch, datetime]], clock: Clock) -> None:
    """Who unsubscribes or complains takes back the consent to marketing over that channel, in the same transaction."""
    # By which account each last went out: one that is planned again has none of its own at the moment.
    last = dict(
        Attempt.objects.filter(touch__in=[touch for touch, _at in told])
        .order_by("touch_id", "number")
        .values_list("touch_id", "account_id")
    )
    accounts = ChannelAccount.objects.in_bulk({*last.values(), *(t.account_id for t, _at in told if t.account_id)})
    decisions = []
    for touch, at in told:
        row = accounts.get(touch.account_id or last.get(touch.pk, 0))
        channel = find_channel(row.kind) if row else None
        consent = channel.consent_of(row.settings) if channel and row else touch.channel
        if consent:
            decisions.append(
                ConsentDecision(
                    person_id=touch.person_id,
                    channel=consent,
                    purpose=MARKETING,
                    granted=False,
                    at=min(at, clock.now()),
                    source="unsubscribe",
                    text_version="",
                )
            )
    if decisions:
        record_consents(decisions=decisions, clock=clock)
