"""What the example puts beside its orders: category names, and events of campaigns and coupons."""

from __future__ import annotations

import json
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from django.db import transaction

from huitou.analytics.tables import FCT_EVENTS
from huitou.catalog.models import Category
from huitou.core.clock import Clock
from huitou.core.home import Home
from huitou.core.lake import claim_batch, commit_batch, reserve_batch_id, sync_staged
from huitou.core.models import LakeBatch
from huitou.customers.models import Identifier
from huitou.sources.connectors.complete_journey.panel import FIRST, SOURCE, Panel, Slice, brand_categories
from huitou.sources.consuming.objects import object_of
from huitou.sources.consuming.rows import as_table


def name_categories(panel: Panel) -> None:
    """Give every category of the panel its names; those without a Chinese one get the English one twice."""
    known = {category.code: (category.zh, category.en) for category in brand_categories()}
    rows = []
    for code in panel.categories():
        plain = code.capitalize()
        zh, en = known.get(code, (plain, plain))
        rows.append(Category(code=code, name_zh=zh, name_en=en))
    with transaction.atomic():
        Category.objects.bulk_create(
            rows, update_conflicts=True, unique_fields=["code"], update_fields=["name_zh", "name_en"]
        )


def add_events(panel: Panel, cut: Slice, *, home: Home, clock: Clock) -> int:
    """Bring the slice's events into the lake, once; returns how many the slice has."""
    key = f"{cut.key}:events"
    batch = LakeBatch.objects.filter(key=key).first()
    if batch is None:
        events = panel.events(cut)
        if not events:
            return 0
        batch = _claim(events, key=key, home=home, clock=clock)
    commit_batch(batch.pk, home=home, clock=clock)
    return batch.row_count


def _claim(events: list[dict[str, Any]], *, key: str, home: Home, clock: Clock) -> LakeBatch:
    batch_id = reserve_batch_id()
    people = dict(Identifier.objects.filter(kind="customer_id", namespace="").values_list("value", "person_id"))
    rows = [_row(event, people) for event in events]
    table = as_table(FCT_EVENTS.name, rows)
    table = table.append_column("batch_id", pa.array([batch_id] * len(rows), pa.int64()))
    table = table.append_column("month", pa.compute.strftime(table["occurred_at"], format="%Y-%m"))
    staged = f"events-{batch_id}"
    folder = home.staging / staged
    folder.mkdir(parents=True, exist_ok=True)
    pq.write_table(table, folder / "events.parquet")
    sync_staged(folder)
    return claim_batch(
        batch_id=batch_id,
        key=key,
        table=FCT_EVENTS.name,
        staged_path=staged,
        row_count=len(events),
        clock=clock,
    )


def _row(event: dict[str, Any], people: dict[str, int]) -> dict[str, Any]:
    instant = event["occurred_at"].replace(tzinfo=FIRST.tzinfo)
    object_type, object_id = object_of("track", event["name"], json.loads(event["properties"]))
    return {
        "event_id": event["event_id"],
        "name": event["name"],
        "kind": "track",
        "person_id": people[event["household"]],
        "occurred_at": instant,
        "received_at": instant,
        "source": SOURCE,
        "channel": SOURCE,
        "object_type": object_type,
        "object_id": object_id,
        "properties": event["properties"],
    }
