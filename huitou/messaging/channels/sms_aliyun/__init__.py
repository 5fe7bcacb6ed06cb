"""Short messages 短信 through Alibaba Cloud: signature, template, line to opt out, reports and replies."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import time, timedelta

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from huitou.core.clock import Clock
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
    Receipt,
    Sent,
    Setting,
    accepted,
    refused,
    unknown,
)
from huitou.messaging.channels.sms_aliyun.client import ADDRESS, Client, SmsError
from huitou.messaging.channels.sms_aliyun.codes import DOUBTFUL, meaning_of
from huitou.messaging.channels.sms_aliyun.reports import BadReportError, ask_details, national, read_push
from huitou.messaging.channels.sms_aliyun.templates import Template, look_up
from huitou.messaging.channels.sms_aliyun.wording import WordingError, count_parts
from huitou.messaging.prices import price_setting
from huitou.messaging.wire import NoAnswerError, NotSentError

_AT_ONCE = 8
_UNSENT_WAIT = timedelta(minutes=1)


class SmsSettingsError(DomainError):
    """Settings that cannot be used."""

    code = "sms_settings"
    status = 422


def check_settings(settings: Mapping[str, str]) -> None:
    """Raises SmsSettingsError."""
    if "【" in settings.get("sign_name", "") or "】" in settings.get("sign_name", ""):
        raise SmsSettingsError(_("Write the signature without brackets; they are added."))


def send(config: Config, outgoing: Sequence[Outgoing], clock: Clock) -> list[Outcome]:
    """One call each, some at once: in a call for many one number over its limit would stop all the others."""
    client = _client(config)
    templates = {code: _template(client, code, config) for code in {one.template for one in outgoing}}
    outcomes: list[Outcome] = []
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        for start in range(0, len(outgoing), _AT_ONCE):
            together = outgoing[start : start + _AT_ONCE]
            config.leaving(together)
            outcomes += pool.map(lambda one: _send_one(client, config.settings, one, templates), together)
    return outcomes


def read_callback(config: Config, request: CallbackRequest, clock: Clock) -> CallbackResult:
    """Reports and replies, which the service does not sign: the address itself is what nobody else knows."""
    try:
        receipts, events = read_push(request.body)
    except BadReportError as error:
        answer = json.dumps({"code": 1, "msg": str(error)}).encode()
        return CallbackResult(status=400, body=answer, content_type="application/json")
    answer = b'{"code": 0, "msg": "ok"}'
    return CallbackResult(tuple(receipts), tuple(events), body=answer, content_type="application/json")


def poll(config: Config, sent: Sequence[Sent], clock: Clock) -> list[Receipt]:
    """Ask for messages of which no report came."""
    client = _client(config)
    found = []
    for one in sent:
        try:
            receipt = ask_details(client, one)
        except (SmsError, NotSentError, NoAnswerError):
            # Nothing is lost: the next poll asks again.
            break
        if receipt:
            found.append(receipt)
    return found


def check(config: Config, clock: Clock) -> CheckResult:
    """Ask whether the signature is approved; that also proves the access key."""
    try:
        answer = _client(config).ask("QuerySmsSign", {"SignName": config.settings["sign_name"]})
    except SmsError as error:
        return CheckResult(False, _("Alibaba Cloud refuses: %(code)s.") % {"code": error})
    except (NoAnswerError, NotSentError) as error:
        return CheckResult(False, _("Alibaba Cloud cannot be reached: %(why)s.") % {"why": error})
    if answer.get("SignStatus") != 1:
        return CheckResult(False, _("The signature is not approved yet."))
    return CheckResult(True, _("The access key works and the signature is approved."))


def _send_one(
    client: Client, settings: Mapping[str, str], message: Outgoing, templates: Mapping[str, Template | Outcome]
) -> Outcome:
    template = templates[message.template]
    if not isinstance(template, Template):
        return template
    try:
        text, params = template.values(message.params, message.link, is_marketing=message.purpose == "marketing")
    except WordingError as error:
        return refused(error.code, error.where, permanent=True)
    values = {
        "PhoneNumbers": national(message.to.value),
        "SignName": settings["sign_name"],
        "TemplateCode": message.template,
        "OutId": str(message.touch_id),
    }
    if params:
        values["TemplateParam"] = json.dumps(params, ensure_ascii=False)
    try:
        answer = client.ask("SendSms", values)
    except NoAnswerError as error:
        return unknown(str(error))
    except NotSentError as error:
        return _not_sent(error)
    except SmsError as error:
        if error.code in DOUBTFUL:
            return unknown(error.said, code=error.code)
        return _refusal(error)
    return accepted(str(answer.get("BizId") or ""), parts=count_parts(text, settings["sign_name"]))


def _template(client: Client, code: str, config: Config) -> Template | Outcome:
    """The template, or why none of its messages can go out. Asking for it sends nothing to anybody."""
    if not code:
        return refused("template_missing", permanent=True)
    try:
        return look_up(client, code, config.memory)
    except SmsError as error:
        return _refusal(error)
    except (NoAnswerError, NotSentError) as error:
        return _not_sent(error)


def _not_sent(error: NoAnswerError | NotSentError) -> Outcome:
    permanent = isinstance(error, NotSentError) and error.permanent
    wait = None if permanent else _UNSENT_WAIT
    return refused(str(error), permanent=permanent, retry_after=wait, account_trouble=permanent)


def _refusal(error: SmsError) -> Outcome:
    meaning = meaning_of(error.code, error.said)
    wait = timedelta(seconds=meaning.wait) if meaning.wait else None
    return refused(
        error.code,
        error.said,
        permanent=wait is None,
        retry_after=wait,
        account_trouble=meaning.is_credentials,
        waits_alone=meaning.of_number,
    )


def _client(config: Config) -> Client:
    settings = config.settings
    address = (settings.get("address") or ADDRESS).rstrip("/")
    return Client(settings["access_key_id"], settings["access_key_secret"], wire.open_wire(), address)


CHANNEL = Channel(
    kind="sms_aliyun",
    label=gettext_lazy("SMS (Alibaba Cloud)"),
    term_zh="短信（阿里云）",
    icon="sms",
    identifier_kinds=("phone",),
    consent_channel="sms",
    settings=(
        Setting("access_key_id", "AccessKey ID", gettext_lazy("Of a RAM user that may send short messages.")),
        Setting("access_key_secret", "AccessKey Secret", is_secret=True),
        Setting(
            "sign_name",
            gettext_lazy("Signature"),
            gettext_lazy("The approved signature 短信签名, without brackets."),
        ),
        price_setting("5"),
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
    # Two rounds of calls: a process that dies leaves as few as can be of which nobody knows.
    batch_size=2 * _AT_ONCE,
    quiet_hours=(time(20), time(9)),
    provider_hours=(time(8), time(20)),
    read_callback=read_callback,
    poll=poll,
    check=check,
    check_settings=check_settings,
)
