"""What comes back about our mails, by their Message-ID: delivery status notifications (RFC 3464) and complaints that
mailbox providers hand on (ARF, RFC 5965)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime
from email import message_from_bytes
from email.message import Message
from email.utils import parsedate_to_datetime

from huitou.core.clock import Clock
from huitou.messaging.channel import COMPLAINED, FAILED, Receipt

_ADDRESSES = re.compile(r"[\w.+-]+@[\w.-]+")
_STATUS = re.compile(r"\b([245])\.(\d{1,3})\.(\d{1,3})\b")
# Registered types of feedback by which a recipient wants no more of it.
_COMPLAINTS = ("abuse", "fraud", "opt-out", "opt-out-list", "virus")
_REFERENCE = re.compile(r"<[^<>\s]{1,190}>")


class NotABounceError(Exception):
    """It is no delivery status notification or complaint, or does not name the mail it is about. `what` is missing."""

    def __init__(self, what: str) -> None:
        super().__init__(what)
        self.what = what


def read_bounce(raw: bytes, clock: Clock) -> list[Receipt]:
    """One failure for each recipient that was given up, or one complaint; none where delivery is late or succeeded.

    `code` is the enhanced status (5.1.1), under which 5 says that trying again cannot help. Raises NotABounceError.
    """
    mail = message_from_bytes(raw)
    reports = [part for part in mail.walk() if part.get_content_type() == "message/delivery-status"]
    complaints = [part for part in mail.walk() if part.get_content_type() == "message/feedback-report"]
    if not reports and not complaints:
        raise NotABounceError("message/delivery-status")
    reference = _reference(mail)
    if not reference:
        raise NotABounceError("Message-ID")
    at = _date(mail, clock)
    if complaints:
        kinds = [kind for report in complaints for kind in _feedback_types(report)]
        # The others say that it was no spam after all, or ask nothing of the sender.
        return [Receipt(reference, COMPLAINED, at, code=kind) for kind in kinds if kind in _COMPLAINTS][:1]
    return [
        Receipt(reference, FAILED, at, code=_status(fields), message=_said(fields))
        for report in reports
        for fields in _recipients(report)
        if str(fields.get("Action", "")).strip().lower() == "failed"
    ]


def _feedback_types(report: Message) -> Iterator[str]:
    groups = report.get_payload()
    if isinstance(groups, list):
        yield from (str(g.get("Feedback-Type", "")).strip().lower() for g in groups if isinstance(g, Message))


def _recipients(report: Message) -> Iterator[Message]:
    """The groups of fields after the first, which is about the mail as a whole."""
    groups = report.get_payload()
    if isinstance(groups, list):
        yield from (group for group in groups if isinstance(group, Message) and group.get("Action"))


def _reference(mail: Message) -> str:
    """The Message-ID of what came back, from the copy of it or of its headers."""
    for part in mail.walk():
        if part is not mail and (told := part.get("Message-ID")) and (found := _REFERENCE.search(str(told))):
            return found.group()
        if part.get_content_type() == "text/rfc822-headers":
            body = part.get_payload(decode=True)
            headers = message_from_bytes(body if isinstance(body, bytes) else b"")
            if found := _REFERENCE.search(str(headers.get("Message-ID", ""))):
                return found.group()
    return ""


def _status(fields: Message) -> str:
    for name in ("Status", "Diagnostic-Code"):
        if found := _STATUS.search(str(fields.get(name, ""))):
            return found.group()
    return ""


def _said(fields: Message) -> str:
    """What the server said, without addresses."""
    return _ADDRESSES.sub("***", " ".join(str(fields.get("Diagnostic-Code", "")).split()))[:300]


def _date(mail: Message, clock: Clock) -> datetime:
    try:
        told = parsedate_to_datetime(str(mail.get("Date", "")))
    except (ValueError, TypeError):
        return clock.now()
    return min(told, clock.now()) if told.tzinfo else clock.now()
