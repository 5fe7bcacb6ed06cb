"""E-mail 邮件 through any SMTP server."""

from __future__ import annotations

import smtplib
from collections.abc import Mapping, Sequence

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from huitou.core.clock import Clock
from huitou.core.errors import DomainError
from huitou.customers.normalizing import read_email
from huitou.messaging.channel import Channel, CheckResult, Config, Outcome, Outgoing, Setting, refused
from huitou.messaging.channels.email.composing import bounce_address, compose, message_id
from huitou.messaging.channels.email.posting import PLAIN, STARTTLS, TLS, AccountError, connect, post
from huitou.messaging.prices import price_setting


class EmailSettingsError(DomainError):
    """Settings that cannot be used."""

    code = "email_settings"
    status = 422


def check_settings(settings: Mapping[str, str]) -> None:
    """Raises EmailSettingsError."""
    port = settings.get("port") or "587"
    if not (port.isascii() and port.isdigit() and 0 < int(port) < 65536):
        raise EmailSettingsError(_("The port is a number from 1 to 65535; mostly 587 or 465."))
    for name in ("sender", "reply_to", "bounce_address"):
        told = settings.get(name, "").replace("{touch}", "1")
        if (told or name == "sender") and not (told.isascii() and "@" in told and " " not in told):
            raise EmailSettingsError(_("%(address)s is not an e-mail address.") % {"address": told or "-"})
    if settings.get("username") and settings.get("security") == PLAIN and settings.get("host") not in _THIS_MACHINE:
        raise EmailSettingsError(_("Without TLS the password would be readable on the way; choose STARTTLS or TLS."))


def send(config: Config, outgoing: Sequence[Outgoing], clock: Clock) -> list[Outcome]:
    """Mail after mail over one connection; what breaks it stops those that have not begun."""
    outcomes: list[Outcome] = []
    server: smtplib.SMTP | None = None
    stopped: Outcome | None = None
    for message in outgoing:
        if stopped or (problem := _problem(message)):
            outcomes.append(stopped or problem or refused("stopped"))
            continue
        try:
            if server is None or server.sock is None:
                server = connect(config.settings)
            config.leaving([message])
            outcomes.append(_post(server, config.settings, message))
        except AccountError as error:
            stopped = error.outcome
            outcomes.append(stopped)
    _leave(server)
    return outcomes


def check(config: Config, clock: Clock) -> CheckResult:
    """Connect and log in."""
    try:
        _leave(connect(config.settings))
    except AccountError as error:
        why = f"{error.outcome.code} {error.outcome.message}".strip()
        return CheckResult(False, _("The mail server does not take mail from here: %(why)s.") % {"why": why})
    return CheckResult(True, _("The mail server lets us in."))


_THIS_MACHINE = frozenset({"127.0.0.1", "::1", "localhost"})


def _problem(message: Outgoing) -> Outcome | None:
    if message.purpose == "marketing" and not message.unsubscribe_url:
        return refused("no_unsubscribe", permanent=True)
    if not message.to.value.isascii() or read_email(message.to.value) is None:
        return refused("address_invalid", permanent=True)
    if not message.text and not message.link:
        return refused("no_content", permanent=True)
    return None


def _post(server: smtplib.SMTP, settings: Mapping[str, str], message: Outgoing) -> Outcome:
    try:
        mail = compose(settings, message)
    except ValueError:
        return refused("address_invalid", permanent=True)
    reference = message_id(settings, message)
    return post(server, bounce_address(settings, message), message.to.value, mail, reference)


def _leave(server: smtplib.SMTP | None) -> None:
    if server is None:
        return
    try:
        server.quit()
    except (OSError, smtplib.SMTPException):
        server.close()


def _ways() -> list[tuple[str, str]]:
    return [
        (STARTTLS, _("STARTTLS (port 587)")),
        (TLS, _("TLS from the start (port 465)")),
        (PLAIN, _("None (relay on this machine)")),
    ]


CHANNEL = Channel(
    kind="email",
    label=gettext_lazy("Mail"),
    term_zh="邮件",
    icon="mail",
    identifier_kinds=("email",),
    consent_channel="email",
    settings=(
        Setting(
            "host", gettext_lazy("Mail server"), gettext_lazy("Name of the SMTP server, such as smtp.example.com.")
        ),
        Setting("port", gettext_lazy("Port"), default="587", required=False),
        Setting("security", gettext_lazy("Encryption"), form="choice", choices=_ways, default=STARTTLS, required=False),
        Setting("username", gettext_lazy("User name"), required=False),
        Setting(
            "password",
            gettext_lazy("Password"),
            gettext_lazy("Many providers give an authorization code 授权码 for this."),
            is_secret=True,
            required=False,
        ),
        Setting("sender", gettext_lazy("Sender's address"), gettext_lazy("Of a domain with SPF and DKIM.")),
        Setting("sender_name", gettext_lazy("Sender's name"), required=False),
        Setting("reply_to", gettext_lazy("Address for answers"), required=False),
        Setting(
            "bounce_address",
            gettext_lazy("Address for undeliverable mail"),
            gettext_lazy("The sender's where left empty; {touch} in it becomes the number of the touch."),
            required=False,
        ),
        price_setting(),
    ),
    send=send,
    says_leaving=True,
    batch_size=20,
    check=check,
    check_settings=check_settings,
)
