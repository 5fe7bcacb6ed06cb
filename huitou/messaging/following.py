"""What follows a touch that went out: the next channel where it stays unread, and questions to providers."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import timedelta

from django.db import connection, transaction

from huitou.core.clock import Clock
from huitou.core.errors import kind_and_place
from huitou.customers.models import Identifier
from huitou.customers.queries import customers_of, members_of
from huitou.messaging import sql
from huitou.messaging.accounts import config_of
from huitou.messaging.channel import Address, Sent, find_channel
from huitou.messaging.fallbacks import REPLACED, plan_next_channel
from huitou.messaging.models import SENT, ChannelAccount, Touch
from huitou.messaging.recalling import ask_back, kinds_that_take_back, look_again
from huitou.messaging.receiving import take_receipts
from huitou.messaging.rendering import address_digest
from huitou.messaging.rules import current_rules
from huitou.messaging.standing import load_accounts, run
from huitou.messaging.trying import remaining_channels

logger = logging.getLogger(__name__)
_LIMIT = 500
_POLL_EVERY, _POLL_DAYS, _POLL_LIMIT = timedelta(minutes=2), 7, 2000


def plan_fallbacks(*, clock: Clock) -> int:
    """Plan the next channel for what stayed unread for as long as was set; each is governed anew. Returns how many.

    What still waits at its provider is taken back first, so that nobody hears twice; see messaging.recalling.
    """
    now = clock.now()
    with transaction.atomic():
        ids = [row[0] for row in run(sql.DUE_FALLBACKS, {"now": now, "limit": _LIMIT})]
        touches = list(Touch.objects.filter(pk__in=ids).order_by("pk"))
        waiting = _waiting_at_provider(touches, clock)
        planned = plan_next_channel([touch for touch in touches if touch.pk not in waiting], clock=clock)
        ask_back(waiting, REPLACED, now)
        Touch.objects.filter(pk__in=ids).update(fallback_at=None)
        with connection.cursor() as cursor:
            cursor.execute(sql.DROP_FALLBACKS, {"now": now})
    return planned


def _waiting_at_provider(touches: Sequence[Touch], clock: Clock) -> set[int]:
    """Of these touches those that the provider may still deliver, and that another channel is to follow."""
    kinds, accounts = set(kinds_that_take_back()), load_accounts(current_rules(), clock.now())
    return {
        touch.pk
        for touch in touches
        if touch.state == SENT
        and touch.channel in kinds
        and not touch.reply_token
        and (account := accounts.get(touch.account_id or 0))
        and remaining_channels(touch, account)
    }


def poll_accounts(*, clock: Clock) -> int:
    """Ask providers that do not call what became of messages; returns how many receipts were new."""
    new = 0
    # Who is paused sends nothing more, and what went out before is still read and answered.
    for account in ChannelAccount.objects.filter(state__in=("active", "paused")).order_by("pk"):
        channel = find_channel(account.kind)
        if channel is None or channel.poll is None or not _claim_poll(account, clock):
            continue
        sent = _polled(account, clock)
        try:
            receipts = channel.poll(config_of(account), sent, clock) if sent else []
        except Exception as error:
            logger.warning("channel account %s cannot be asked: %s", account.pk, kind_and_place(error))
            continue
        new += take_receipts(receipts, account=account, origin="poll", clock=clock).new
        look_again(account, clock=clock)
    return new


def _claim_poll(account: ChannelAccount, clock: Clock) -> bool:
    """Whether it is our turn to ask: one worker asks, every few minutes."""
    now = clock.now()
    due = ChannelAccount.objects.filter(pk=account.pk).exclude(polled_at__gt=now - _POLL_EVERY)
    return bool(due.update(polled_at=now))


def _polled(account: ChannelAccount, clock: Clock) -> list[Sent]:
    """Messages whose fate is not known, with their recipients as they are now.

    Of many some each time, from where the last time ended: those that nobody will ever answer keep no others waiting.
    """
    given = {"account": account.pk, "since": clock.now() - timedelta(days=_POLL_DAYS), "limit": _POLL_LIMIT}
    rows = run(sql.DUE_POLLS, given | {"after": account.polled_up_to})
    if not rows and account.polled_up_to:
        rows = run(sql.DUE_POLLS, given | {"after": 0})
    up_to = rows[-1][5] if len(rows) == _POLL_LIMIT else 0
    ChannelAccount.objects.filter(pk=account.pk).update(polled_up_to=up_to)
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
    for touch_id, reference, sent_at, person, digest, _attempt in rows:
        to = next((a for a in known.get(customers[person], ()) if address_digest(a) == digest), None)
        if to is not None and sent_at is not None:
            found.append(Sent(touch_id, reference, sent_at, to))
    return found
