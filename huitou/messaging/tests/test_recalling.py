"""Taking back what waits for a member: stops, withdrawals, holdouts, next channels; nobody hears twice.

The servers keep account of what customers heard. What the product says of a touch is compared with that.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta

import pytest

from huitou.core.clock import FixedClock
from huitou.customers.personal import erase_customer
from huitou.experiments.models import HoldoutShare
from huitou.experiments.services import hold_out
from huitou.messaging.following import plan_fallbacks, poll_accounts
from huitou.messaging.models import Attempt, ChannelAccount, ContactSlot, Touch, TouchDecision
from huitou.messaging.outbox import send_due
from huitou.messaging.recalling import run_recalls
from huitou.messaging.services import Content, TouchRequest, Words, cancel_touches, request_touches
from huitou.messaging.tests.providers.aliyun import Aliyun
from huitou.messaging.tests.providers.server import RESET_AFTER, RESET_BEFORE
from huitou.messaging.tests.providers.wecom import WeCom
from huitou.messaging.tests.stage import NOON, Recorder, agree, ask
from huitou.messaging.tests.test_end_to_end import TEMPLATES, a_customer, at, sms_account, wecom_account

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("loopback", "accounts")]
CLOCK = FixedClock(NOON)
SAME = Content({"zh": Words(text="新品到了")}, template="SMS_7")
PLAIN = {**TEMPLATES, "SMS_7": ("新品到了 拒收请回复R", True)}
CANCEL = "externalcontact/cancel_groupmsg_send"


@pytest.fixture
def wecom() -> Iterator[WeCom]:
    with WeCom() as provider:
        wecom_account(provider)
        yield provider


@pytest.fixture
def sms() -> Iterator[Aliyun]:
    with Aliyun(PLAIN) as provider:
        sms_account(provider)
        yield provider


def over_wecom(key: str, customer: int, **more: object) -> TouchRequest:
    return ask(key, customer, **({"channels": ("wecom",), "content": SAME} | more))


def then_sms(key: str, customer: int) -> TouchRequest:
    return over_wecom(key, customer, channels=("wecom", "sms_aliyun"), fallback_after=timedelta(hours=4))


def confirm_all(provider: WeCom) -> int:
    """Every member sends whatever is still on the list; returns how many tasks that were."""
    return sum(provider.confirm(task.msgid, member) for task in provider.tasks.values() for member in task.by_member)


def fate(touch_id: int) -> tuple[str, str]:
    touch = Touch.objects.get(pk=touch_id)
    return touch.state, touch.reason


def test_a_stopped_source_takes_its_tasks_back_and_nobody_hears(wecom: WeCom) -> None:
    ids = request_touches([over_wecom(f"k{n}", a_customer("wecom")) for n in range(3)], clock=CLOCK)
    assert send_due(clock=CLOCK).accepted == 3
    cancel_touches(source="launch:1", clock=at(hours=1))
    assert run_recalls(clock=at(hours=1)).taken_back == 3
    assert confirm_all(wecom) == 0
    assert wecom.heard == []
    assert {fate(pk) for pk in ids} == {("cancelled", "cancelled")}
    assert not ContactSlot.objects.exists(), "who heard nothing keeps the place"
    assert TouchDecision.objects.filter(verdict="no", reason="cancelled").count() == 3
    assert run_recalls(clock=at(days=1)).taken_back == 0
    assert wecom.counts[CANCEL] == 1


def test_what_went_out_before_the_stop_stays_sent_and_says_so(wecom: WeCom) -> None:
    [touch_id] = request_touches([over_wecom("k", a_customer("wecom"))], clock=CLOCK)
    send_due(clock=CLOCK)
    assert confirm_all(wecom) == 1
    cancel_touches(source="launch:1", clock=at(hours=1))
    assert run_recalls(clock=at(hours=1)).gone == 1
    assert fate(touch_id) == ("sent", "recall_refused")
    poll_accounts(clock=at(hours=2))
    assert fate(touch_id) == ("delivered", "recall_refused")


def test_who_withdraws_is_taken_out_and_the_others_get_a_new_task(wecom: WeCom) -> None:
    """One task for three; one of them withdraws. It is stopped as a whole, and the other two are sent anew, once."""
    customers = [a_customer("wecom") for _ in range(3)]
    ids = request_touches([over_wecom(f"k{n}", c) for n, c in enumerate(customers)], clock=CLOCK)
    send_due(clock=CLOCK)
    agree(customers[0], "wecom", granted=False, at=NOON + timedelta(minutes=5))
    poll_accounts(clock=at(minutes=6))
    assert run_recalls(clock=at(minutes=6)).taken_back == 1
    send_due(clock=at(minutes=7))
    assert confirm_all(wecom) == 1
    poll_accounts(clock=at(minutes=10))
    assert sorted(wecom.heard) == sorted(f"wm-{c}" for c in customers[1:])
    assert fate(ids[0]) == ("cancelled", "no_consent")
    assert {fate(pk)[0] for pk in ids[1:]} == {"delivered"}


def test_who_is_erased_meanwhile_hears_nothing(wecom: WeCom) -> None:
    customer = a_customer("wecom")
    [touch_id] = request_touches([over_wecom("k", customer)], clock=CLOCK)
    send_due(clock=CLOCK)
    erase_customer(person_id=customer, clock=CLOCK)
    poll_accounts(clock=at(minutes=3))
    run_recalls(clock=at(minutes=3))
    assert confirm_all(wecom) == 0
    assert fate(touch_id) == ("cancelled", "erased")
    attempt = Attempt.objects.get()
    assert (attempt.provider_ref, attempt.address_hash) == ("", ""), "what was kept for the stop is gone with it"


def test_who_is_held_out_from_the_next_quarter_on_is_taken_out_and_the_others_hear(wecom: WeCom) -> None:
    """Half of all customers are left alone from April on; the members have not confirmed by then."""
    april, spring = 28, date(2026, 4, 1)
    HoldoutShare.objects.create(share_bp=5000, first_day=spring, at=NOON)
    customers = [a_customer("wecom") for _ in range(12)]
    late = NOON + timedelta(days=60)
    request_touches([over_wecom(f"k{n}", c, not_after=late) for n, c in enumerate(customers)], clock=CLOCK)
    send_due(clock=CLOCK)
    poll_accounts(clock=at(days=april))
    run_recalls(clock=at(days=april))
    send_due(clock=at(days=april))
    confirm_all(wecom)
    held = hold_out(customers, clock=at(days=april))
    assert 0 < len(held) < len(customers)
    assert set(wecom.heard) == {f"wm-{c}" for c in customers if c not in held}
    reasons = Touch.objects.filter(person_id__in=held).values_list("state", "reason")
    assert set(reasons) == {("cancelled", "held_out")}


def test_the_next_channel_takes_over_only_when_the_task_is_stopped(wecom: WeCom, sms: Aliyun) -> None:
    """The member confirms late: without the stop the customer would hear twice."""
    [touch_id] = request_touches([then_sms("k", a_customer("wecom", "sms"))], clock=CLOCK)
    send_due(clock=CLOCK)
    plan_fallbacks(clock=at(hours=4))
    send_due(clock=at(hours=4))
    assert sms.messages == [], "not before WeCom has said that it is stopped"
    run_recalls(clock=at(hours=4))
    send_due(clock=at(hours=4))
    assert confirm_all(wecom) == 0
    assert (len(wecom.heard), len(sms.messages)) == (0, 1)
    assert fate(touch_id) == ("cancelled", "next_channel_instead")


@pytest.mark.parametrize("polled", [False, True])
def test_no_next_channel_where_a_member_was_faster(wecom: WeCom, sms: Aliyun, polled: bool) -> None:
    """Between the asking and the stop the member sends it, and perhaps the poll has told us by then."""
    [touch_id] = request_touches([then_sms("k", a_customer("wecom", "sms"))], clock=CLOCK)
    send_due(clock=CLOCK)
    plan_fallbacks(clock=at(hours=4))
    assert confirm_all(wecom) == 1
    if polled:
        poll_accounts(clock=at(hours=4))
    assert run_recalls(clock=at(hours=4)).gone == 1
    for hours in (4, 5, 6, 30):
        plan_fallbacks(clock=at(hours=hours))
        send_due(clock=at(hours=hours))
    assert (len(wecom.heard), len(sms.messages)) == (1, 0)
    assert fate(touch_id)[1] == "recall_refused"


def test_no_next_channel_while_nobody_knows_whether_it_was_stopped(wecom: WeCom, sms: Aliyun) -> None:
    [touch_id] = request_touches([then_sms("k", a_customer("wecom", "sms"))], clock=CLOCK)
    send_due(clock=CLOCK)
    plan_fallbacks(clock=at(hours=4))
    wecom.rates = {RESET_BEFORE: 1.0}
    for minutes in range(0, 24 * 60, 10):
        run_recalls(clock=at(hours=4, minutes=minutes))
        send_due(clock=at(hours=4, minutes=minutes))
    assert sms.messages == []
    assert fate(touch_id) == ("sent", "recall_unanswered")
    assert 4 <= wecom.counts[RESET_BEFORE] <= 10, "asked several times, and not for ever"


def test_an_answer_that_was_lost_is_asked_for_again(wecom: WeCom, sms: Aliyun) -> None:
    request_touches([then_sms("k", a_customer("wecom", "sms"))], clock=CLOCK)
    send_due(clock=CLOCK)
    plan_fallbacks(clock=at(hours=4))
    wecom.plan.append(RESET_AFTER)
    assert run_recalls(clock=at(hours=4)).taken_back == 0
    assert run_recalls(clock=at(hours=4, minutes=5)).taken_back == 1
    send_due(clock=at(hours=4, minutes=5))
    assert len(sms.messages) == 1


def test_no_next_channel_follows_a_stopped_source(accounts: dict[str, ChannelAccount], recorder: Recorder) -> None:
    request = ask("k", a_customer("chat", "text"), channels=("text",), fallback_after=timedelta(hours=4))
    customer = a_customer("chat", "text")
    agree_both = ask("k2", customer, channels=("chat", "text"), fallback_after=timedelta(hours=4))
    request_touches([request, agree_both], clock=CLOCK)
    send_due(clock=CLOCK)
    assert len(recorder.sent) >= 1
    sent = len(recorder.sent)
    cancel_touches(source="launch:1", clock=at(hours=1))
    assert plan_fallbacks(clock=at(hours=5)) == 0
    send_due(clock=at(hours=5))
    assert len(recorder.sent) == sent


def test_what_is_refused_after_the_stop_is_not_tried_again(
    accounts: dict[str, ChannelAccount], recorder: Recorder
) -> None:
    """The stop comes while the message is on its way to the provider, which refuses it for now."""
    from huitou.messaging.channel import Outcome, Outgoing, refused

    def stopped_meanwhile(message: Outgoing) -> Outcome:
        cancel_touches(source="launch:1", clock=CLOCK)
        return refused("busy")

    recorder.answer = stopped_meanwhile
    [touch_id] = request_touches([ask("k", a_customer("text"))], clock=CLOCK)
    send_due(clock=CLOCK)
    assert fate(touch_id) == ("cancelled", "cancelled")
    send_due(clock=at(days=1))
    assert len(recorder.sent) == 1
    assert Attempt.objects.get().outcome == "refused"
