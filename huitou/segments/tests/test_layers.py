"""Ready layers can be read, leave nobody out where they divide customers, and are created once."""

from __future__ import annotations

from datetime import timedelta
from random import Random
from typing import Any

import pytest
from django.utils.translation import override

from huitou.analytics.conditions import parse_condition
from huitou.core.clock import FixedClock
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
