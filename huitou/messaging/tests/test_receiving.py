"""What comes back counts once in any order, follows what stayed unread, and takes consent back at once."""

from __future__ import annotations

from datetime import timedelta
from itertools import permutations

import pytest
from django.test import Client

from huitou.accounts.models import Brand
from huitou.core.clock import FixedClock
from huitou.customers.queries import may_contact
from huitou.messaging.channel import Receipt
from huitou.messaging.following import plan_fallbacks
from huitou.messaging.links import link_url, unsubscribe_url
from huitou.messaging.models import Attempt, ChannelAccount, ShortLink, StrayReceipt, Touch
from huitou.messaging.models import Receipt as Kept
from huitou.messaging.operating import decide_unknown
from huitou.messaging.outbox import send_due
from huitou.messaging.receiving import take_receipts
from huitou.messaging.services import Content, Words, request_touches
from huitou.messaging.tests.stage import NOON, Recorder, agree, ask, make_customer
from huitou.sources.models import InboxEvent

pytestmark = pytest.mark.django_db
CLOCK = FixedClock(NOON)
LINKED = Content({"zh": Words(text="看看 {link}", link="https://example.com/shop?x=1")})


def at(**later: float) -> FixedClock:
    return FixedClock(NOON + timedelta(**later))


def sent_touch(**more: object) -> Touch:
    [touch_id] = request_touches([ask("a", make_customer(), **more)], clock=CLOCK)
    send_due(clock=CLOCK)
    return Touch.objects.get(pk=touch_id)


def told(reference: str, status: str, minutes: int) -> Receipt:
    return Receipt(reference, status, NOON + timedelta(minutes=minutes))


@pytest.mark.parametrize("order", list(permutations(("delivered", "read", "clicked"))))
def test_receipts_in_any_order_and_twice_come_to_the_same(
    order: tuple[str, ...], accounts: dict[str, ChannelAccount], recorder: Recorder
) -> None:
    touch = sent_touch()
    reference = Attempt.objects.get().provider_ref
    minutes = {"delivered": 1, "read": 2, "clicked": 3}
    for status in (*order, *order):
        take_receipts(
            [told(reference, status, minutes[status])], account=accounts["text"], origin="callback", clock=CLOCK
        )
    touch.refresh_from_db()
    assert touch.state == "clicked"
    assert touch.delivered_at == NOON + timedelta(minutes=1)
    assert touch.clicked_at == NOON + timedelta(minutes=3)
    assert Kept.objects.count() == 3
    assert InboxEvent.objects.count() == 4


def test_a_failure_counts_only_where_nothing_says_that_it_arrived(
    accounts: dict[str, ChannelAccount], recorder: Recorder
) -> None:
    touch = sent_touch()
    reference = Attempt.objects.get().provider_ref
    both = [told(reference, "delivered", 1), told(reference, "failed", 2)]
    take_receipts(both, account=accounts["text"], origin="callback", clock=CLOCK)
    touch.refresh_from_db()
    assert touch.state == "delivered"


def test_a_receipt_that_is_faster_than_our_own_note_waits_for_it(
    accounts: dict[str, ChannelAccount], recorder: Recorder
) -> None:
    [touch_id] = request_touches([ask("a", make_customer())], clock=CLOCK)
    from huitou.messaging.channel import accepted

    recorder.answer = lambda _message: accepted("known-later")
    taken = take_receipts([told("known-later", "read", 1)], account=accounts["text"], origin="callback", clock=CLOCK)
    assert (taken.new, taken.stray) == (0, 1)
    send_due(clock=CLOCK)
    assert Touch.objects.get(pk=touch_id).state == "read"
    assert not StrayReceipt.objects.exists()


def test_what_is_unknown_is_known_once_the_provider_reports_it(
    accounts: dict[str, ChannelAccount], recorder: Recorder
) -> None:
    recorder.broken = True
    touch = sent_touch()
    assert touch.state == "unknown"
    receipt = Receipt("", "delivered", NOON, touch_id=touch.pk)
    take_receipts([receipt], account=accounts["text"], origin="callback", clock=CLOCK)
    touch.refresh_from_db()
    assert touch.state == "delivered"
    assert Attempt.objects.get().outcome == "accepted"


def test_a_click_counts_once_and_leads_only_to_the_stored_target(
    accounts: dict[str, ChannelAccount], recorder: Recorder, client: Client
) -> None:
    touch = sent_touch(content=LINKED)
    link = recorder.sent[0].link
    path = "/" + link.split("/", 3)[3]
    assert client.head(path).status_code == 302
    assert Touch.objects.get().clicked_at is None
    for _time in range(3):
        answer = client.get(path)
        assert (answer.status_code, answer["Location"]) == (302, "https://example.com/shop?x=1")
    found = ShortLink.objects.get()
    assert found.click_count == 3
    assert Kept.objects.filter(touch=touch, status="clicked").count() == 1
    assert client.get(path[:-1] + ("a" if path[-1] != "a" else "b")).status_code == 404
    assert client.get(path + "x").status_code == 404
    ShortLink.objects.update(expires_at=NOON - timedelta(days=9000))
    assert client.get(path).status_code == 404


def test_unsubscribing_takes_the_consent_back_at_once(
    accounts: dict[str, ChannelAccount], recorder: Recorder, client: Client
) -> None:
    touch = sent_touch()
    path = "/" + unsubscribe_url(touch.pk).split("/", 3)[3]
    assert client.get(path).status_code == 200
    now = NOON + timedelta(days=10)
    assert may_contact(touch.person_id, "text", "marketing", now)
    assert client.post(path).status_code == 200
    assert client.post(path).status_code == 200
    assert not may_contact(touch.person_id, "text", "marketing", now)
    assert may_contact(touch.person_id, "chat", "marketing", now)
    [another] = request_touches([ask("b", touch.person_id, not_after=now)], clock=CLOCK)
    send_due(clock=at(days=2))
    assert Touch.objects.get(pk=another).reason == "no_consent"
    assert client.post(path.replace(f"/{touch.pk}-", f"/{touch.pk + 1}-")).status_code == 404


def test_who_agreed_again_may_unsubscribe_again_by_the_same_link(
    accounts: dict[str, ChannelAccount], recorder: Recorder, client: Client
) -> None:
    touch = sent_touch()
    path = "/" + unsubscribe_url(touch.pk).split("/", 3)[3]
    assert client.post(path).status_code == 200
    agree(touch.person_id, "text", at=NOON + timedelta(days=3))
    Brand.objects.update(clock_now=NOON + timedelta(days=4))
    assert may_contact(touch.person_id, "text", "marketing", NOON + timedelta(days=4))
    assert client.post(path).status_code == 200
    assert not may_contact(touch.person_id, "text", "marketing", NOON + timedelta(days=4))
    assert Kept.objects.filter(touch=touch, status="unsubscribed").count() == 1


def test_an_old_unsubscribing_that_is_told_again_leaves_a_newer_consent(
    accounts: dict[str, ChannelAccount], recorder: Recorder
) -> None:
    """A provider repeats its callback, and a report without times is read again."""
    touch = sent_touch()
    reference = Attempt.objects.get().provider_ref
    repeated = [told(reference, "unsubscribed", 1)]
    take_receipts(repeated, account=accounts["text"], origin="callback", clock=at(minutes=2))
    agree(touch.person_id, "text", at=NOON + timedelta(days=3))
    later = at(days=4)
    take_receipts(repeated, account=accounts["text"], origin="callback", clock=later)
    again = Receipt("", "unsubscribed", later.now(), touch_id=touch.pk)
    take_receipts([again], account=None, origin="report", clock=later)
    assert may_contact(touch.person_id, "text", "marketing", later.now())


def test_unsubscribing_counts_while_the_message_waits_to_be_sent_again(
    accounts: dict[str, ChannelAccount], recorder: Recorder, client: Client
) -> None:
    """Nobody knew whether it had arrived, an operator had it sent again, and it had arrived after all."""
    recorder.broken = True
    touch = sent_touch()
    decide_unknown(touch_id=touch.pk, decision="again", clock=CLOCK)
    send_due(clock=at(hours=9))
    touch.refresh_from_db()
    assert (touch.state, touch.reason, touch.account_id) == ("waiting", "quiet_hours", None)
    Brand.objects.update(clock_now=NOON + timedelta(hours=10))
    assert client.post("/" + unsubscribe_url(touch.pk).split("/", 3)[3]).status_code == 200
    assert not may_contact(touch.person_id, "text", "marketing", NOON + timedelta(days=1))


def test_what_stays_unread_goes_on_to_the_next_channel_governed_anew(
    accounts: dict[str, ChannelAccount], recorder: Recorder
) -> None:
    touch = sent_touch(channels=("chat", "text"), fallback_after=timedelta(hours=4), content=LINKED)
    assert touch.channel == "chat"
    assert plan_fallbacks(clock=at(hours=3)) == 0
    assert plan_fallbacks(clock=at(hours=4)) == 1
    assert plan_fallbacks(clock=at(hours=5)) == 0
    send_due(clock=at(hours=4))
    child = Touch.objects.get(parent=touch)
    assert (child.state, child.reason) == ("waiting", "cap_day"), "one a day holds for it too"
    send_due(clock=at(days=1))
    assert [m.to.kind for m in recorder.sent] == ["external_userid", "phone"]
    assert recorder.sent[0].link != recorder.sent[1].link


def test_what_was_read_is_not_followed(accounts: dict[str, ChannelAccount], recorder: Recorder) -> None:
    sent_touch(channels=("chat", "text"), fallback_after=timedelta(hours=4))
    reference = Attempt.objects.get().provider_ref
    take_receipts([told(reference, "read", 5)], account=accounts["chat"], origin="callback", clock=CLOCK)
    assert plan_fallbacks(clock=at(hours=5)) == 0
    assert Touch.objects.count() == 1


def test_a_short_link_is_signed() -> None:
    assert link_url("abcdefgh") != link_url("abcdefgi")[:-1]
