"""The smallest channel: it writes into the log of the process that a message would go out. Copy it to begin another."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from django.utils.translation import gettext_lazy as _

from huitou.core.clock import Clock
from huitou.messaging.channel import Channel, CheckResult, Config, Outcome, Outgoing, Setting, accepted

logger = logging.getLogger(__name__)


def send(config: Config, outgoing: Sequence[Outgoing], clock: Clock) -> list[Outcome]:
    """Note number and length of every message; texts and addresses are personal and stay out of logs."""
    for message in outgoing:
        logger.info("%s: touch %s, %s characters", config.name, message.touch_id, len(message.text))
    return [accepted(message.key) for message in outgoing]


def check(config: Config, clock: Clock) -> CheckResult:
    """A log can always be written."""
    return CheckResult(True, _("Writes to the log only; nobody is contacted."))


CHANNEL = Channel(
    kind="console_log",
    label=_("Log only (for trying out)"),
    term_zh="仅记录日志",
    icon="terminal",
    identifier_kinds=("customer_id", "member_no", "phone", "email", "openid", "external_userid", "buyer_id"),
    consent_channel="console_log",
    consent_setting="consent_channel",
    settings=(
        Setting(
            "consent_channel",
            _("Consent to ask for"),
            _("Which consent is asked for before a message goes out this way."),
            required=False,
            default="console_log",
        ),
    ),
    send=send,
    check=check,
)
