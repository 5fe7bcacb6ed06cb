"""Customers who may be contacted, and a channel that notes what it is given."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from huitou.core.clock import Clock
from huitou.customers.identifier_kind import IDENTIFIER_KINDS
from huitou.customers.models import Consent, Identifier, Person
from huitou.messaging.channel import Channel, Config, Outcome, Outgoing, accepted
from huitou.messaging.models import ChannelAccount
from huitou.messaging.services import Content, TouchRequest, Words

# Noon in Shanghai.
NOON = datetime(2026, 3, 4, 4, tzinfo=UTC)


@dataclass
class Recorder:
    """What was handed over, and what is answered to it: by default that it was accepted."""

    sent: list[Outgoing] = field(default_factory=list)
    answer: Callable[[Outgoing], Outcome] = lambda message: accepted(f"ref-{message.key}")
    broken: bool = False

    def send(self, config: Config, outgoing: Sequence[Outgoing], clock: Clock) -> Sequence[Outcome]:
        self.sent += outgoing
        if self.broken:
            raise ConnectionResetError
        return [self.answer(message) for message in outgoing]


def a_channel(kind: str, recorder: Recorder, **more: Any) -> Channel:
    given: dict[str, Any] = {
        "label": kind,
        "term_zh": kind,
        "icon": "info",
        "identifier_kinds": ("phone",),
        "consent_channel": kind,
        "send": recorder.send,
        "batch_size": 50,
    }
    return Channel(kind=kind, **(given | more))


def make_account(kind: str, **more: Any) -> ChannelAccount:
    return ChannelAccount.objects.create(
        kind=kind, name=more.pop("name", kind), callback_token=f"token-{kind}", created_at=NOON, **more
    )


_numbers = iter(range(13_912_340_001, 13_999_000_000, 7))


def make_customer(*, channels: Sequence[str] = ("chat", "text"), purpose: str = "marketing") -> int:
    """A customer with phone and WeCom id who agreed to these channels."""
    person = Person.objects.create(created_at=NOON)
    number = next(_numbers)
    phone = IDENTIFIER_KINDS["phone"].normalize(str(number)) or ""
    Identifier.objects.create(kind="phone", value=phone, person=person)
    Identifier.objects.create(kind="external_userid", namespace="corp", value=f"wm{number}", person=person)
    for channel in channels:
        agree(person.pk, channel, purpose)
    return person.pk


def agree(
    person_id: int, channel: str, purpose: str = "marketing", *, granted: bool = True, at: datetime = NOON
) -> None:
    Consent.objects.create(
        person_id=person_id,
        channel=channel,
        purpose=purpose,
        granted=granted,
        at=at - timedelta(days=1) if granted else at,
        recorded_at=at,
    )


def ask(key: str, customer: int, **more: Any) -> TouchRequest:
    """A marketing touch over `text` in the next three days."""
    given: dict[str, Any] = {
        "key": key,
        "customer_id": customer,
        "source": "launch:1",
        "step": "hello",
        "channels": ("text",),
        "content": Content({"zh": Words(text=f"您好 {key}")}),
        "send_after": NOON,
        "not_after": NOON + timedelta(days=3),
    }
    return TouchRequest(**(given | more))
