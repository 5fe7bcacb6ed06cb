"""kill -9 while messages go out: nobody hears twice, and only what may have left is unknown.

The provider's server runs here and keeps account of every message that reached it; it also kills the sender at the
message that a test names, before or after it has taken it.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections import Counter
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.db import connection
from psycopg.conninfo import make_conninfo

from huitou.core.home import Home
from huitou.messaging import wire
from huitou.messaging.models import Attempt, ChannelAccount, ContactSlot, Touch
from huitou.messaging.outbox import recover_lost, send_due
from huitou.messaging.services import Content, Words, request_touches
from huitou.messaging.tests.providers.aliyun import Aliyun
from huitou.messaging.tests.providers.server import Answered
from huitou.messaging.tests.stage import NOON, ask
from huitou.messaging.tests.test_end_to_end import CLOCK, TEMPLATES, a_customer, at, sms_account

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("patient", "accounts")]
PEOPLE = 60
# Calls that the adapter makes at once.
AT_ONCE, BATCH = 8, 16
CONTENT = Content({"zh": Words(text="看看新品 {link}", link="https://shop.example.com/new")}, template="SMS_6")
_PROGRAM = """
import sys
from datetime import datetime
from huitou.core.boot import boot
boot()
from huitou.core.clock import FixedClock
from huitou.messaging import wire
from huitou.messaging.outbox import send_due
wire.LOOPBACK = True
send_due(clock=FixedClock(datetime.fromisoformat(sys.argv[1])))
"""


@pytest.fixture
def patient(loopback: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every message is answered in the end: one that a busy machine answers late is not to be taken for a lost one."""
    monkeypatch.setattr(wire, "ANSWER_SECONDS", 30.0)


class Deadly(Aliyun):
    """Kills `victim` when message `at` arrives: before it is taken, or right after."""

    def __init__(self, *, at: int = 0, after: bool = False, **given: Any) -> None:
        super().__init__(TEMPLATES, **given)
        self.at, self.after = at, after
        self.victim: subprocess.Popen[bytes] | None = None

    def _SendSms(self, query: dict[str, str]) -> Answered:  # noqa: N802
        if self.victim is not None and len(self.messages) + 1 >= self.at > 0:
            if not self.after and self.victim.poll() is None:
                self.victim.kill()
                self.victim.wait()
                raise OSError
            answered = super()._SendSms(query)
            self.victim.kill()
            return answered
        return super()._SendSms(query)


def sender(home: Home, *, kill_at: str = "") -> subprocess.Popen[bytes]:
    """A real process that sends what is due at noon."""
    settings = connection.settings_dict
    url = make_conninfo(
        dbname=settings["NAME"], user=settings["USER"], password=settings["PASSWORD"], host=settings["HOST"],
        port=settings["PORT"],
    )  # fmt: skip
    environment = {
        **os.environ, "HUITOU_HOME": str(home.root), "HUITOU_DATABASE_URL": url, "HUITOU_TEST_KILL_AT": kill_at,
        "HUITOU_SECRET_KEY": django_settings.SECRET_KEY,
    }  # fmt: skip
    command = [sys.executable, "-c", _PROGRAM, NOON.isoformat()]
    return subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL)


def planned(provider: Aliyun) -> list[int]:
    sms_account(provider)
    requests = [ask(f"k{n}", a_customer("sms"), channels=("sms_aliyun",), content=CONTENT) for n in range(PEOPLE)]
    return request_touches(requests, clock=CLOCK)


def settle() -> None:
    """Whoever comes next; the server may notice a moment later that the dead one is gone."""
    import time

    ends = time.monotonic() + 20
    while Attempt.objects.filter(outcome__in=("ready", "open")).exists() and time.monotonic() < ends:
        recover_lost(clock=CLOCK)
        time.sleep(0.05)
    for minutes in (0, 5, 60):
        send_due(clock=at(minutes=minutes))


def check(provider: Aliyun, ids: list[int], *, unknown_at_most: int) -> None:
    heard = Counter(int(message.out_id) for message in provider.messages)
    assert max(heard.values()) == 1, "nobody hears twice"
    states = dict(Touch.objects.values_list("pk", "state"))
    unknown = {pk for pk in ids if states[pk] == "unknown"}
    assert len(unknown) <= unknown_at_most
    assert {pk for pk in ids if states[pk] == "sent"} == set(ids) - unknown
    assert set(heard) >= set(ids) - unknown, "everybody else heard"
    assert ContactSlot.objects.filter(period="day").count() == PEOPLE, "one place each"
    assert ChannelAccount.objects.get(kind="sms_aliyun").state == "active"


@pytest.mark.parametrize(
    ("point", "unknown"),
    [
        ("outbox.decided", 0),
        ("outbox.sending", 0),
        ("outbox.leaving", AT_ONCE),
        ("outbox.sent", BATCH),
        ("outbox.noted", 0),
    ],
)
def test_killed_at(point: str, unknown: int, home: Home) -> None:
    """Only between the marking and the note of the outcome can anything become unknown."""
    with Deadly() as provider:
        ids = planned(provider)
        assert sender(home, kill_at=point).wait(120) == -signal.SIGKILL
        settle()
        check(provider, ids, unknown_at_most=unknown)


@pytest.mark.parametrize(
    ("message", "after"),
    [
        (9, True),
        (30, False),
        pytest.param(1, False, marks=pytest.mark.soak),
        pytest.param(52, True, marks=pytest.mark.soak),
    ],
)
def test_killed_at_a_message(message: int, after: bool, home: Home) -> None:
    """Of the batch in hand everything that was sent before the kill has no outcome yet; what had not left goes on."""
    with Deadly(at=message, after=after) as provider:
        ids = planned(provider)
        provider.victim = sender(home)
        assert provider.victim.wait(120) == -signal.SIGKILL
        provider.victim = None
        reached = len(provider.messages)
        settle()
        unknown = Touch.objects.filter(state="unknown").values_list("pk", flat=True)
        check(provider, ids, unknown_at_most=BATCH)
        in_hand = reached % BATCH or min(reached, BATCH)
        assert len(unknown) <= in_hand + AT_ONCE, "what was marked, and nothing else of the batch"
