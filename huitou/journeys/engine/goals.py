"""After each refresh: ends the ways of customers who reached the goal, or should leave, by what the lake knows now."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime

from django.db import connection, transaction

from huitou.core.clock import Clock
from huitou.journeys import sql
from huitou.journeys.definition import Ending
from huitou.journeys.engine.ending import end_early
from huitou.journeys.engine.judging import Matching
from huitou.journeys.engine.versions import definition_of
from huitou.journeys.models import Launch
from huitou.orders.queries import open_engine

_BLOCK = 20_000
Active = tuple[int, int, datetime]


def end_by_refresh(launch: Launch, *, clock: Clock, matching: Matching) -> int:
    """End the ways through a launch whose ending has come by the last refresh; returns how many."""
    at = clock.now()
    ended = last = 0
    while True:
        with connection.cursor() as cursor:
            cursor.execute(sql.ACTIVE_AFTER, [launch.pk, last, _BLOCK])
            rows = cursor.fetchall()
        if not rows:
            return ended
        last = rows[-1][0]
        by_version: dict[int, list[Active]] = defaultdict(list)
        for number, customer, version, entered_at in rows:
            by_version[version].append((number, customer, entered_at))
        for version, ways in by_version.items():
            definition = definition_of(version)
            for reason, ending in (("goal", definition.goal), ("exit", definition.exit_when)):
                met = _met(ending, ways, matching)
                if met:
                    with transaction.atomic():
                        ended += end_early(launch.pk, sorted(met), at=at, reason=reason, clock=clock)
                    ways = [way for way in ways if way[0] not in met]


def _met(ending: Ending, ways: Sequence[Active], matching: Matching) -> set[int]:
    met: set[int] = set()
    if ending.purchase and ways:
        bought = _last_orders({customer for _number, customer, _at in ways})
        met |= {number for number, customer, at in ways if customer in bought and bought[customer] > at}
    if ending.when and ways:
        holding = matching(ending.when, [customer for _number, customer, _at in ways])
        met |= {number for number, customer, _at in ways if customer in holding}
    return met


def _last_orders(customers: set[int]) -> dict[int, datetime]:
    """When each of them bought last, as of the last refresh."""
    with open_engine() as engine:
        table = engine.table("feat_customers")
        found = engine.to_pyarrow(
            table.filter(table.person_id.isin(sorted(customers)), table.last_order_at.notnull()).select(
                "person_id", "last_order_at"
            )
        )
    return dict(zip(found["person_id"].to_pylist(), found["last_order_at"].to_pylist(), strict=True))
