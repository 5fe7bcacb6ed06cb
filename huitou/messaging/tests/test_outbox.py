"""What goes out goes out once: attempts, retries, what is unknown, accounts in trouble, and lost workers."""

from __future__ import annotations

import time
from datetime import timedelta

import pytest
from django.db import connection

from huitou.core.clock import FixedClock
from huitou.customers.models import Person
from huitou.messaging import sql
from huitou.messaging.channel import accepted, refused, unknown
from huitou.messaging.models import Attempt, ChannelAccount, ContactSlot, Touch, TouchDecision
from huitou.messaging.outbox import recover_lost, send_due
from huitou.messaging.services import Content, Words, request_touches
from huitou.messaging.tests.stage import NOON, Recorder, agree, ask, make_customer
from huitou.sources.models import InboxEvent

pytestmark = pytest.mark.django_db
CLOCK = FixedClock(NOON)


def at(**later: float) -> FixedClock:
    return FixedClock(NOON + timedelta(**later))


def state_of(touch_id: int) -> tuple[str, str]:
    touch = Touch.objects.get(pk=touch_id)
    return touch.state, touch.reason


def test_a_touch_is_handed_over_once_with_its_words_and_link(
    accounts: dict[str, ChannelAccount], recorder: Recorder
) -> None:
    content = Content(
        {"zh": Words(title="回来看看", text="{name}，看 {link}", link="https://example.com/a")}, params={"name": "您"}
    )
    [touch_id] = request_touches([ask("a", make_customer(), content=content)], clock=CLOCK)
    assert send_due(clock=CLOCK).accepted == 1
    assert send_due(clock=CLOCK).judged == 0
    [message] = recorder.sent
    assert (message.title, message.to.kind) == ("回来看看", "phone")
    assert message.text.startswith("您，看 http")
    assert message.link in message.text
    touch = Touch.objects.get(pk=touch_id)
    assert (touch.state, touch.channel, touch.sent_at) == ("sent", "text", NOON)
    assert touch.answerable
    decision = TouchDecision.objects.get()
    assert (decision.verdict, decision.numbers["day_used"], decision.numbers["cap_day"]) == ("yes", 0, 1)
    [event] = InboxEvent.objects.all()
    assert event.person_id == touch.person_id
    assert b'"Message Sent"' in bytes(event.payload)


def test_what_passes_is_tried_again_later_and_its_place_is_free_meanwhile(
    accounts: dict[str, ChannelAccount], recorder: Recorder
) -> None:
    recorder.answer = lambda _message: refused("busy")
    [touch_id] = request_touches([ask("a", make_customer())], clock=CLOCK)
    send_due(clock=CLOCK)
    assert state_of(touch_id) == ("planned", "provider_retry")
    assert not ContactSlot.objects.exists()
    assert send_due(clock=CLOCK).judged == 0, "not at once"
    for minutes in (2, 10, 60, 300):
        send_due(clock=at(minutes=minutes))
    assert state_of(touch_id) == ("failed", "provider_refused")
    assert [a.number for a in Attempt.objects.order_by("pk")] == [1, 2, 3, 4]
    assert len({a.key for a in Attempt.objects.all()}) == 4


def test_a_permanent_refusal_goes_to_the_next_channel(accounts: dict[str, ChannelAccount], recorder: Recorder) -> None:
    recorder.answer = lambda m: refused("gone", permanent=True) if m.to.kind == "external_userid" else unknown()
    [touch_id] = request_touches([ask("a", make_customer(), channels=("chat", "text"))], clock=CLOCK)
    send_due(clock=CLOCK)
    assert [m.to.kind for m in recorder.sent] == ["external_userid", "phone"]
    assert state_of(touch_id) == ("unknown", "no_answer")


def test_the_next_channel_has_tries_of_its_own(accounts: dict[str, ChannelAccount], recorder: Recorder) -> None:
    """The first one refused for now until it refused for good; the second one is busy once."""
    answers = {"external_userid": [refused("busy")] * 4, "phone": [refused("busy"), accepted("ref")]}
    recorder.answer = lambda message: answers[message.to.kind].pop(0)
    [touch_id] = request_touches([ask("a", make_customer(), channels=("chat", "text"))], clock=CLOCK)
    for minutes in (0, 2, 10, 60):
        send_due(clock=at(minutes=minutes))
    assert state_of(touch_id) == ("planned", "provider_retry"), "busy once on the second channel"
    send_due(clock=at(minutes=62))
    assert state_of(touch_id)[0] == "sent"
    assert [m.to.kind for m in recorder.sent] == ["external_userid"] * 4 + ["phone"] * 2


def test_a_worker_that_died_before_sending_uses_up_no_try(
    accounts: dict[str, ChannelAccount], recorder: Recorder
) -> None:
    from huitou.messaging.deciding import decide_due

    recorder.answer = lambda _message: refused("busy")
    [touch_id] = request_touches([ask("a", make_customer())], clock=CLOCK)
    for run in range(81, 85):
        decide_due(run_number=run, now=NOON, limit=10)
        recover_lost(clock=CLOCK)
    assert Attempt.objects.filter(code="worker_lost").count() == 4
    send_due(clock=CLOCK)
    assert state_of(touch_id) == ("planned", "provider_retry")


def test_what_is_unknown_is_never_sent_again(accounts: dict[str, ChannelAccount], recorder: Recorder) -> None:
    recorder.broken = True
    [touch_id] = request_touches([ask("a", make_customer())], clock=CLOCK)
    assert send_due(clock=CLOCK).unknown == 1
    recorder.broken = False
    for days in (1, 2, 4):
        send_due(clock=at(days=days))
    assert len(recorder.sent) == 1
    assert state_of(touch_id) == ("unknown", "no_answer")
    assert ContactSlot.objects.count() == 2, "it may have arrived: it counts"


def test_what_a_worker_that_is_gone_was_sending_becomes_unknown_and_the_rest_is_planned_anew(
    accounts: dict[str, ChannelAccount], recorder: Recorder
) -> None:
    """Two were decided; one of them was leaving. While the worker lives both are left alone."""
    from huitou.messaging.deciding import decide_due

    leaving, ready = request_touches([ask("a", make_customer()), ask("b", make_customer())], clock=CLOCK)
    decide_due(run_number=77, now=NOON, limit=10)
    assert state_of(leaving)[0] == "sending"
    with connection.cursor() as cursor:
        cursor.execute(sql.SET_LEAVING, [[Attempt.objects.get(touch=leaving).pk]])
    other = connection.copy()
    try:
        with other.cursor() as cursor:
            cursor.execute(sql.HOLD_RUN, [77])
            assert recover_lost(clock=CLOCK) == 0
            cursor.execute(sql.FREE_RUN, [77])
    finally:
        other.close()
    # The server notices a moment later that the other one is gone.
    ends = time.monotonic() + 10
    while not recover_lost(clock=CLOCK) and time.monotonic() < ends:
        time.sleep(0.05)
    assert state_of(leaving) == ("unknown", "worker_lost")
    assert state_of(ready) == ("planned", "worker_lost_before")
    assert set(ContactSlot.objects.values_list("touch_id", flat=True)) == {leaving}
    send_due(clock=CLOCK)
    assert [message.touch_id for message in recorder.sent] == [ready]


def test_who_is_held_for_gone_sends_nothing_more(
    accounts: dict[str, ChannelAccount], recorder: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its connection broke, another worker planned its messages anew: they leave once, through the other."""
    from huitou.messaging import outbox

    def taken_over(name: str) -> None:
        if name == "outbox.sending" and not recorder.sent:
            Attempt.objects.filter(outcome="ready").update(outcome="refused")
            Touch.objects.update(state="planned", next_at=NOON)

    [touch_id] = request_touches([ask("a", make_customer())], clock=CLOCK)
    monkeypatch.setattr(outbox, "reach", taken_over)
    outbox.send_due(clock=CLOCK, most_sittings=1)
    assert recorder.sent == []
    assert state_of(touch_id)[0] == "planned"


def test_of_what_broke_off_only_what_was_leaving_is_unknown(
    accounts: dict[str, ChannelAccount], recorder: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An adapter that breaks at the third of five messages: three are unknown, two go out later."""
    from collections.abc import Sequence

    from huitou.core.clock import Clock
    from huitou.messaging.channel import CHANNELS, Config, Outcome, Outgoing, accepted
    from huitou.messaging.tests.stage import a_channel

    got: list[int] = []

    def send(config: Config, outgoing: Sequence[Outgoing], clock: Clock) -> list[Outcome]:
        for message in outgoing:
            config.leaving([message])
            got.append(message.touch_id)
            if len(got) == 3:
                raise ConnectionResetError
        return [accepted(message.key) for message in outgoing]

    entries = dict(CHANNELS._load()) | {"text": a_channel("text", recorder, send=send, says_leaving=True)}
    monkeypatch.setattr(CHANNELS, "_entries", entries)
    ids = request_touches([ask(f"a{n}", make_customer()) for n in range(5)], clock=CLOCK)
    assert send_due(clock=CLOCK).unknown == 3
    send_due(clock=at(minutes=10))
    assert sorted(got) == sorted(ids)
    assert sorted(state for state, _reason in map(state_of, ids)) == ["sent"] * 2 + ["unknown"] * 3


def test_an_account_that_the_provider_refuses_stops_and_its_touches_wait(
    accounts: dict[str, ChannelAccount], recorder: Recorder
) -> None:
    recorder.answer = lambda _message: refused("bad_key", account_trouble=True)
    [touch_id] = request_touches([ask("a", make_customer())], clock=CLOCK)
    send_due(clock=CLOCK)
    account = ChannelAccount.objects.get(pk=accounts["text"].pk)
    assert (account.state, account.error_code) == ("stopped", "bad_key")
    send_due(clock=at(minutes=20))
    assert state_of(touch_id) == ("waiting", "account_paused")
    assert len(recorder.sent) == 1


def test_an_account_that_wants_to_be_left_alone_is(accounts: dict[str, ChannelAccount], recorder: Recorder) -> None:
    recorder.answer = lambda _message: refused("slow", retry_after=timedelta(minutes=30))
    request_touches([ask("a", make_customer())], clock=CLOCK)
    send_due(clock=CLOCK)
    request_touches([ask("b", make_customer())], clock=CLOCK)
    send_due(clock=at(minutes=29))
    assert len(recorder.sent) == 1
    send_due(clock=at(minutes=50))
    assert len(recorder.sent) == 3


def test_a_recipient_who_has_to_wait_stops_nobody_else(accounts: dict[str, ChannelAccount], recorder: Recorder) -> None:
    recorder.answer = lambda _message: refused("mailbox_full", retry_after=timedelta(minutes=30), waits_alone=True)
    request_touches([ask("a", make_customer())], clock=CLOCK)
    send_due(clock=CLOCK)
    request_touches([ask("b", make_customer())], clock=CLOCK)
    send_due(clock=at(minutes=29))
    assert [message.text[-1] for message in recorder.sent] == ["a", "b"]


def test_what_has_seconds_only_goes_before_everybody_else(
    accounts: dict[str, ChannelAccount], recorder: Recorder
) -> None:
    """The customer who was just added is the newest of all, and would otherwise be the last of many sittings."""
    request_touches([ask(f"a{n}", make_customer()) for n in range(30)], clock=CLOCK)
    request_touches([ask("welcome", make_customer(), priority=1_000)], clock=CLOCK)
    send_due(clock=CLOCK, limit=3, most_sittings=1)
    assert [message.text for message in recorder.sent] == ["您好 welcome"]
    send_due(clock=CLOCK, limit=3)
    assert len(recorder.sent) == 31


def test_a_consent_taken_back_between_sitting_and_sending_stops_it(
    accounts: dict[str, ChannelAccount], recorder: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    from huitou.messaging import outbox

    customer = make_customer()
    [touch_id] = request_touches([ask("a", customer)], clock=CLOCK)
    monkeypatch.setattr(
        outbox, "reach", lambda name: agree(customer, "text", granted=False) if name == "outbox.decided" else None
    )
    outbox.send_due(clock=CLOCK, most_sittings=1)
    monkeypatch.undo()
    assert recorder.sent == []
    assert state_of(touch_id)[0] == "planned"


def test_an_erased_customer_gets_nothing(accounts: dict[str, ChannelAccount], recorder: Recorder) -> None:
    customer = make_customer()
    [touch_id] = request_touches([ask("a", customer)], clock=CLOCK)
    Person.objects.filter(pk=customer).update(erased_at=NOON)
    send_due(clock=CLOCK)
    assert state_of(touch_id) == ("refused", "erased")


def test_messages_per_minute_are_an_accounts_limit(accounts: dict[str, ChannelAccount], recorder: Recorder) -> None:
    ChannelAccount.objects.filter(pk=accounts["text"].pk).update(per_minute=2)
    request_touches([ask(f"a{n}", make_customer()) for n in range(5)], clock=CLOCK)
    send_due(clock=CLOCK)
    assert len(recorder.sent) == 2
    send_due(clock=at(minutes=2))
    assert len(recorder.sent) == 4
