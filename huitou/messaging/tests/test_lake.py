"""Touches in the lake: every version once, however often it is written, and the highest is how a touch stands."""

from __future__ import annotations

from datetime import timedelta

import pytest

from huitou.core.clock import FixedClock
from huitou.core.engine import open_home_engine
from huitou.core.home import Home
from huitou.core.models import LakeBatch
from huitou.experiments.models import Exposure
from huitou.experiments.services import assign, open_experiment
from huitou.messaging.channel import Receipt
from huitou.messaging.coverage import coverage_of
from huitou.messaging.lake import write_touches
from huitou.messaging.models import ChannelAccount, Touch
from huitou.messaging.outbox import send_due
from huitou.messaging.personal_data import erase
from huitou.messaging.receiving import take_receipts
from huitou.messaging.services import request_touches
from huitou.messaging.tests.stage import NOON, Recorder, ask, make_customer

pytestmark = pytest.mark.django_db(transaction=True)
CLOCK = FixedClock(NOON)


def test_every_version_is_written_once(accounts: dict[str, ChannelAccount], recorder: Recorder, home: Home) -> None:
    [touch_id] = request_touches([ask("a", make_customer())], clock=CLOCK)
    assert write_touches(home=home, clock=CLOCK) == 1
    assert write_touches(home=home, clock=CLOCK) == 0
    send_due(clock=CLOCK)
    take_receipts([Receipt("", "read", NOON, touch_id=touch_id)], account=None, origin="callback", clock=CLOCK)
    assert write_touches(home=home, clock=CLOCK) == 1
    with open_home_engine(home) as engine:
        rows = engine.to_pyarrow(engine.table("fct_touches")).to_pylist()
    assert sorted(row["state"] for row in rows) == ["planned", "read"]
    latest = max(rows, key=lambda row: row["version"])
    assert (latest["state"], latest["channel"], latest["touch_id"]) == ("read", "text", touch_id)
    assert LakeBatch.objects.filter(table="fct_touches").count() == 2
    touch = Touch.objects.get()
    assert touch.lake_written == touch.lake_version


def test_the_lake_hears_that_nobody_waits_for_who_was_erased(
    accounts: dict[str, ChannelAccount], recorder: Recorder, home: Home
) -> None:
    customer = make_customer()
    request_touches([ask("a", customer)], clock=CLOCK)
    assert write_touches(home=home, clock=CLOCK) == 1
    assert erase([customer], [])["touches_cancelled"] == 1
    assert write_touches(home=home, clock=CLOCK) == 1
    with open_home_engine(home) as engine:
        rows = engine.to_pyarrow(engine.table("fct_touches")).to_pylist()
    latest = max(rows, key=lambda row: row["version"])
    assert (latest["state"], latest["reason"]) == ("cancelled", "erased")


def test_coverage_counts_customers_once_and_says_who_was_reached_in_time(
    accounts: dict[str, ChannelAccount], recorder: Recorder
) -> None:
    reached, silent = make_customer(), make_customer(channels=())
    request_touches([ask("a", reached), ask("b", silent)], clock=CLOCK)
    send_due(clock=CLOCK)
    touch = Touch.objects.get(key="a")
    take_receipts([Receipt("", "clicked", NOON, touch_id=touch.pk)], account=None, origin="link", clock=CLOCK)
    found = coverage_of("launch:1")
    assert (found.wanted, found.reached, found.in_time, found.activated) == (2, 1, 1, 1)
    assert (found.coverage, found.activation) == (0.5, 1.0)


def test_who_was_reached_under_a_launch_is_told_to_its_experiment(
    accounts: dict[str, ChannelAccount], recorder: Recorder, home: Home
) -> None:
    customer = make_customer()
    experiment = open_experiment(
        key="launch:1",
        arms={"control": 0, "treatment": 10_000},
        window_days=7,
        starts_at=NOON,
        ends_at=NOON + timedelta(days=30),
        clock=CLOCK,
    )
    assign(experiment, [customer], CLOCK)
    [touch_id] = request_touches([ask("a", customer, source="launch:1")], clock=CLOCK)
    write_touches(home=home, clock=CLOCK)
    assert not Exposure.objects.exists()
    send_due(clock=CLOCK)
    take_receipts([Receipt("", "delivered", NOON, touch_id=touch_id)], account=None, origin="callback", clock=CLOCK)
    write_touches(home=home, clock=CLOCK)
    write_touches(home=home, clock=CLOCK)
    exposure = Exposure.objects.get()
    assert (exposure.person_id, exposure.arm, exposure.touch_id) == (customer, "treatment", touch_id)
