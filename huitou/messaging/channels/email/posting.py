"""Handing mail to an SMTP server, with an eye on the one moment that matters: when the text has begun to go out.

Before that a failure is definite. After it only the server's answer counts: a lost one leaves the mail unknown.
"""

from __future__ import annotations

import re
import smtplib
import socket
import ssl
from collections.abc import Mapping
from datetime import timedelta
from email.message import EmailMessage

from huitou.messaging.channel import Outcome, accepted, refused, unknown
from huitou.messaging.mailboxes import OF_TEXT
from huitou.messaging.wire import NotSentError, look_up

STARTTLS, TLS, PLAIN = "starttls", "tls", "plain"
_SECONDS = 30.0
_WAIT, _ACCOUNT_WAIT = timedelta(minutes=10), timedelta(minutes=30)
# Answers that speak of us and not of one receiver: logging in, relaying, senders.
_OF_ACCOUNT = frozenset({421, 454, 530, 534, 535, 538})
_LINE_DOTS = re.compile(rb"(?m)^\.")
_ADDRESSES = re.compile(r"[\w.+-]+@[\w.-]+")
_STATUS = re.compile(r"^[45]\.\d{1,3}\.\d{1,3}\b")


class AccountError(Exception):
    """The server does not take mail from us: it cannot be reached, or refuses TLS or the login."""

    def __init__(self, outcome: Outcome) -> None:
        super().__init__(outcome.code)
        self.outcome = outcome


class _Server(smtplib.SMTP):
    """A connection to the address that was looked at, under the name that certificates are checked for."""

    def __init__(self, name: str, address: str, *, tls: ssl.SSLContext | None) -> None:
        super().__init__(timeout=_SECONDS)
        self._name, self._address, self._tls = name, address, tls
        # What starttls() checks the certificate for.
        self._host = name

    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:
        plain = socket.create_connection((self._address, port), timeout)
        return self._tls.wrap_socket(plain, server_hostname=self._name) if self._tls else plain


def connect(settings: Mapping[str, str]) -> smtplib.SMTP:
    """A connection that is ready for mail. Raises AccountError; nothing was sent then."""
    name, way = settings["host"], settings.get("security") or STARTTLS
    port = int(settings.get("port") or 587)
    try:
        # A relay on this machine is usual.
        address = look_up(name, port, loopback=True)
    except NotSentError as error:
        raise AccountError(_not_reached(str(error), permanent=error.permanent)) from error
    context = ssl.create_default_context()
    server = _Server(name, address, tls=context if way == TLS else None)
    try:
        server.connect(name, port)
        server.ehlo_or_helo_if_needed()
        if way == STARTTLS:
            server.starttls(context=context)
            server.ehlo()
        if settings.get("username"):
            _log_in(server, settings["username"], settings.get("password", ""))
    except smtplib.SMTPResponseException as error:
        server.close()
        raise AccountError(_refused_account(error.smtp_code, error.smtp_error)) from error
    except (OSError, smtplib.SMTPException, ValueError) as error:
        server.close()
        raise AccountError(_not_reached(type(error).__name__)) from error
    return server


def post(server: smtplib.SMTP, sender: str, to: str, mail: EmailMessage, reference: str) -> Outcome:
    """Hand over one mail. Raises AccountError where the server will take none of the following either."""
    try:
        code, said = server.mail(sender)
        if code >= 500:
            # Who may not send at all is not told by each receiver anew.
            raise AccountError(_refused_account(code, said))
        if code == 250:
            code, said = server.rcpt(to)
        if code not in (250, 251):
            return _refusal(server, code, said)
        code, said = server.docmd("DATA")
    except (OSError, smtplib.SMTPException) as error:
        raise AccountError(_not_reached(type(error).__name__)) from error
    if code != 354:
        return _refusal(server, code, said, of_text=True)
    text = _LINE_DOTS.sub(b"..", mail.as_bytes())
    try:
        server.send(text + (b"" if text.endswith(b"\r\n") else b"\r\n") + b".\r\n")
        code, said = server.getreply()
    except (OSError, smtplib.SMTPException) as error:
        server.close()
        return unknown(type(error).__name__)
    return accepted(reference) if code == 250 else _refusal(server, code, said, of_text=True)


def _log_in(server: _Server, user: str, password: str) -> None:
    """Try one way only: many servers hang up on who tries a refused password in other ways too."""
    server.user, server.password = user, password
    offered = server.esmtp_features.get("auth", "").upper().split()
    for name, method in (
        ("PLAIN", server.auth_plain),
        ("LOGIN", server.auth_login),
        ("CRAM-MD5", server.auth_cram_md5),
    ):
        if name in offered:
            server.auth(name, method)
            return
    raise smtplib.SMTPResponseException(530, "no way to log in is offered")


def _refusal(server: smtplib.SMTP, code: int, said: bytes, *, of_text: bool = False) -> Outcome:
    """A refusal of one mail. Its code is the enhanced status where the server tells one."""
    if code in _OF_ACCOUNT:
        raise AccountError(_refused_account(code, said))
    try:
        server.rset()
    except (OSError, smtplib.SMTPException):
        # The next mail finds the connection gone and says so.
        server.close()
    permanent = 500 <= code < 600
    wait = None if permanent else _WAIT
    told = _STATUS.search(said.decode("ascii", "replace"))
    why = (OF_TEXT if of_text else "") + (told.group() if told else str(code))
    return refused(why, _words(said), permanent=permanent, retry_after=wait, waits_alone=True)


def _refused_account(code: int, said: bytes | str) -> Outcome:
    wait = _WAIT if code == 421 else _ACCOUNT_WAIT
    return refused(str(code), _words(said), retry_after=wait, account_trouble=code != 421)


def _not_reached(why: str, *, permanent: bool = False) -> Outcome:
    return refused(
        why, permanent=permanent, retry_after=None if permanent else timedelta(minutes=1), account_trouble=permanent
    )


def _words(said: bytes | str) -> str:
    """What the server said without addresses, which it likes to repeat."""
    text = said if isinstance(said, str) else said.decode("utf-8", "replace")
    return _ADDRESSES.sub("***", text)[:300]
