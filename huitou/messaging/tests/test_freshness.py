"""What a message says must be true when it goes out: until when, and products that the catalog has."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest

from huitou.catalog.models import Product
from huitou.core.clock import FixedClock
from huitou.messaging.following import poll_accounts
from huitou.messaging.models import ChannelAccount, Touch, TouchDecision
from huitou.messaging.outbox import send_due
from huitou.messaging.recalling import run_recalls
from huitou.messaging.services import Content, TouchInvalidError, Words, request_touches
from huitou.messaging.tests.providers.wecom import WeCom
from huitou.messaging.tests.stage import NOON, Recorder, ask, make_customer
from huitou.messaging.tests.test_end_to_end import a_customer, at, wecom_account

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("loopback")]
CLOCK = FixedClock(NOON)
WORDS = {"zh": Words(text="券今晚到期")}


@pytest.fixture
def wecom(accounts: dict[str, ChannelAccount]) -> Iterator[WeCom]:
    with WeCom() as provider:
        wecom_account(provider)
        yield provider


def reason(touch_id: int) -> tuple[str, str]:
    touch = Touch.objects.get(pk=touch_id)
    return touch.state, touch.reason


def test_what_is_not_true_any_more_is_not_said(accounts: dict[str, ChannelAccount], recorder: Recorder) -> None:
    content = Content(WORDS, valid_until=NOON + timedelta(hours=2))
    early, late = request_touches(
        [
            ask("early", make_customer(), content=content),
            ask("late", make_customer(), content=content, send_after=NOON + timedelta(hours=3)),
        ],
        clock=CLOCK,
    )
    send_due(clock=at(hours=1))
    send_due(clock=at(hours=3))
    assert [message.touch_id for message in recorder.sent] == [early]
    assert reason(late) == ("refused", "content_ended")


def test_the_end_of_a_benefit_that_the_request_names_counts_too(
    accounts: dict[str, ChannelAccount], recorder: Recorder
) -> None:
    [touch_id] = request_touches([ask("a", make_customer(), valid_until=NOON + timedelta(hours=2))], clock=CLOCK)
    send_due(clock=at(hours=3))
    assert (recorder.sent, reason(touch_id)) == ([], ("refused", "content_ended"))


def test_who_waits_past_the_end_is_refused_at_once(accounts: dict[str, ChannelAccount], recorder: Recorder) -> None:
    """It is 23:00: the quiet hours end after the content does."""
    content = Content(WORDS, valid_until=NOON + timedelta(hours=13))
    [touch_id] = request_touches([ask("a", make_customer(), content=content)], clock=CLOCK)
    send_due(clock=at(hours=11))
    assert reason(touch_id) == ("refused", "quiet_hours")


def test_a_product_that_left_the_catalog_is_not_offered(
    accounts: dict[str, ChannelAccount], recorder: Recorder
) -> None:
    Product.objects.create(sku="TEA-1", updated_at=NOON)
    Product.objects.create(sku="TEA-2", updated_at=NOON)
    content = Content(WORDS, products=("TEA-1", "TEA-2"))
    first, second = request_touches(
        [
            ask("a", make_customer(), content=content),
            ask("b", make_customer(), content=content, send_after=NOON + timedelta(hours=1)),
        ],
        clock=CLOCK,
    )
    send_due(clock=CLOCK)
    Product.objects.filter(sku="TEA-2").delete()
    send_due(clock=at(hours=1))
    assert [message.touch_id for message in recorder.sent] == [first]
    assert reason(second) == ("refused", "product_gone")
    assert TouchDecision.objects.get(touch=second).numbers == {"products": ["TEA-2"]}


def test_a_task_whose_content_ended_is_taken_from_the_member(wecom: WeCom) -> None:
    content = Content(WORDS, valid_until=NOON + timedelta(hours=2))
    [touch_id] = request_touches([ask("a", a_customer("wecom"), channels=("wecom",), content=content)], clock=CLOCK)
    send_due(clock=CLOCK)
    poll_accounts(clock=at(hours=1))
    assert run_recalls(clock=at(hours=1)).taken_back == 0
    poll_accounts(clock=at(hours=3))
    assert run_recalls(clock=at(hours=3)).taken_back == 1
    assert reason(touch_id) == ("cancelled", "content_ended")
    assert all(task.cancelled for task in wecom.tasks.values())


def test_an_end_without_an_offset_is_refused_in_a_sentence(accounts: dict[str, ChannelAccount]) -> None:
    content = Content(WORDS, valid_until=NOON.replace(tzinfo=None))
    with pytest.raises(TouchInvalidError, match="valid_until"):
        request_touches([ask("a", make_customer(), content=content)], clock=CLOCK)
