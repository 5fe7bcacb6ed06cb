"""Calls of providers: receipts, what customers did at the provider, and what may be answered at once."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from django.db import transaction

from huitou.core.clock import Clock
from huitou.customers.services import Sighting, resolve_sightings
from huitou.customers.telling import ConsentDecision, record_consents
from huitou.messaging.accounts import config_of
from huitou.messaging.channel import (
    Address,
    CallbackRequest,
    CallbackResult,
    Channel,
    ChannelEvent,
    Reply,
    find_channel,
)
from huitou.messaging.content import SERVICE, Content
from huitou.messaging.deciding import URGENT
from huitou.messaging.models import WELCOME_STEP, ChannelAccount, Touch
from huitou.messaging.receiving import take_receipts
from huitou.messaging.services import TouchRequest, request_touches
from huitou.sources.services import OwnEvent, record_own_events


def take_callback(*, token: str, request: CallbackRequest, clock: Clock) -> CallbackResult | None:
    """What a call to an account's address means, taken in whole or not at all; None where nobody is at the address."""
    account = ChannelAccount.objects.filter(callback_token=token).first()
    channel = find_channel(account.kind) if account else None
    if account is None or channel is None or channel.read_callback is None:
        return None
    result = channel.read_callback(config_of(account), request, clock)
    if result.status >= 400:
        return result
    with transaction.atomic():
        persons = _persons(account, [*result.events, *result.replies], clock)
        _take_events(account, channel, result.events, persons, clock)
        take_receipts(result.receipts, account=account, origin="callback", clock=clock)
        _plan_replies(account, result.replies, persons, clock)
    return result


def _persons(account: ChannelAccount, told: Sequence[ChannelEvent | Reply], clock: Clock) -> dict[Address, int]:
    """Who it was, by what the provider knows them by; customers who are new become persons."""
    known = {each.who: n for n, each in enumerate(told)}
    if not known:
        return {}
    sightings = [
        Sighting(ref=n, identifiers=((who.kind, who.namespace, who.value),), at=clock.now()) for who, n in known.items()
    ]
    persons = resolve_sightings(sightings=sightings, source=account.name, clock=clock)
    return {who: persons[n] for who, n in known.items() if n in persons}


def _take_events(
    account: ChannelAccount,
    channel: Channel,
    events: Sequence[ChannelEvent],
    persons: dict[Address, int],
    clock: Clock,
) -> None:
    mine = [(event, persons[event.who]) for event in events if event.who in persons]
    record_own_events(
        events=[
            OwnEvent(
                message_id=event.message_id,
                person_id=person,
                name=event.name,
                at=min(event.at, clock.now()),
                channel=account.kind,
                properties=event.properties,
            )
            for event, person in mine
        ],
        clock=clock,
    )
    decisions = [
        ConsentDecision(
            person_id=person,
            channel=channel.consent_of(account.settings),
            purpose=purpose,
            granted=granted,
            at=min(event.at, clock.now()),
            source=account.name,
            text_version=event.name,
        )
        for event, person in mine
        for purpose, granted in event.consents
    ]
    if decisions:
        record_consents(decisions=decisions, clock=clock)


def _plan_replies(account: ChannelAccount, replies: Sequence[Reply], persons: dict[Address, int], clock: Clock) -> None:
    """The account's welcome for each customer who may be greeted, governed like everything else."""
    if not account.welcome.get("words"):
        return
    now = clock.now()
    for reply in replies:
        if reply.who not in persons or reply.expires_at <= now:
            continue
        request = TouchRequest(
            key=f"welcome:{account.pk}:{reply.message_id}"[:200],
            customer_id=persons[reply.who],
            source=f"welcome:{account.pk}",
            step=WELCOME_STEP,
            channels=(f"{account.kind}/{account.name}",),
            content=Content.from_json(account.welcome),
            purpose=SERVICE,
            priority=URGENT,
            send_after=now,
            not_after=max(reply.expires_at, now + timedelta(seconds=1)),
        )
        [touch_id] = request_touches([request], clock=clock)
        Touch.objects.filter(pk=touch_id, reply_token="").update(reply_token=reply.token[:300])
