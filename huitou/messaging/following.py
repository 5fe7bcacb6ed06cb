"""What follows a touch that went out: the next channel where it stays unread, and questions to providers."""

from __future__ import annotations

import logging
from datetime import timedelta

from django.db import connection, transaction

from huitou.core.clock import Clock
from huitou.core.errors import kind_and_place
from huitou.customers.models import Identifier
from huitou.customers.queries import customers_of, members_of
from huitou.messaging import sql
from huitou.messaging.accounts import config_of
from huitou.messaging.channel import Address, Sent, find_channel
from huitou.messaging.models import PLANNED, ChannelAccount, Touch
from huitou.messaging.receiving import take_receipts
from huitou.messaging.rendering import address_digest
from huitou.messaging.rules import current_rules
from huitou.messaging.standing import load_accounts, run
from huitou.messaging.trying import remaining_channels

logger = logging.getLogger(__name__)
_LIMIT = 500
# A fallback has at least so long, whatever the window of what it follows.
_LEAST_WINDOW = timedelta(hours=12)
_POLL_EVERY, _POLL_DAYS, _POLL_LIMIT = timedelta(minutes=2), 7, 2000


def plan_fallbacks(*, clock: Clock) -> int:
    """Plan the next channel for what stayed unread for as long as was set; each is governed anew. Returns how many."""
    now, planned = clock.now(), 0
    with transaction.atomic():
        accounts = load_accounts(current_rules(), now)
        ids = [row[0] for row in run(sql.DUE_FALLBACKS, {"now": now, "limit": _LIMIT})]
        rows = []
        for touch in Touch.objects.filter(pk__in=ids).order_by("pk"):
            account = accounts.get(touch.account_id or 0)
            left = remaining_channels(touch, account) if account else []
            if left:
                rows.append(_fallback(touch, left, clock))
        planned = len(Touch.objects.bulk_create(rows, ignore_conflicts=True))
        Touch.objects.filter(pk__in=ids).update(fallback_at=None)
        with connection.cursor() as cursor:
            cursor.execute(sql.DROP_FALLBACKS, {"now": now})
    return planned


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


def poll_accounts(*, clock: Clock) -> int:
    """Ask providers that do not call what became of messages; returns how many receipts were new."""
    new = 0
    for account in ChannelAccount.objects.filter(state="active").order_by("pk"):
        channel = find_channel(account.kind)
        if channel is None or channel.poll is None or not _claim_poll(account, clock):
            continue
        sent = _polled(account, clock)
        if not sent:
            continue
        try:
            receipts = channel.poll(config_of(account), sent, clock)
        except Exception as error:
            logger.warning("channel account %s cannot be asked: %s", account.pk, kind_and_place(error))
            continue
        new += take_receipts(receipts, account=account, origin="poll", clock=clock).new
    return new


def _claim_poll(account: ChannelAccount, clock: Clock) -> bool:
    """Whether it is our turn to ask: one worker asks, every few minutes."""
    now = clock.now()
    due = ChannelAccount.objects.filter(pk=account.pk).exclude(polled_at__gt=now - _POLL_EVERY)
    return bool(due.update(polled_at=now))


def _polled(account: ChannelAccount, clock: Clock) -> list[Sent]:
    """Messages whose fate is not known, with their recipients as they are now."""
    since = clock.now() - timedelta(days=_POLL_DAYS)
    rows = run(sql.DUE_POLLS, {"account": account.pk, "since": since, "limit": _POLL_LIMIT})
    channel = find_channel(account.kind)
    kinds = channel.identifier_kinds if channel else ()
    customers = customers_of(row[3] for row in rows)
    customer_by_member = {p: c for c, together in members_of(set(customers.values())).items() for p in together}
    known: dict[int, list[Address]] = {}
    for person, kind, namespace, value in Identifier.objects.filter(
        person_id__in=customer_by_member, kind__in=kinds
    ).values_list("person_id", "kind", "namespace", "value"):
        known.setdefault(customer_by_member[person], []).append(Address(kind, namespace, value))
    found = []
    for touch_id, reference, sent_at, person, digest in rows:
        to = next((a for a in known.get(customers[person], ()) if address_digest(a) == digest), None)
        if to is not None and sent_at is not None:
            found.append(Sent(touch_id, reference, sent_at, to))
    return found
