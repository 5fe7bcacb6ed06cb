"""Ready layers can be read, leave nobody out where they divide customers, and are created once."""

from __future__ import annotations

from datetime import datetime, timedelta
from random import Random
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from django.utils.translation import override

from huitou.analytics.conditions import parse_condition
from huitou.analytics.tables import TABLES
from huitou.analytics.tests.happenings import event
from huitou.core.clock import FixedClock
from huitou.core.home import Home
from huitou.core.lake import claim_batch, commit_batch, reserve_batch_id
from huitou.orders.queries import open_engine
from huitou.orders.tests.conftest import Feed
from huitou.segments.layering import ready_layers, shown
from huitou.segments.models import Segment
from huitou.segments.queries import count_members, customer_ids_of
from huitou.segments.refresh_steps import create_layers_first
from huitou.segments.services import archive_segment, change_segment, install_layers
from huitou.segments.tests.conftest import NOW, Refresh, buy, order, people

BUYERS = {"feature": "order_count", "is": ">=", "value": 1}
# Families of which every customer of the condition is in exactly one.
DIVIDE: dict[str, dict[str, Any]] = {
    "rfm": BUYERS,
    "activity": {"all": []},
    "value": BUYERS,
    "repurchase": BUYERS,
    "lifecycle": {"all": []},
    "class": BUYERS,
}


@pytest.mark.parametrize("name", list(ready_layers()))
def test_every_layer_can_be_read(name: str) -> None:
    layer = ready_layers()[name]
    parse_condition(layer.where)
    assert all(title and len(title) <= 120 and len(text) <= 500 for title, text in layer.texts.values())


@pytest.mark.django_db(transaction=True)
def test_families_divide_customers(feed: Feed, refreshed: Refresh) -> None:
    random = Random(5)
    rows = [
        order(person, NOW - timedelta(days=random.uniform(0, 300)), amount=random.randrange(500, 90_000))
        for person in people(60)[:50]
        for _ in range(random.choice((1, 1, 2, 3, 5, 9)))
    ]
    buy(feed, rows)
    install_layers(clock=FixedClock(NOW))
    refreshed()
    for family, everybody in DIVIDE.items():
        names = [name for name in ready_layers() if name.split("_")[0] == family]
        members = [customer for name in names for customer in customer_ids_of(name)]
        assert len(members) == len(set(members)), f"{family} overlaps"
        assert len(members) == count_members(everybody), f"{family} leaves somebody out"
    with open_engine() as engine:
        rows = engine.to_pyarrow(engine.table("feat_customers")).to_pylist()
    assert customer_ids_of("vip") == sorted(r["person_id"] for r in rows if r["vip_layer"])
    assert customer_ids_of("dormant_60") == sorted(r["person_id"] for r in rows if r["dormant_layer"] == "long_dormant")


@pytest.mark.django_db(transaction=True)
def test_layers_hold_whom_their_texts_name(feed: Feed, home: Home, refreshed: Refresh) -> None:
    """Ten buyers, the n-th with n purchases and the last the sooner the larger n; what they did is told below."""
    buyers, (viewer, sharer, late) = people(10), people(3)
    buy(
        feed,
        [
            order(person, days_ago(3 * (10 - n) + 0.5 + place), number=f"O{n}-{place}")
            for n, person in enumerate(buyers, start=1)
            for place in range(n)
        ],
    )
    by_number = dict(enumerate(buyers, start=1))
    did = [(viewer, "Live Room Entered", 6.9), (sharer, "Cart Shared", 89.9), (late, "Content Shared", 90.1)]
    did += [(by_number[10], "Live Room Entered", 10 + n) for n in range(5)]
    did += [(by_number[5], "Live Room Entered", 10 + n) for n in range(3)]
    did += [(by_number[6], "Live Room Entered", 10), (by_number[1], "Live Room Entered", 40)]
    did += [(by_number[2], "Live Room Entered", 91 + n) for n in range(3)]
    did += [(by_number[3], "Product Viewed", 30 + n) for n in range(6)]
    tell(home, did)
    install_layers(clock=FixedClock(NOW))
    refreshed()

    def numbers(name: str) -> list[int]:
        return sorted(n for n, person in by_number.items() if person in customer_ids_of(name))

    assert numbers("value_high") == numbers("rfm_champions") == [7, 8, 9, 10]
    assert numbers("rfmi_core") == [10]
    assert numbers("rfmi_silent_buyers") == [7, 8, 9]
    assert numbers("rfmi_engaged_not_buying") == [3]
    assert numbers("live_high_value") == [10]
    assert numbers("live_regular") == [5]
    assert customer_ids_of("live_new") == sorted([by_number[1], viewer])
    assert customer_ids_of("social_sharers") == [sharer]


@pytest.mark.django_db(transaction=True)
def test_activity_grades_go_by_whole_days(feed: Feed, home: Home, refreshed: Refresh) -> None:
    """Grade S is anything within 7 days: a purchase or an interaction, whichever was later."""
    days = (0.1, 6.99, 7, 29.99, 30, 59.99, 60, 400)
    bought, acted, nothing = people(len(days)), people(len(days)), people(1)
    buy(feed, [order(person, days_ago(day)) for person, day in zip(bought, days, strict=True)])
    tell(home, [(person, "Page Viewed", day) for person, day in zip(acted, days, strict=True)])
    tell(home, [(bought[-1], "Page Viewed", 3)])
    install_layers(clock=FixedClock(NOW))
    refreshed()
    for grade, places in (("s", (0, 1)), ("a", (2, 3)), ("b", (4, 5)), ("c", (6, 7))):
        wanted = [acted[place] for place in places] + [bought[place] for place in places if place < 7]
        wanted += {"s": [bought[7]], "c": nothing}.get(grade, [])
        assert customer_ids_of(f"activity_{grade}") == sorted(wanted), grade


def days_ago(days: float) -> datetime:
    return NOW - timedelta(days=days)


def tell(home: Home, did: list[tuple[int, str, float]]) -> None:
    """Let events arrive as one batch: who did what, so many days ago."""
    batch = reserve_batch_id()
    rows = [
        event(f"{batch}-{n}", person, name, "track", days_ago(day), batch) for n, (person, name, day) in enumerate(did)
    ]
    staged = home.staging / f"events-{batch}"
    for month in {row["month"] for row in rows}:
        folder = staged / f"month={month}"
        folder.mkdir(parents=True)
        table = pa.Table.from_pylist([row for row in rows if row["month"] == month], TABLES["fct_events"].schema)
        pq.write_table(table.drop_columns(["month"]), folder / "rows.parquet")
    clock = FixedClock(NOW)
    claim_batch(
        batch_id=batch,
        key=f"events:{batch}",
        table="fct_events",
        staged_path=staged.name,
        row_count=len(rows),
        clock=clock,
    )
    commit_batch(batch, home=home, clock=clock)


@pytest.mark.django_db
def test_created_once_and_then_the_operators_own(refreshed: Refresh) -> None:
    clock = FixedClock(NOW)
    with override("en"):
        assert len(install_layers(clock=clock)) == len(ready_layers())
        assert install_layers(clock=clock) == []
    change_segment(
        name="vip", title="Our best", definition={"feature": "orders_30d", "is": ">=", "value": 2}, clock=clock
    )
    archive_segment(name="dormant_30", clock=clock)
    create_layers_first(0)
    assert Segment.objects.get(name="dormant_30").archived_at is not None
    with override("zh-hans"):
        assert shown(Segment.objects.get(name="vip"))[0] == "Our best"
        assert shown(Segment.objects.get(name="rfm_loyal"))[0] == "RFM 忠诚客户"
