"""Mail that comes back: which mail and mailbox it is about, and that the mailbox is not written again."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest

from huitou.core.clock import FixedClock
from huitou.customers.models import Identifier
from huitou.messaging.accounts import create_account
from huitou.messaging.bounces import BounceInvalidError, take_bounce
from huitou.messaging.models import Attempt, Touch
from huitou.messaging.outbox import send_due
from huitou.messaging.services import Content, Words, request_touches
from huitou.messaging.standing import load_climate
from huitou.messaging.tests.providers.mail import MailServer
from huitou.messaging.tests.stage import NOON, ask
from huitou.messaging.tests.test_end_to_end import a_customer, at

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("loopback", "accounts")]
CLOCK = FixedClock(NOON)

# As Postfix writes them, with the headers of the mail or the whole mail.
REPORT = """\
Return-Path: <>
Date: Wed, 4 Mar 2026 13:00:00 +0800
From: MAILER-DAEMON@mx.example.net (Mail Delivery System)
To: news@brand.example
Subject: Undelivered Mail Returned to Sender
Content-Type: multipart/report; report-type=delivery-status; boundary="sep"
MIME-Version: 1.0
Message-Id: <20260304050000.ABCDEF@mx.example.net>

--sep
Content-Type: text/plain; charset=utf-8

I'm sorry to have to inform you that your message could not be delivered.

--sep
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.example.net
X-Postfix-Queue-ID: ABCDEF

Final-Recipient: rfc822; someone@mail.example
Action: {action}
Status: {status}
Remote-MTA: dns; mail.example
Diagnostic-Code: smtp; 550 {status} <someone@mail.example>: User unknown

--sep
Content-Type: {copy}

From: news@brand.example
To: someone@mail.example
Subject: hello
Message-ID: {reference}

--sep--
"""


@pytest.fixture
def server() -> Iterator[MailServer]:
    with MailServer() as running:
        told = {"host": "127.0.0.1", "port": str(running.port), "security": "plain", "sender": "news@brand.example"}
        create_account(kind="email", name="Mail", settings=told, clock=CLOCK)
        yield running


def a_mail(customer: int, key: str, **more: object) -> int:
    content = Content({"zh": Words(text=f"想念您 {key}")})
    [touch_id] = request_touches(
        [ask(key, customer, **({"channels": ("email",), "content": content} | more))], clock=CLOCK
    )
    return touch_id


def report(
    *, action: str = "failed", status: str = "5.1.1", copy: str = "text/rfc822-headers", reference: str = ""
) -> bytes:
    told = reference or Attempt.objects.get().provider_ref
    return REPORT.format(action=action, status=status, copy=copy, reference=told).replace("\n", "\r\n").encode()


@pytest.mark.parametrize("copy", ["text/rfc822-headers", "message/rfc822"])
def test_a_mailbox_that_is_gone_is_not_written_again(server: MailServer, copy: str) -> None:
    customer = a_customer("email")
    first = a_mail(customer, "a")
    send_due(clock=CLOCK)
    assert Touch.objects.get(pk=first).state == "sent"
    bounce = report(copy=copy)
    assert vars(take_bounce(raw=bounce, clock=at(hours=2))) == {"failed": 1, "complained": 0, "new": 1, "unmatched": 0}
    assert take_bounce(raw=bounce, clock=at(hours=2)).new == 0, "twice is once"
    touch = Touch.objects.get(pk=first)
    assert (touch.state, touch.reason) == ("failed", "reported_failed")
    assert "someone@" not in touch.receipts.get().message
    second = a_mail(customer, "b", not_after=NOON + timedelta(days=9))
    other = a_mail(a_customer("email"), "c", not_after=NOON + timedelta(days=9))
    send_due(clock=at(days=2))
    assert Touch.objects.get(pk=second).reason == "address_dead"
    assert Touch.objects.get(pk=other).state == "sent"
    assert len(server.mails) == 2


@pytest.mark.parametrize(
    ("said", "closed_after"),
    [
        ("550 5.1.1 no such user", 1),
        ("553 mailbox name not allowed", 1),
        ("550 User not found", 2),
        ("550 5.7.1 your address is on a block list", None),
        ("450 4.2.2 mailbox full", None),
    ],
)
def test_a_mailbox_that_is_refused_at_once_is_closed_too(
    server: MailServer, said: str, closed_after: int | None
) -> None:
    """What is said of the mailbox closes it; what is said of us does not; what says neither counts the second time."""
    customer = a_customer("email")
    [address] = Identifier.objects.filter(person=customer, kind="email").values_list("value", flat=True)
    server.of_receiver[address] = said
    touches = [a_mail(customer, key, not_after=NOON + timedelta(days=20)) for key in "abc"]
    reasons = []
    for day, touch in enumerate(touches):
        Touch.objects.filter(pk__in=touches).exclude(pk=touch).update(next_at=None)
        Touch.objects.filter(pk=touch).update(next_at=NOON + timedelta(days=day))
        send_due(clock=at(days=day))
        reasons.append(Touch.objects.get(pk=touch).reason)
    closed = [reason == "address_dead" for reason in reasons]
    assert closed == [closed_after is not None and n >= closed_after for n in range(3)]


@pytest.mark.parametrize(
    ("action", "status", "failed"), [("failed", "4.2.2", 1), ("failed", "5.7.1", 1), ("delayed", "4.4.1", 0)]
)
def test_what_may_pass_does_not_close_the_mailbox(server: MailServer, action: str, status: str, failed: int) -> None:
    """A mailbox that was full until its mail was given up, a server that does not want us, a mail that is only late."""
    customer = a_customer("email")
    first = a_mail(customer, "a")
    send_due(clock=CLOCK)
    assert take_bounce(raw=report(action=action, status=status), clock=at(hours=2)).failed == failed
    assert Touch.objects.get(pk=first).state == ("failed" if failed else "sent")
    second = a_mail(customer, "b", not_after=NOON + timedelta(days=9))
    send_due(clock=at(days=2))
    assert Touch.objects.get(pk=second).state == "sent"


def test_a_bounce_of_somebody_elses_mail_changes_nothing(server: MailServer) -> None:
    first = a_mail(a_customer("email"), "a")
    send_due(clock=CLOCK)
    told = take_bounce(raw=report(reference="<other@elsewhere.example>"), clock=CLOCK)
    assert vars(told) == {"failed": 1, "complained": 0, "new": 0, "unmatched": 1}
    assert Touch.objects.get(pk=first).state == "sent"


@pytest.mark.parametrize("raw", [b"", b"Subject: out of office\r\n\r\nback on Monday", b"\xff\xfe\x00"])
def test_other_mail_is_refused_in_a_sentence(raw: bytes) -> None:
    with pytest.raises(BounceInvalidError, match="message/delivery-status"):
        take_bounce(raw=raw, clock=CLOCK)


COMPLAINT = """\
Date: Wed, 4 Mar 2026 13:00:00 +0800
From: fbl@mail.example
To: complaints@brand.example
Subject: FW: hello
MIME-Version: 1.0
Content-Type: multipart/report; report-type=feedback-report; boundary="sep"

--sep
Content-Type: text/plain; charset=utf-8

This is an email abuse report for a message received from 192.0.2.1.

--sep
Content-Type: message/feedback-report

Feedback-Type: {kind}
User-Agent: SomeGenerator/1.0
Version: 1

--sep
Content-Type: {copy}

From: news@brand.example
To: someone@mail.example
Subject: hello
Message-ID: {reference}

--sep--
"""


@pytest.mark.parametrize("copy", ["text/rfc822-headers", "message/rfc822"])
def test_who_complains_is_not_written_again_and_counts_as_opting_out(server: MailServer, copy: str) -> None:
    """As mailbox providers hand complaints on (RFC 5965)."""
    customer = a_customer("email")
    first = a_mail(customer, "a")
    send_due(clock=CLOCK)
    told = {"copy": copy, "reference": Attempt.objects.get().provider_ref}
    praise = COMPLAINT.format(kind="not-spam", **told).encode()
    assert vars(take_bounce(raw=praise, clock=at(hours=2))) == {"failed": 0, "complained": 0, "new": 0, "unmatched": 0}
    complaint = COMPLAINT.format(kind="abuse", **told).encode()
    expected = {"failed": 0, "complained": 1, "new": 1, "unmatched": 0}
    assert vars(take_bounce(raw=complaint, clock=at(hours=2))) == expected
    assert take_bounce(raw=complaint, clock=at(hours=3)).new == 0, "twice is once"
    touch = Touch.objects.get(pk=first)
    assert (touch.state, touch.unsubscribed_at) == ("sent", NOON + timedelta(hours=1))
    second = a_mail(customer, "b", not_after=NOON + timedelta(days=9))
    send_due(clock=at(days=2))
    assert Touch.objects.get(pk=second).reason == "no_consent"
    assert load_climate({}, NOON + timedelta(days=2)).opt_outs == 1
    assert len(server.mails) == 1


def test_a_complaint_about_no_mail_of_ours_is_told(server: MailServer) -> None:
    stray = COMPLAINT.format(kind="abuse", copy="message/rfc822", reference="<x@else.example>").encode()
    assert take_bounce(raw=stray, clock=CLOCK).unmatched == 1
    with pytest.raises(BounceInvalidError):
        take_bounce(raw=stray.replace(b"Message-ID", b"X-Other"), clock=CLOCK)
