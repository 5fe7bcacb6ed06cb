"""Hand-off lists: nobody is called from here; a list with identifiers goes to whatever tool the brand uses already.

What is due is kept ready until somebody exports it, which is the moment of sending: then the governor decides. The
tool's report comes back as a file.
"""

from __future__ import annotations

from collections.abc import Sequence

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from huitou.core.clock import Clock
from huitou.messaging.channel import (
    ELSEWHERE,
    Channel,
    CheckResult,
    Config,
    Outcome,
    Outgoing,
    Setting,
    accepted,
)
from huitou.messaging.prices import price_setting


def send(config: Config, outgoing: Sequence[Outgoing], clock: Clock) -> list[Outcome]:
    """A row of the list each; its reference is the touch's number, which the report may bring back."""
    return [accepted(str(message.touch_id)) for message in outgoing]


def check(config: Config, clock: Clock) -> CheckResult:
    """A file can always be written."""
    return CheckResult(True, gettext_lazy("Ready: lists are exported under Messages."))


def _bases() -> list[tuple[str, str]]:
    return [
        ("here", _("Recorded here: only customers who agreed")),
        (ELSEWHERE, _("Kept in the other tool: everybody but those who withdrew here")),
    ]


CHANNEL = Channel(
    kind="list_handoff",
    label=gettext_lazy("Hand-off list"),
    term_zh="名单导出",
    icon="download",
    identifier_kinds=(
        "phone",
        "external_userid",
        "unionid",
        "openid",
        "email",
        "customer_id",
        "member_no",
        "buyer_id",
    ),
    consent_channel="sms",
    consent_setting="consent_channel",
    elsewhere_setting="consent_basis",
    settings=(
        Setting(
            "consent_channel",
            gettext_lazy("Consent to ask for"),
            gettext_lazy("How the other tool contacts customers: its consent is looked at."),
            required=False,
            default="sms",
        ),
        Setting(
            "consent_basis",
            gettext_lazy("Where consent is kept"),
            gettext_lazy("Choose the second only where the tool that gets the list checks consent itself."),
            form="choice",
            choices=_bases,
            default="here",
            required=False,
        ),
        price_setting(),
    ),
    send=send,
    batch_size=500,
    quiet_hours=None,
    by_hand=True,
    check=check,
)
