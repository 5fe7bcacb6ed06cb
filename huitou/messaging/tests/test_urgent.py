"""What has seconds only goes out while everything else waits for a slow provider."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import pytest

from huitou.core.home import Home
from huitou.messaging.channel import Outcome, Outgoing, accepted
from huitou.messaging.deciding import URGENT
from huitou.messaging.loop import sending
from huitou.messaging.models import Touch
from huitou.messaging.outbox import send_urgent
from huitou.messaging.services import request_touches
from huitou.messaging.tests.stage import Recorder, ask, make_customer
from huitou.messaging.tests.test_end_to_end import CLOCK

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("accounts")]


def wait_until(holds: Callable[[], bool]) -> bool:
    """Whether it came to hold within half a minute."""
    deadline = time.monotonic() + 30
    while not holds():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


def test_a_welcome_does_not_wait_for_a_slow_provider(recorder: Recorder, home: Home) -> None:
    """The provider answers nothing else until the welcome has gone out."""
    may_answer, entered = threading.Event(), threading.Event()

    def answer(message: Outgoing) -> Outcome:
        if "welcome" not in message.text:
            entered.set()
            may_answer.wait(60)
        return accepted(f"ref-{message.key}")

    recorder.answer = answer
    request_touches([ask(f"k{n}", make_customer()) for n in range(3)], clock=CLOCK)
    try:
        with sending(home=home):
            assert entered.wait(30), "somebody is being sent to"
            request_touches([ask("welcome", make_customer(), priority=URGENT)], clock=CLOCK)
            assert wait_until(lambda: Touch.objects.get(key="welcome").state == "sent")
            assert not may_answer.is_set()
            assert Touch.objects.filter(state="sent").count() == 1
            may_answer.set()
            assert wait_until(lambda: Touch.objects.filter(state="sent").count() == 4)
    finally:
        may_answer.set()
    assert len(recorder.sent) == 4


def test_only_what_is_urgent_of_the_same_customer_goes_with_it(recorder: Recorder) -> None:
    customer = make_customer()
    request_touches([ask("later", customer), ask("welcome", customer, priority=URGENT)], clock=CLOCK)
    assert send_urgent(clock=CLOCK).accepted == 1
    assert [message.text for message in recorder.sent] == ["您好 welcome"]
    assert send_urgent(clock=CLOCK).judged == 0
