"""Reach and activation of messages that really went through the outbox: metric, command line, API and page agree."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from django.test import Client
from typer.testing import CliRunner

from config.cli import build
from huitou.accounts.models import Brand, User
from huitou.accounts.queries import get_brand
from huitou.core.clock import FixedClock
from huitou.core.home import Home
from huitou.customers.models import PersonLink
from huitou.messaging.channel import Outcome, Outgoing, Receipt, accepted, refused
from huitou.messaging.coverage import coverage_of
from huitou.messaging.lake import write_touches
from huitou.messaging.models import ChannelAccount, Touch
from huitou.messaging.outbox import send_due
from huitou.messaging.receiving import take_receipts
from huitou.messaging.services import cancel_touches, request_touches
from huitou.messaging.tests.conftest import accounts, recorder
from huitou.messaging.tests.stage import NOON, Recorder, ask, make_customer
from huitou.orders.refresh import run_refresh
from huitou.orders.tests.conftest import Feed, feed
from huitou.orders.tests.test_queries import line
from huitou.reports.queries import MetricResult, show_metric

__all__ = ["accounts", "feed", "recorder"]

pytestmark = pytest.mark.django_db(transaction=True)
DAY = timedelta(days=1)


def at(**later: float) -> FixedClock:
    return FixedClock(NOON + timedelta(**later))


def asked(name: str, *, by: tuple[str, ...]) -> MetricResult:
    return show_metric(name, from_date=NOON.date(), to_date=NOON.date() + 2 * DAY, by=by)


@pytest.fixture
def launched(accounts: dict[str, ChannelAccount], recorder: Recorder, home: Home, feed: Feed) -> None:
    """Of launch:1 eight customers are meant: five are reached, four of them in time, one clicks and two buy."""
    clicks, buys, late, twice, first = (make_customer() for _ in range(5))
    silent, refusing, gone, failing = make_customer(channels=()), *(make_customer() for _ in range(3))
    joined = make_customer()
    people = {"clicks": clicks, "buys": buys, "silent": silent, "refusing": refusing, "failing": failing}
    request_touches([ask(key, who) for key, who in people.items()], clock=at())
    request_touches([ask("twice-1", twice), ask("joined", joined)], clock=at())
    request_touches([ask("gone", gone, source="launch:9")], clock=at())
    request_touches([ask("test", gone, source="test:1")], clock=at())
    cancel_touches(source="launch:9", clock=at())
    # One customer under two numbers is one.
    PersonLink.objects.create(person_id=joined, customer_id=first)
    keys = dict(Touch.objects.values_list("pk", "key"))

    def answer(message: Outgoing) -> Outcome:
        return refused("no", permanent=True) if keys.get(message.touch_id) == "refusing" else accepted(message.key)

    recorder.answer = answer
    send_due(clock=at())
    request_touches([ask("twice-2", twice, send_after=NOON + DAY, not_after=NOON + 2 * DAY)], clock=at())
    request_touches([ask("late", late, not_after=NOON + 3 * DAY, send_after=NOON)], clock=at(hours=30))
    send_due(clock=at(hours=30))
    touches = dict(Touch.objects.values_list("key", "pk"))
    told = [("clicks", "clicked", NOON + DAY), ("failing", "failed", NOON), ("late", "delivered", NOON + 2 * DAY)]
    receipts = [Receipt("", status, when, touch_id=touches[key]) for key, status, when in told]
    take_receipts(receipts, account=None, origin="callback", clock=at(days=2))
    feed([line("o1", NOON + DAY, buys), line("o2", NOON + DAY, first), line("o3", NOON + 30 * DAY, clicks)])
    write_touches(home=home, clock=at(days=3))
    Brand.objects.update(clock_now=NOON + 40 * DAY)
    run_refresh(home=home, brand=get_brand(), clock=get_brand().clock)


def test_every_door_tells_the_same_and_the_target(launched: None) -> None:
    found = coverage_of("launch:1")
    # Meant: clicks, buys, silent, refusing, failing, twice, joined and late; reached all but three; late not in time.
    assert vars(found) == {"wanted": 8, "reached": 5, "in_time": 4, "activated": 1}
    for name, count in (("reach_coverage_rate", 5), ("reach_timeliness_rate", 4)):
        [row] = asked(name, by=("total", "source")).rows
        assert (row.dims, row.numerator, row.denominator) == ({"source": "launch:1"}, count, 8)
        assert row.complete
        assert row.covered
    rows = asked("activation_rate", by=("total", "source")).rows
    assert {row.series: (row.numerator, row.denominator) for row in rows} == {"clicked": (1, 5), "bought": (2, 5)}
    by_channel = asked("reach_coverage_rate", by=("total", "message_channel")).rows
    assert {r.dims["message_channel"]: (r.numerator, r.denominator) for r in by_channel}["text"] == (5, 7)

    run = CliRunner().invoke
    span = ["--from", f"{NOON:%Y-%m-%d}", "--to", f"{NOON + 2 * DAY:%Y-%m-%d}"]
    told = json.loads(
        run(build(), ["metrics", "show", "reach_coverage_rate", *span, "--by", "source", "--json"]).output
    )
    assert told["rows"][0]["value"] == 5 / 8
    assert told["target"] == {"at_least": 0.9}
    plain = run(build(), ["metrics", "show", "reach_timeliness_rate", *span], env={"HUITOU_LANGUAGE": "en"}).output
    assert "80" in plain

    user = User.objects.create_superuser("admin", password="x", role="admin", language="en")
    client = Client(headers={"accept-language": "en"})
    client.force_login(user)
    client.cookies["django_language"] = "en"
    page = client.get("/metrics/", {"metric": "activation_rate", "grain": "total", "dimension": "source"}).content
    assert "Target: at least 15.0%" in page.decode()
    assert "Clicked" in page.decode()


def test_nothing_that_happened_later_is_seen(launched: None) -> None:
    early = show_metric(
        "reach_coverage_rate", from_date=NOON.date(), to_date=NOON.date(), by=("day",), as_of=NOON + DAY
    )
    # Delivered after two days: not yet. Nobody has planned the second message of a day later.
    assert [(row.numerator, row.denominator, row.complete) for row in early.rows] == [(4, 8, False)]
