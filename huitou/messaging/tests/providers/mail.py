"""A real SMTP server that refuses often: senders, receivers, texts, logins; it also hangs up at the worst moment."""

from __future__ import annotations

import random
import socket
import ssl
import time
from collections import Counter
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any, cast

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

USER, PASSWORD = "mailer", "correct horse"
# Instead of an answer the connection is cut.
HANG_UP, HANG_UP_AFTER_TEXT = "hang up", "hang up after the text"


class MailServer:
    """`of_receiver` and `of_text` are the answers for addresses and texts; `mails` what was taken."""

    def __init__(self, *, login: bool = False, tls: ssl.SSLContext | None = None, seed: int = 7) -> None:
        self.of_sender = "250 OK"
        self.of_receiver: dict[str, str] = {}
        self.of_text: list[str] = []
        self.refuse_rate = 0.0
        self.random = random.Random(seed)
        self.mails: list[EmailMessage] = []
        self.envelopes: list[tuple[str | None, list[str]]] = []
        self.taken: Counter[str] = Counter()
        self.connections = 0
        self.delay = 0.0
        options: dict[str, Any] = {"tls_context": tls, "require_starttls": bool(tls)}
        if login:
            options |= {
                "authenticator": _authenticate,
                "auth_required": True,
                "auth_require_tls": False,
            }
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = int(free.getsockname()[1])
        self._controller = Controller(self, hostname="127.0.0.1", port=self.port, **options)

    def __enter__(self) -> MailServer:
        self._controller.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._controller.stop()

    async def handle_EHLO(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope, hostname: str, responses: list[str]
    ) -> list[str]:
        self.connections += 1
        session.host_name = hostname
        return responses

    async def handle_MAIL(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if self.of_sender.startswith("250"):
            envelope.mail_from = address
            envelope.mail_options.extend(options)
        return self.of_sender

    async def handle_RCPT(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        said = self.of_receiver.get(address, "250 OK")
        if said == HANG_UP:
            cast(Any, server).transport.abort()
            return "250 OK"
        if self.random.random() < self.refuse_rate:
            said = self.random.choice(["450 4.2.1 try later", "550 5.1.1 no such user"])
        if said.startswith("250"):
            envelope.rcpt_tos.append(address)
        return said

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        said = self.of_text.pop(0) if self.of_text else "250 2.0.0 queued"
        if said == HANG_UP:
            cast(Any, server).transport.abort()
            return "250 OK"
        if not said.startswith(("250", HANG_UP_AFTER_TEXT)):
            return said
        mail = message_from_bytes(cast(bytes, envelope.content), policy=policy.default)
        self.mails.append(mail)
        self.envelopes.append((envelope.mail_from, list(envelope.rcpt_tos)))
        self.taken.update(envelope.rcpt_tos)
        if said == HANG_UP_AFTER_TEXT:
            cast(Any, server).transport.abort()
            return "250 OK"
        if self.delay:
            time.sleep(self.delay)
        return said


def _authenticate(server: SMTP, session: Session, envelope: Envelope, mechanism: str, told: object) -> AuthResult:
    given = told if isinstance(told, LoginPassword) else LoginPassword(b"", b"")
    fits = given.login == USER.encode() and given.password == PASSWORD.encode()
    return AuthResult(success=fits, handled=False)
