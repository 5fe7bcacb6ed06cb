"""Made-up brands: customers of one or two persons with events, orders and small tables around every border."""

from __future__ import annotations

import json
from collections import defaultdict
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

import pyarrow as pa

from huitou.analytics.conditions import History
from huitou.analytics.conditions.tests.condition_oracle import World
from huitou.analytics.engines import Engine
from huitou.analytics.rebuild import rebuild
from huitou.analytics.rules import Exclusions, Thresholds
from huitou.analytics.tables import TABLES
from huitou.analytics.tests.happenings import event
from huitou.analytics.tests.histories import order_lines
from huitou.analytics.tests.order_oracle import answer

Row = dict[str, Any]
AS_OF = datetime(2024, 7, 1, 16, 30, 0, 5, tzinfo=UTC)
MICRO, DAY = timedelta(microseconds=1), timedelta(days=1)
NAMES = ("Page Viewed", "Product Viewed", "Product Added", "Order Completed")
# Sizes of windows, gaps and limits that the conditions of the tests are made of.
SPANS_DAYS = (1, 7, 30, 60, 90)
BORDER_DATES = ("2024-02-29", "2024-03-31", "2024-06-01", "2024-07-01")
PRODUCTS = {"x": ("k1", "b1", 100), "y": (None, None, None), "z": ("k3", "b2", 1000)}
_KINDS = (None, "track", "track", "track", "page", "screen", "identify", "group")
_PRICES = (0, 1, 1.5, 2, -3, 19.9, "2", "2.50", "abc", "1e3", True, None, {"a": 1}, [1], "[x", "", 0.30000000000000004)


def make_world(seed: int, zone: str, *, customers: int = 40) -> tuple[World, dict[str, list[Row]]]:
    """A brand and its raw lake tables."""
    random = Random(seed)
    lines = [line for case in range(1, customers + 1) for line in order_lines(random, case=case, step_hours=241)]
    people = [case * 10 + n for case in range(1, customers + 1) for n in (1, 2)]
    links = {case * 10 + 2: case * 10 + 1 for case in range(1, customers + 1) if random.random() < 0.4}
    events = _events(random, people, zone)
    canonical = sorted({links.get(person, person) for person in people})
    tables = {
        "fct_order_lines": lines,
        "fct_events": events,
        "dim_products": [
            {"sku": sku, "category": category, "brand": brand, "list_price_minor": price}
            for sku, (category, brand, price) in PRODUCTS.items()
        ],
        "dim_persons": [{"person_id": p, "known_since": AS_OF - DAY if p % 3 else None} for p in people],
        "dim_person_links": [{"person_id": p, "customer_id": c} for p, c in links.items()],
        **_small_tables(random, canonical),
    }
    oracle = answer(
        [line | {"person_id": links.get(line["person_id"], line["person_id"])} for line in lines],
        {sku: category for sku, (category, _, _) in PRODUCTS.items() if category},
        as_of=AS_OF,
        zone=zone,
        exclusions=Exclusions(),
    )
    bought = _bought(lines, oracle.orders, oracle.refunds)
    return World(AS_OF, zone, links, {}, events, oracle.orders, bought, tables), tables


def _moments(zone: str) -> list[datetime]:
    tz = ZoneInfo(zone)
    days = [date.fromisoformat(text) for text in BORDER_DATES]
    midnights = [datetime(d.year, d.month, d.day, tzinfo=tz).astimezone(UTC) for d in days]
    after = [midnight + DAY for midnight in midnights]
    return [AS_OF, *(AS_OF - n * DAY for n in SPANS_DAYS), *(AS_OF - n * 7 * DAY for n in (2, 3)), *midnights, *after]


def _events(random: Random, people: list[int], zone: str) -> list[Row]:
    """Ties, borders and their neighbors by a microsecond, close pairs; out of order, with batches at random."""
    around = _moments(zone)
    nudges = (-MICRO, timedelta(0), timedelta(0), MICRO, timedelta(hours=1), timedelta(hours=-24), timedelta(hours=25))
    rows = []
    for person in [*people, None]:
        for n in range(random.choice([0, 2, 6, 12])):
            at = random.choice(around) + random.choice(nudges)
            row = event(f"{random.random():.12f}-{person}-{n}", person, random.choice(NAMES), random.choice(_KINDS), at)
            said = {
                "price": random.choice(_PRICES),
                "category": random.choice(["a", "b", "ab", None]),
                "中 文.x": n % 2 == 0,
            }
            row["properties"] = random.choice([None, json.dumps(said, ensure_ascii=random.random() < 0.5)])
            row["channel"] = random.choice([None, "app", "store"])
            row["object_id"] = random.choice([None, "p1", "p2"])
            row["batch_id"] = random.randint(1, 9)
            rows.append(row)
    random.shuffle(rows)
    return rows


def _small_tables(random: Random, canonical: list[int]) -> dict[str, list[Row]]:
    times = [AS_OF + shift for shift in (-90 * DAY, -7 * DAY, -MICRO, timedelta(0), MICRO)]
    tables: dict[str, list[Row]] = defaultdict(list)
    for person in canonical:
        for tag in random.sample(["vip", "new", "old"], random.randint(0, 2)):
            expires = random.choice([None, *times])
            row = {"person_id": person, "tag": tag, "since": random.choice(times), "expires_at": expires}
            tables["dim_person_tags"].append(row)
        for channel in random.sample(["sms", "email"], random.randint(0, 2)):
            row = {"person_id": person, "channel": channel, "purpose": "marketing"}
            row |= {"granted": random.random() < 0.5, "at": random.choice(times)}
            tables["dim_person_consents"].append(row)
        for kind in random.sample(["phone", "email"], random.randint(0, 2)):
            tables["dim_person_identifiers"].append({"person_id": person, "kind": kind})
        if random.random() < 0.8:
            month, day = random.choice([(7, 1), (7, 2), (7, 8), (7, 31), (6, 30), (2, 29), (12, 31), (1, 1)])
            tables["dim_person_dates"].append({"person_id": person, "kind": "birthday", "month": month, "day": day})
        for segment in random.sample(["one", "two"], random.randint(0, 1)):
            row = {"segment": segment, "person_id": person, "entered_at": random.choice(times)}
            tables["int_segment_members"].append(row)
    return tables


def _bought(lines: list[Row], orders: dict[tuple[str, str], Row], refunds: list[Row]) -> list[Row]:
    """Lines of purchases that something is left of, with what their order and product say."""
    newest: dict[tuple[str, str], int] = {}
    for line in lines:
        key = line["source"], line["order_id"]
        newest[key] = max(newest.get(key, 0), line["batch_id"])
    found = []
    for line in lines:
        key = line["source"], line["order_id"]
        order = orders.get(key)
        if line["kind"] != "sale" or line["batch_id"] != newest[key] or order is None or not order["is_purchase"]:
            continue
        back = [
            r for r in refunds if (r["sale_source"], r["sale_order_id"], r["sale_line_no"]) == (*key, line["line_no"])
        ]
        goods = line["quantity"] > 0 and sum(r["quantity"] for r in back) >= line["quantity"]
        money = any(r["quantity"] == 0 for r in back) and sum(r["amount_minor"] for r in back) >= line["amount_minor"]
        if line["amount_minor"] <= 0 or goods or money or order["person_id"] is None:
            continue
        category, brand, price = PRODUCTS[line["sku"]]
        found.append(
            {
                "key": key,
                "line_no": line["line_no"],
                "person_id": order["person_id"],
                "paid_at": order["paid_at"],
                "channel": order["channel"],
                "store": order["store"],
                "sku": line["sku"],
                "category": line["category"] or category or "unknown",
                "brand": brand,
                "list_price_minor": price,
                "quantity": Decimal(line["quantity"]),
                "amount_minor": line["amount_minor"],
                "order_amount_minor": order["amount_minor"],
            }
        )
    return found


def load_world(engine: Engine, world: World, tables: dict[str, list[Row]]) -> None:
    """Write the raw tables into the engine's lake and refresh it; the world learns the features."""
    for name, rows in tables.items():
        engine.lake.overwrite(name, pa.Table.from_pylist(rows, schema=TABLES[name].schema).to_reader())
    rebuild(
        engine,
        as_of=world.as_of,
        zone=world.zone,
        exclusions=Exclusions(),
        thresholds=Thresholds(),
        report=lambda *_: None,
    )
    rows = engine.to_pyarrow(engine.table("feat_customers")).to_pylist()
    world.features.update({row["person_id"]: row for row in rows})


def histories_of(world: World) -> dict[int, History]:
    """Every customer as the plain-Python compiler sees it."""
    found: dict[int, dict[str, Any]] = defaultdict(lambda: defaultdict(list))
    for row in world.events:
        found[world.customer(row["person_id"]) or 0]["events"].append(row)
    for (source, order_id), row in world.orders.items():
        found[row["person_id"] or 0]["orders"].append(row | {"source": source, "order_id": order_id})
    for row in world.lines:
        source, order_id = row["key"]
        found[row["person_id"]]["lines"].append(row | {"source": source, "order_id": order_id})
    for name, table in (
        ("tags", "dim_person_tags"),
        ("consents", "dim_person_consents"),
        ("identifiers", "dim_person_identifiers"),
        ("dates", "dim_person_dates"),
        ("segments", "int_segment_members"),
    ):
        for row in world.tables.get(table, []):
            found[row["person_id"]][name].append(row)
    return {p: History(p, features=world.features[p], **found[p]) for p in world.features}
