"""Webhook: every message as a signed POST to an address of the brand's own, for tools without an adapter."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import timedelta
from urllib.parse import urlsplit

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from huitou.core.clock import Clock, SystemClock
from huitou.core.errors import DomainError
from huitou.messaging import wire
from huitou.messaging.channel import (
    CallbackRequest,
    CallbackResult,
    Channel,
    CheckResult,
    Config,
    Outcome,
    Outgoing,
    Setting,
    accepted,
    refused,
    unknown,
)
from huitou.messaging.channels.webhook.receipts import BadReceiptsError, read_receipts
from huitou.messaging.channels.webhook.signing import BadSignatureError, read_secret, sign, verify
from huitou.messaging.prices import price_setting
from huitou.messaging.wire import NoAnswerError, NotSentError, Reply, read_json, retry_seconds

_WAIT = timedelta(minutes=1)
# Answers that say that nothing was done, and that it may be asked again.
_LATER = frozenset({408, 425, 429, 503})
_REF_CHARACTERS = 200


class WebhookSettingsError(DomainError):
    """Settings that cannot be used."""

    code = "webhook_settings"
    status = 422


def check_settings(settings: Mapping[str, str]) -> None:
    """Raises WebhookSettingsError."""
    parts = urlsplit(settings.get("url", ""))
    if parts.scheme not in ("https", "http") or not parts.hostname or parts.username:
        raise WebhookSettingsError(_("Write a whole address, such as https://tools.example.com/huitou."))
    if parts.scheme == "http" and not wire.LOOPBACK:
        raise WebhookSettingsError(_("The address begins with https://, so that nobody reads on the way."))
    try:
        read_secret(settings.get("secret", ""))
    except BadSignatureError as error:
        raise WebhookSettingsError(
            _("The secret is at least 24 random bytes in base64; make one with: openssl rand -base64 32")
        ) from error


def send(config: Config, outgoing: Sequence[Outgoing], clock: Clock) -> list[Outcome]:
    """One POST for each message."""
    way_out = wire.open_wire()
    outcomes = []
    for message in outgoing:
        config.leaving([message])
        outcomes.append(_send_one(way_out, config.settings, message))
    return outcomes


def read_callback(config: Config, request: CallbackRequest, clock: Clock) -> CallbackResult:
    """Receipts, signed in the same way with the same secret."""
    now = SystemClock().now()
    try:
        verify(config.settings.get("secret", ""), request.headers, request.body, now)
        receipts = read_receipts(request.body)
    except BadSignatureError as error:
        return CallbackResult(status=403, body=str(error).encode())
    except BadReceiptsError as error:
        return CallbackResult(status=400, body=str(error).encode())
    return CallbackResult(tuple(receipts), body=b'{"ok": true}', content_type="application/json")


def check(config: Config, clock: Clock) -> CheckResult:
    """Send a signed message of the type `test`, which names nobody."""
    body = json.dumps({"type": "test", "account": config.name}, ensure_ascii=False).encode()
    try:
        reply = _post(wire.open_wire(), config.settings, f"test-{config.account_id}", body)
    except (NoAnswerError, NotSentError) as error:
        return CheckResult(False, _("The address cannot be reached: %(why)s.") % {"why": error})
    if 200 <= reply.status < 300:
        return CheckResult(True, _("The address took a signed test message."))
    return CheckResult(False, _("The address answered with status %(status)s.") % {"status": reply.status})


def _send_one(way_out: wire.Wire, settings: Mapping[str, str], message: Outgoing) -> Outcome:
    try:
        reply = _post(way_out, settings, message.key, _body(message))
    except NoAnswerError as error:
        return unknown(str(error))
    except NotSentError as error:
        wait = None if error.permanent else _WAIT
        return refused(str(error), permanent=error.permanent, retry_after=wait, account_trouble=error.permanent)
    if 200 <= reply.status < 300:
        return accepted(_reference(reply) or message.key)
    if reply.status in _LATER:
        seconds = retry_seconds(reply, SystemClock())
        wait = _WAIT if seconds is None else timedelta(seconds=max(1, seconds))
        return refused(str(reply.status), retry_after=wait)
    if reply.status in (401, 403):
        return refused(str(reply.status), retry_after=timedelta(minutes=30), account_trouble=True)
    if reply.status < 500:
        return refused(str(reply.status), permanent=True)
    # Something broke on the other side, perhaps after it had passed the message on.
    return unknown(code=str(reply.status))


def _post(way_out: wire.Wire, settings: Mapping[str, str], key: str, body: bytes) -> Reply:
    timestamp = int(SystemClock().now().timestamp())
    headers = {
        "Content-Type": "application/json; charset=utf-8",
        "Idempotency-Key": key,
        "webhook-id": key,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": sign(settings["secret"], key, timestamp, body),
    }
    return way_out.post(settings["url"], body, headers)


def _body(message: Outgoing) -> bytes:
    told = {
        "type": "message",
        "id": message.key,
        "touch_id": message.touch_id,
        "to": {"kind": message.to.kind, "namespace": message.to.namespace, "value": message.to.value},
        "others": [{"kind": one.kind, "namespace": one.namespace, "value": one.value} for one in message.others],
        "title": message.title,
        "text": message.text,
        "link": message.link,
        "template": message.template,
        "params": dict(message.params),
        "purpose": message.purpose,
        "language": message.language,
        "source": message.source,
        "unsubscribe_url": message.unsubscribe_url,
        "extra": dict(message.extra),
    }
    return json.dumps(told, ensure_ascii=False).encode()


def _reference(reply: Reply) -> str:
    try:
        told = read_json(reply.body)
    except ValueError:
        return ""
    reference = told.get("id") if isinstance(told, dict) else None
    return reference if isinstance(reference, str) and 0 < len(reference) <= _REF_CHARACTERS else ""


CHANNEL = Channel(
    kind="webhook",
    label="Webhook",
    term_zh="Webhook",
    icon="webhook",
    identifier_kinds=("customer_id", "member_no", "phone", "email", "openid", "external_userid", "buyer_id"),
    consent_channel="webhook",
    consent_setting="consent_channel",
    settings=(
        Setting("url", gettext_lazy("Address"), gettext_lazy("Where every message is sent to, with https.")),
        Setting(
            "secret",
            gettext_lazy("Secret for signatures"),
            gettext_lazy("At least 24 random bytes in base64, known to both sides."),
            is_secret=True,
        ),
        Setting(
            "consent_channel",
            gettext_lazy("Consent to ask for"),
            gettext_lazy("Which consent is asked for before a message goes out this way."),
            required=False,
            default="webhook",
        ),
        price_setting(),
    ),
    send=send,
    says_leaving=True,
    batch_size=20,
    read_callback=read_callback,
    check=check,
    check_settings=check_settings,
    reports_reads=True,
)
