"""One e-mail: UTF-8, as plain text and as HTML, with the headers that let mail programs unsubscribe by one click.

RFC 8058 wants both List-Unsubscribe with an https address and List-Unsubscribe-Post, and no cookies or login behind it.
The address stands in its header whole, however long it is: folded as other texts it would become an encoded word, in
which no mail program looks for an address.
"""

from __future__ import annotations

import html
import re
from collections.abc import Mapping
from email.headerregistry import Address as MailAddress
from email.headerregistry import HeaderRegistry, UnstructuredHeader
from email.message import EmailMessage
from email.policy import SMTP, EmailPolicy
from email.utils import format_datetime

from huitou.core.clock import SystemClock
from huitou.messaging.channel import Outgoing

_LINK = re.compile(r"https?://[^\s<>\"'，。；）]+")
_BREAKS = re.compile(r"[\r\n\t\x00]+")
_SAFE_KEY = re.compile(r"[^A-Za-z0-9._-]")
_WORDS = {
    "zh": ("退订", "如不想再收到此类邮件，请点击："),
    "en": ("Unsubscribe", "To receive no more mails of this kind:"),
}


class _Whole(UnstructuredHeader):
    """A header that is one line of ASCII; lines may have 998 characters (RFC 5322, 2.1.1)."""

    def fold(self, *, policy: EmailPolicy) -> str:
        return f"{self.name}: {self}{policy.linesep}"  # type: ignore[attr-defined]  # mixed in by the registry


_HEADERS = HeaderRegistry()
_HEADERS.map_to_type("list-unsubscribe", _Whole)  # type: ignore[arg-type]  # the registry mixes the base class in
_POLICY = SMTP.clone(header_factory=_HEADERS)


def message_id(settings: Mapping[str, str], message: Outgoing) -> str:
    """The Message-ID, by which reports and bounces name the mail."""
    return f"<{_SAFE_KEY.sub('-', message.key)}@{_domain(settings)}>"


def bounce_address(settings: Mapping[str, str], message: Outgoing) -> str:
    """Where undeliverable mail goes back to; `{touch}` in it becomes the touch's number."""
    return (settings.get("bounce_address") or settings["sender"]).replace("{touch}", str(message.touch_id))


def compose(settings: Mapping[str, str], message: Outgoing) -> EmailMessage:
    """The mail as it is sent. Raises ValueError where an address cannot stand in a header."""
    mail = EmailMessage(policy=_POLICY)
    mail["From"] = MailAddress(_one_line(settings.get("sender_name", "")), addr_spec=settings["sender"])
    mail["To"] = MailAddress(addr_spec=message.to.value)
    mail["Subject"] = _one_line(message.title or message.text)[:200]
    # Mail programs compare with their own clocks, whatever time the brand lives in.
    mail["Date"] = format_datetime(SystemClock().now())
    mail["Message-ID"] = message_id(settings, message)
    if reply_to := settings.get("reply_to"):
        mail["Reply-To"] = MailAddress(addr_spec=reply_to)
    if message.unsubscribe_url:
        mail["List-Unsubscribe"] = f"<{message.unsubscribe_url}>"
        if message.unsubscribe_url.startswith("https://"):
            mail["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    mail.set_content(_plain(message), charset="utf-8", cte="base64")
    mail.add_alternative(_html(message), subtype="html", charset="utf-8", cte="base64")
    # Setting the content takes away what was said about it before.
    mail["Content-Language"] = "zh-CN" if message.language.startswith("zh") else "en"
    return mail


def _plain(message: Outgoing) -> str:
    lines = [message.text]
    if message.link and message.link not in message.text:
        lines += ["", message.link]
    if message.unsubscribe_url:
        lines += ["", "--", f"{_words(message)[1]} {message.unsubscribe_url}"]
    return "\n".join(lines) + "\n"


def _html(message: Outgoing) -> str:
    lines = [f"<p>{_linked(part)}</p>" for part in message.text.split("\n\n")]
    if message.link and message.link not in message.text:
        lines.append(f"<p>{_linked(message.link)}</p>")
    if message.unsubscribe_url:
        word = _words(message)[0]
        lines.append(f'<hr><p><small><a href="{html.escape(message.unsubscribe_url)}">{word}</a></small></p>')
    language = "zh-CN" if message.language.startswith("zh") else "en"
    body = "\n".join(lines)
    return (
        f'<!doctype html>\n<html lang="{language}"><head><meta charset="utf-8"></head><body>\n{body}\n</body></html>\n'
    )


def _linked(text: str) -> str:
    parts, end = [], 0
    for found in _LINK.finditer(text):
        address = html.escape(found.group())
        parts += [html.escape(text[end : found.start()]), f'<a href="{address}">{address}</a>']
        end = found.end()
    parts.append(html.escape(text[end:]))
    return "".join(parts).replace("\n", "<br>\n")


def _words(message: Outgoing) -> tuple[str, str]:
    return _WORDS["zh" if message.language.startswith("zh") else "en"]


def _domain(settings: Mapping[str, str]) -> str:
    return settings["sender"].rpartition("@")[2]


def _one_line(text: str) -> str:
    return _BREAKS.sub(" ", text).strip()
