"""What messages cost reaches the readout: by arm, by price when sent, by who the customers are now, up to the end."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

import pytest
from django.utils import translation

from huitou.core.clock import FixedClock
from huitou.core.home import Home
from huitou.customers.models import PersonLink
from huitou.experiments.costs import Cost, Span, costs_of
from huitou.experiments.document import readout_document
from huitou.experiments.models import CONTROL, HOLDOUT, TREATMENT, Assignment, Experiment, HoldoutShare
from huitou.experiments.queries import readout
from huitou.experiments.services import set_margin
from huitou.experiments.tests.conftest import DAY, Market, feed, line, market
from huitou.experiments.words import tell
from huitou.messaging.accounts import change_account, create_account
from huitou.messaging.channel import CHANNELS, Outcome, Outgoing, Receipt, accepted, refused, unknown
from huitou.messaging.following import plan_fallbacks
from huitou.messaging.models import Attempt, ChannelAccount, Touch
from huitou.messaging.outbox import send_due
from huitou.messaging.prices import PriceInvalidError, price_setting
from huitou.messaging.receiving import take_receipts
from huitou.messaging.services import request_touches
from huitou.messaging.tests.stage import NOON, Recorder, a_channel, ask, make_account, make_customer

__all__ = ["feed", "market"]

pytestmark = pytest.mark.django_db
END = NOON + 60 * DAY


def at(**later: float) -> FixedClock:
    return FixedClock(NOON + timedelta(**later))


@pytest.fixture
def priced(market: Market, recorder: Recorder, monkeypatch: pytest.MonkeyPatch) -> Market:
    """`text` costs 5.00 and `chat` 2.00; nobody is held out."""
    entries = dict(CHANNELS._load())
    for kind, more in (("chat", {"identifier_kinds": ("external_userid",), "reports_reads": True}), ("text", {})):
        entries[kind] = a_channel(kind, recorder, settings=(price_setting(),), **more)
    monkeypatch.setattr(CHANNELS, "_entries", entries)
    make_account("text", settings={"price_minor": "500"})
    make_account("chat", settings={"price_minor": "200"})
    HoldoutShare.objects.create(share_bp=0, first_day=date(2000, 1, 1), at=NOON)
    return market


def draw(experiment: Experiment, people: list[int], arm: str, when: datetime = NOON) -> list[int]:
    Assignment.objects.bulk_create(
        Assignment(experiment=experiment, person_id=p, arm=arm, draw=0, at=when) for p in people
    )
    return people


def send(recorder: Recorder, outcomes: dict[int, Outcome], requests: list[Any], clock: FixedClock) -> dict[int, int]:
    """The touches by customer, sent; whom `outcomes` does not name is accepted as one part."""
    ids = request_touches(requests, clock=clock)
    touches = dict(Touch.objects.filter(pk__in=ids).values_list("pk", "person_id"))

    def answer(message: Outgoing) -> Outcome:
        return outcomes.get(touches.get(message.touch_id, 0), accepted(f"ref-{message.key}"))

    recorder.answer = answer
    send_due(clock=clock)
    return {person: pk for pk, person in touches.items()}


def test_incremental_margin_cost_and_return_by_hand(priced: Market, recorder: Recorder, home: Home) -> None:
    """Nineteen treated and twenty control count, after one of the treated turned out to be one of the control."""
    experiment = priced.experiment(starts_at=NOON, ends_at=END, clock=FixedClock(NOON))
    control = draw(experiment, [make_customer() for _ in range(20)], CONTROL)
    treated = draw(experiment, [make_customer() for _ in range(20)], TREATMENT)
    late = draw(experiment, [make_customer()], TREATMENT, NOON + 40 * DAY)
    long, refusing, silent, failing, unread, other, after = treated[:7]
    joined = treated[19]
    requests = [ask(f"k{p}", p) for p in (long, refusing, silent, failing, joined)]
    requests.append(ask("chat", unread, channels=("chat", "text"), fallback_after=timedelta(hours=22)))
    requests.append(ask("other", other, source="launch:2"))
    outcomes = {
        long: accepted("long", parts=3),
        refusing: refused("no", permanent=True),
        silent: unknown("no answer"),
    }
    sent = send(recorder, outcomes, requests, at())
    take_receipts([Receipt("", "failed", NOON, touch_id=sent[failing])], account=None, origin="callback", clock=at())
    early = readout(experiment, NOON)
    # 3 parts, the unanswered one, the chat and the joined one; neither the refused nor the failed one.
    assert early.spent == Cost(1500 + 500 + 200 + 500, doubtful_minor=500)
    assert plan_fallbacks(clock=at(hours=22)) == 1
    send(recorder, {}, [], at(hours=22))
    send(recorder, {}, [ask("late", late[0], send_after=NOON + 40 * DAY, not_after=NOON + 41 * DAY)], at(days=40))
    send(recorder, {}, [ask("after", after, send_after=END + DAY, not_after=END + 2 * DAY)], at(days=61))
    # A price that is changed later changes nothing of what was spent.
    change_account(account_id=ChannelAccount.objects.get(kind="text").pk, settings={"price_minor": "900"}, clock=at())
    PersonLink.objects.create(person_id=joined, customer_id=control[0])
    rows = [line(f"t{p}", NOON + DAY, p, amount_minor=3800) for p in treated[:9]]
    rows += [line(f"c{p}", NOON + DAY, p, amount_minor=2000) for p in control[1:5]]
    priced.buy(rows)
    set_margin(margin_bp=4000, clock=at())
    priced.refresh(END + 3 * DAY)
    found = readout(experiment)
    arms = {arm.arm: (arm.customers, arm.cost_minor) for arm in found.arms}
    assert arms == {TREATMENT: (19, 1500 + 500 + 200 + 500), CONTROL: (20, 500)}
    money = found.comparisons[0].money
    assert money is not None
    # 9 x 38.00 / 19 = 18.00 a head against 4 x 20.00 / 20 = 4.00, over 19: 266.00; 40 % of it is left.
    assert money.revenue.estimate == pytest.approx(26_600)
    assert money.margin is not None
    assert money.margin.estimate == pytest.approx(10_640)
    # 27.00 less what nineteen of the control would have cost: 19/20 of 5.00.
    assert money.cost_minor == 2225
    assert money.net is not None
    assert money.net.estimate == pytest.approx(10_640 - 2225)
    assert money.net.low == pytest.approx(money.margin.low - 2225)
    assert money.roi is not None
    assert money.roi.estimate == pytest.approx((10_640 - 2225) / 2225)
    # With whoever came too late to count, and what went out after the end; of launch:2 nothing.
    assert found.spent == Cost(2700 + 500 + 500 + 500, doubtful_minor=500)
    document = readout_document(found, priced.brand.tz)
    assert document["comparisons"][0]["cost_minor"] == 2225
    assert document["spent_minor"] == 4200
    with translation.override("en"):
        told = " ".join(sentence.text for sentence in tell(found, priced.brand.tz))
    assert "It cost ¥22.25 beyond the control." in told
    assert "¥5.00 is for messages of which nobody knows" in told
    assert readout(experiment, END).comparisons[0].money == money


def test_the_holdout_is_held_against_all_messages_while_a_customer_is_watched(
    priced: Market, recorder: Recorder
) -> None:
    holdout = priced.experiment(
        key="holdout:2026-Q1", kind=HOLDOUT, starts_at=NOON - DAY, ends_at=END, clock=FixedClock(NOON)
    )
    [one, two] = draw(holdout, [make_customer(), make_customer()], TREATMENT)
    send(recorder, {}, [ask("a", one), ask("b", two, source="manual:7")], at())
    send(recorder, {}, [ask("c", one, send_after=NOON + 31 * DAY, not_after=NOON + 32 * DAY)], at(days=31))
    assert Attempt.objects.filter(outcome="accepted").count() == 3
    assert costs_of(holdout, Span(END, END)) == {CONTROL: Cost(), TREATMENT: Cost(1000)}


def test_without_messages_nothing_is_known_of_a_cost(priced: Market, recorder: Recorder) -> None:
    experiment = priced.experiment(starts_at=NOON, ends_at=END, clock=FixedClock(NOON))
    [one] = draw(experiment, [make_customer()], TREATMENT)
    send(recorder, {one: refused("no", permanent=True)}, [ask("a", one)], at())
    assert costs_of(experiment, Span(END, END)) is None
    assert readout(experiment, NOON).spent is None


def test_what_was_lost_with_its_process_counts_as_if_it_had_gone_out(priced: Market, recorder: Recorder) -> None:
    experiment = priced.experiment(starts_at=NOON, ends_at=END, clock=FixedClock(NOON))
    [one] = draw(experiment, [make_customer()], TREATMENT)
    recorder.broken = True
    send(recorder, {}, [ask("a", one)], at())
    assert Attempt.objects.get().outcome == "unknown"
    assert costs_of(experiment, Span(END, END)) == {CONTROL: Cost(), TREATMENT: Cost(500, doubtful_minor=500)}


@pytest.mark.parametrize("price", ["0.05", "-1", "10001", "five", "５"])
def test_a_price_is_a_whole_number_of_minor_units(market: Market, price: str) -> None:
    with pytest.raises(PriceInvalidError):
        create_account(kind="list_handoff", name="list", settings={"price_minor": price}, clock=at())
    create_account(kind="list_handoff", name="list", settings={"price_minor": "10000"}, clock=at())
