"""WeCom 企业微信: customer mass messages 客户群发 that members confirm, and welcome messages 欢迎语."""

from __future__ import annotations

import calendar
import re
from collections.abc import Mapping, Sequence
from datetime import date, timedelta

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from huitou.core.clock import Clock, SystemClock
from huitou.core.errors import DomainError
from huitou.messaging import wire
from huitou.messaging.channel import (
    Address,
    CallbackRequest,
    CallbackResult,
    Channel,
    CheckResult,
    Config,
    Outcome,
    Outgoing,
    Quota,
    Receipt,
    Sent,
    Setting,
)
from huitou.messaging.channels.wecom.callback import read_request
from huitou.messaging.channels.wecom.client import ADDRESS, Client, WeComError
from huitou.messaging.channels.wecom.crypto import BadCallbackError, read_key
from huitou.messaging.channels.wecom.results import poll_results, remind_members
from huitou.messaging.channels.wecom.sending import send_mass
from huitou.messaging.channels.wecom.stopping import stop_task
from huitou.messaging.channels.wecom.welcome import send_welcome
from huitou.messaging.prices import price_setting
from huitou.messaging.wire import NoAnswerError, NotSentError

_MONTH, _WEEK, _DAY = "month", "week", "day"
_HOURS = re.compile(r"^([0-8])$")


class WeComSettingsError(DomainError):
    """Settings that do not go together, or that WeCom never gives out like this."""

    code = "wecom_settings"
    status = 422


def check_settings(settings: Mapping[str, str]) -> None:
    """Raises WeComSettingsError."""
    token, key = settings.get("callback_token", ""), settings.get("encoding_aes_key", "")
    if bool(token) != bool(key):
        raise WeComSettingsError(_("Callbacks need both the token and the EncodingAESKey; give both or neither."))
    if key:
        try:
            read_key(key)
        except BadCallbackError as error:
            raise WeComSettingsError(_("The EncodingAESKey has 43 letters and digits; copy it whole.")) from error
    if not _HOURS.match(settings.get("remind_hours") or "0"):
        raise WeComSettingsError(_("Hours before a reminder: 0 for none, or 1 to 8, so that three fit into a day."))


def send(config: Config, outgoing: Sequence[Outgoing], clock: Clock) -> list[Outcome]:
    """Welcomes one by one, since they are awaited; the rest as tasks for members."""
    client, made = _client(config), {}
    for place, message in enumerate(outgoing):
        if message.reply_token:
            config.leaving([message])
            made[place] = send_welcome(client, message)
    rest = [place for place in range(len(outgoing)) if place not in made]
    tasks = send_mass(client, config, [outgoing[place] for place in rest])
    made |= {place: tasks[number] for number, place in enumerate(rest)}
    return [made[place] for place in range(len(outgoing))]


def read_callback(config: Config, request: CallbackRequest, clock: Clock) -> CallbackResult:
    """Customers who added or removed a member; the first call is WeCom's test of the address."""
    return read_request(config.settings, request)


def poll(config: Config, sent: Sequence[Sent], clock: Clock) -> list[Receipt]:
    """Ask what became of tasks, and remind members who have not confirmed, where that is set."""
    client = _client(config)
    hours = int(config.settings.get("remind_hours") or 0)
    receipts = poll_results(client, sent, clock.now())
    if hours:
        told = {(receipt.provider_ref, receipt.to) for receipt in receipts}
        waiting = [one for one in sent if (one.provider_ref, one.to) not in told]
        remind_members(client, waiting, after=timedelta(hours=hours), now=clock.now(), memory=config.memory)
    return receipts


def take_back(config: Config, provider_ref: str, clock: Clock) -> frozenset[Address]:
    """Stop a task for the members who have not confirmed; customers whose member had are told."""
    return stop_task(_client(config), config.settings["corp_id"], provider_ref, config.memory)


def quotas(settings: Mapping[str, str], day: date) -> tuple[Quota, ...]:
    """What one customer may receive from the whole company: as many in a month as it has days, or what was set."""
    rule = settings.get("customer_limit") or _MONTH
    if rule == _WEEK:
        return (Quota("wecom_week", 7, "week"),)
    if rule == _DAY:
        return (Quota("wecom_day", 1, "day"),)
    return (Quota("wecom_month", calendar.monthrange(day.year, day.month)[1], "month"),)


def check(config: Config, clock: Clock) -> CheckResult:
    """Take an access token and ask for mass messages, which needs the permission that sending needs."""
    try:
        client = _client(config)
        client.check()
        answer = client.ask("externalcontact/get_groupmsg_list_v2", _last_hour())
    except WeComError as error:
        return CheckResult(False, _("WeCom refuses with %(code)s.") % {"code": error})
    except (NoAnswerError, NotSentError) as error:
        return CheckResult(False, _("WeCom cannot be reached: %(why)s.") % {"why": error})
    return CheckResult(answer["errcode"] == 0, _("WeCom accepts the company and the secret."))


def _last_hour() -> dict[str, object]:
    # The provider's time, whatever the brand's is.
    now = int(SystemClock().now().timestamp())
    return {"chat_type": "single", "start_time": now - 3600, "end_time": now, "limit": 1}


def _client(config: Config) -> Client:
    settings = config.settings
    return Client(
        settings["corp_id"], settings["secret"], wire.open_wire(), (settings.get("address") or ADDRESS).rstrip("/")
    )


def _limits() -> list[tuple[str, str]]:
    return [
        (_MONTH, _("As many in a month as it has days (WeCom's default)")),
        (_WEEK, _("Seven in a week")),
        (_DAY, _("One in a day")),
    ]


CHANNEL = Channel(
    kind="wecom",
    label=gettext_lazy("WeCom"),
    term_zh="企业微信",
    icon="wecom",
    identifier_kinds=("external_userid",),
    consent_channel="wecom",
    namespace_setting="corp_id",
    welcomes=True,
    settings=(
        Setting("corp_id", gettext_lazy("Company ID (CorpID)"), gettext_lazy("WeCom admin: My company 我的企业.")),
        Setting(
            "secret",
            gettext_lazy("Secret of the application"),
            gettext_lazy("Of a self-built application that may call customer contact 客户联系."),
            is_secret=True,
        ),
        Setting(
            "callback_token",
            gettext_lazy("Callback token"),
            gettext_lazy("From the page where the callback address is entered; needed for welcomes and added friends."),
            is_secret=True,
            required=False,
        ),
        Setting(
            "encoding_aes_key",
            "EncodingAESKey",
            gettext_lazy("43 characters, from the same page."),
            is_secret=True,
            required=False,
        ),
        Setting(
            "customer_limit",
            gettext_lazy("Most that one customer receives"),
            gettext_lazy("As set in WeCom: mass messages, rules 群发助手-设置群发规则."),
            form="choice",
            choices=_limits,
            default=_MONTH,
            required=False,
        ),
        Setting(
            "remind_hours",
            gettext_lazy("Hours before a member is reminded"),
            gettext_lazy("0 for no reminders; at most three are sent for one message."),
            default="0",
            required=False,
        ),
        price_setting(),
        Setting(
            "address",
            gettext_lazy("Address of the interface"),
            gettext_lazy("Leave it as it is unless calls go through a gateway of your own."),
            default=ADDRESS,
            required=False,
        ),
    ),
    send=send,
    says_leaving=True,
    batch_size=500,
    read_callback=read_callback,
    poll=poll,
    take_back=take_back,
    quotas=quotas,
    check=check,
    check_settings=check_settings,
)
