"""What a channel is: a pure adapter that hands messages to one provider and understands what the provider reports.

It knows how to ask and what the answers mean, and nothing of our store: whether a message may go out was decided
before, and what came of it is kept by whoever called. A channel is a folder below `channels/` with `CHANNEL`.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, MutableMapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from typing import Protocol

from django.utils.functional import Promise

from huitou.analytics.registry import Registry
from huitou.core.clock import Clock
from huitou.messaging.prices import price_of
from huitou.sources.connectors.connector import Setting

__all__ = [
    "CHANNELS",
    "Address",
    "CallbackRequest",
    "CallbackResult",
    "Channel",
    "ChannelEvent",
    "CheckResult",
    "Config",
    "NotTakenBackError",
    "Outcome",
    "Outgoing",
    "Quota",
    "Receipt",
    "Reply",
    "Sent",
    "Setting",
    "accepted",
    "find_channel",
    "refused",
    "unknown",
]
ACCEPTED, REFUSED, UNKNOWN = "accepted", "refused", "unknown"
ELSEWHERE = "elsewhere"
# What a provider may report of a message, in the order in which it happens.
SENT, DELIVERED, READ, CLICKED, FAILED = "sent", "delivered", "read", "clicked", "failed"
# Who complains means at least what who unsubscribes means, and both count against the brand's marketing as a whole.
UNSUBSCRIBED, COMPLAINED = "unsubscribed", "complained"
STATUSES = (SENT, DELIVERED, READ, CLICKED, FAILED, UNSUBSCRIBED, COMPLAINED)
PERIODS = ("minute", "hour", "day", "week", "month")


@dataclass(frozen=True)
class Address:
    """One identifier of a customer: kind as in customers.identifier_kinds, the space it is unique in, and the value."""

    kind: str
    namespace: str
    value: str


@dataclass(frozen=True)
class Config:
    """One account at a provider: its settings with the secrets, the address that callbacks come to, and a memory.

    `memory` is kept for the life of the process (access tokens). What is in it may be gone at any time. `leaving` is
    called with the messages of one call to the provider, from the thread that `send` was called in and right before
    their bytes leave; see `Channel.says_leaving`.
    """

    account_id: int
    name: str
    settings: Mapping[str, str]
    callback_url: str = ""
    memory: MutableMapping[str, object] = field(default_factory=dict)
    leaving: Callable[[Sequence[Outgoing]], None] = lambda _messages: None


@dataclass(frozen=True)
class Outgoing:
    """One message to one customer, ready to be sent.

    `key` is unique for ever and the same for no two attempts: providers that know idempotency keys get it. `to` is
    the address that was chosen, `others` what else is known of the customer. `link` is our own short link, already
    put in place of `{link}` in `text`. `template` and `params` are for providers that know texts only by a code.
    `reply_token` answers something that the customer just did (`Reply`). `extra` is what the step asked for.
    """

    touch_id: int
    key: str
    to: Address
    title: str
    text: str
    link: str = ""
    template: str = ""
    params: Mapping[str, str] = field(default_factory=dict)
    purpose: str = "marketing"
    language: str = "zh"
    source: str = ""
    unsubscribe_url: str = ""
    reply_token: str = ""
    others: tuple[Address, ...] = ()
    extra: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Outcome:
    """What came of handing over one message; made by `accepted`, `refused` and `unknown`.

    `provider_ref` is under what the provider reports about it; several messages of one task may share it, then the
    receipt names the recipient too. `permanent`: trying again cannot help. `account_trouble`: the provider refuses
    the account itself (credentials, balance), which is paused until somebody mends it.
    """

    kind: str
    provider_ref: str = ""
    parts: int = 1
    awaits: str = ""
    code: str = ""
    message: str = ""
    permanent: bool = False
    retry_after: timedelta | None = None
    account_trouble: bool = False
    waits_alone: bool = False


def accepted(provider_ref: str = "", *, parts: int = 1, awaits: str = "") -> Outcome:
    """The provider took it. `parts`: how many messages it costs. `awaits`: who still has to do something (member)."""
    return Outcome(ACCEPTED, provider_ref=provider_ref[:200], parts=parts, awaits=awaits)


def refused(
    code: str,
    message: str = "",
    *,
    permanent: bool = False,
    retry_after: timedelta | None = None,
    account_trouble: bool = False,
    waits_alone: bool = False,
) -> Outcome:
    """The provider said no, or nothing was sent for certain. `code` is the provider's own; `message` names nobody.

    `waits_alone`: `retry_after` speaks of this message or its recipient, and the account goes on with others.
    """
    return Outcome(
        REFUSED,
        code=code[:50],
        message=message[:500],
        permanent=permanent,
        retry_after=retry_after,
        account_trouble=account_trouble,
        waits_alone=waits_alone,
    )


def unknown(message: str = "", *, code: str = "no_answer") -> Outcome:
    """Bytes were sent and no answer came that says what became of it. It is never sent again by itself."""
    return Outcome(UNKNOWN, code=code[:50], message=message[:500])


@dataclass(frozen=True)
class Receipt:
    """What a provider reports of one message: one of STATUSES. `to` where several share the reference."""

    provider_ref: str
    status: str
    at: datetime
    to: Address | None = None
    code: str = ""
    message: str = ""
    touch_id: int | None = None


@dataclass(frozen=True)
class CallbackRequest:
    """What came to the account's callback address; names of headers are lower case. `query` has the last value."""

    method: str
    headers: Mapping[str, str]
    query: Mapping[str, str]
    body: bytes


@dataclass(frozen=True)
class ChannelEvent:
    """Something that a customer did at the provider (added a member, left), to become an ordinary event.

    `consents` are the decisions that lie in it, as (purpose, granted): who removes the brand wants to hear no more.
    """

    message_id: str
    name: str
    at: datetime
    who: Address
    properties: Mapping[str, object] = field(default_factory=dict)
    consents: tuple[tuple[str, bool], ...] = ()


@dataclass(frozen=True)
class Reply:
    """Something that may be answered for a short time: the account's welcome, governed like every other message."""

    message_id: str
    who: Address
    token: str
    expires_at: datetime
    extra: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class CallbackResult:
    """What a callback meant, and what the provider wants to hear. `status` 403: it did not prove who it is."""

    receipts: tuple[Receipt, ...] = ()
    events: tuple[ChannelEvent, ...] = ()
    replies: tuple[Reply, ...] = ()
    status: int = 200
    body: bytes = b""
    content_type: str = "text/plain; charset=utf-8"


@dataclass(frozen=True)
class Sent:
    """A message whose receipts are asked for: its reference, when it was sent, and to whom."""

    touch_id: int
    provider_ref: str
    sent_at: datetime
    to: Address


@dataclass(frozen=True)
class Quota:
    """At most `limit` messages in one `period` of the provider's calendar (minute, hour: the last 60 of them).

    `per` is customer or account.
    """

    code: str
    limit: int
    period: str
    per: str = "customer"


@dataclass(frozen=True)
class CheckResult:
    """What the test button found: whether the account can send, and in words why not."""

    ok: bool
    message: str | Promise = ""


class NotTakenBackError(Exception):
    """The provider will not stop it: it went out already. `code` is the provider's own."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code[:50]


class _Send(Protocol):
    def __call__(self, config: Config, outgoing: Sequence[Outgoing], clock: Clock) -> Sequence[Outcome]: ...


class _ReadCallback(Protocol):
    def __call__(self, config: Config, request: CallbackRequest, clock: Clock) -> CallbackResult: ...


class _Poll(Protocol):
    def __call__(self, config: Config, sent: Sequence[Sent], clock: Clock) -> Sequence[Receipt]: ...


class _TakeBack(Protocol):
    def __call__(self, config: Config, provider_ref: str, clock: Clock) -> Collection[Address]: ...


class _Check(Protocol):
    def __call__(self, config: Config, clock: Clock) -> CheckResult: ...


def _accept(settings: Mapping[str, str]) -> None:
    """Nothing to object to."""


def _no_quotas(settings: Mapping[str, str], day: date) -> Sequence[Quota]:
    return ()


@dataclass(frozen=True)
class Channel:
    """One kind of channel.

    `send` gives one outcome per message, in their order; an exception that it raises makes all of them unknown. With
    `says_leaving` it calls `config.leaving` before each call to the provider, and only what it said to be leaving
    becomes unknown, whether it raises or its process dies; the rest is tried again.
    `identifier_kinds`: any of them will do, the first that the customer has is taken; `namespace_setting` names the
    setting that says in which space the account's identifiers are unique. `consent_channel`: the channel code that
    consent is asked for; an account's setting of the name `consent_setting` takes its place. Where the setting of the
    name `elsewhere_setting` is `elsewhere`, consent is kept by whoever gets the messages: here only a withdrawal
    counts. `quiet_hours` are those of the brand's zone that hold unless somebody sets others, None: none;
    `provider_hours` are the only ones in which the provider delivers, in its own zone. `by_hand`: nobody sends,
    somebody exports a list. `take_back` stops what was accepted under a reference and not delivered yet, for everybody
    in it, and gives the recipients whom it reached before that; it raises NotTakenBackError where it cannot be stopped
    any more, and anything else where nobody knows. `welcomes`: callbacks bring customers who may be greeted at once.
    `check_settings` raises DomainError for settings that do not go together. `cost_minor` says from the settings what a
    message of so many parts costs. `term_zh` is what operators call it.
    """

    kind: str
    label: str | Promise
    term_zh: str
    icon: str
    identifier_kinds: tuple[str, ...]
    consent_channel: str
    send: _Send
    settings: tuple[Setting, ...] = ()
    batch_size: int = 100
    says_leaving: bool = False
    quiet_hours: tuple[time, time] | None = (time(21), time(9))
    provider_hours: tuple[time, time] | None = None
    provider_zone: str = "Asia/Shanghai"
    consent_setting: str = ""
    elsewhere_setting: str = ""
    namespace_setting: str = ""
    by_hand: bool = False
    welcomes: bool = False
    reports_reads: bool = False
    read_callback: _ReadCallback | None = None
    poll: _Poll | None = None
    take_back: _TakeBack | None = None
    quotas: Callable[[Mapping[str, str], date], Sequence[Quota]] = _no_quotas
    check: _Check | None = None
    check_settings: Callable[[Mapping[str, str]], None] = _accept
    cost_minor: Callable[[Mapping[str, str], int], int] = price_of

    def consent_of(self, settings: Mapping[str, str]) -> str:
        """The channel code that consent is asked for."""
        return (settings.get(self.consent_setting) if self.consent_setting else "") or self.consent_channel

    def is_kept_elsewhere(self, settings: Mapping[str, str]) -> bool:
        """Whether consent is kept by whoever gets the messages, and here only withdrawals count."""
        return bool(self.elsewhere_setting) and settings.get(self.elsewhere_setting) == ELSEWHERE

    @property
    def secrets(self) -> frozenset[str]:
        """Names of the settings that are kept sealed."""
        return frozenset(setting.name for setting in self.settings if setting.is_secret)


CHANNELS: Registry[Channel] = Registry("huitou.messaging.channels", "CHANNEL", Channel)


def find_channel(kind: str) -> Channel | None:
    """The channel of that kind."""
    return next((channel for channel in CHANNELS if channel.kind == kind), None)
