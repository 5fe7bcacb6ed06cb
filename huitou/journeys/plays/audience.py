"""Who a draft would let in: at this moment, and week by week over the past month's history."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from huitou.core.clock import local_day
from huitou.journeys.definition import PURCHASE_EVENT, Definition
from huitou.journeys.filters import passes
from huitou.journeys.occasions import customers_with_anniversary
from huitou.journeys.plays.history import History
from huitou.journeys.triggers.date import days_between
from huitou.segments.evaluating import asking

MONTH_DAYS = 28
# Larger brands are looked at once a week of the past month: each look computes every customer's features anew.
DAILY_BELOW = 100_000


@dataclass(frozen=True)
class Past:
    """Who was let in over the past month: customers a week, and how often history was looked at."""

    per_week: float
    looks: int


def entering_now(definition: Definition, now: datetime, zone: ZoneInfo, history: History) -> frozenset[int] | None:
    """Who would come in at once: the audience of a schedule, whose day it is for dates; None where events decide."""
    kind = definition.trigger["kind"]
    if kind == "schedule":
        return history.members_at(definition.audience, now)
    if kind == "date":
        today = local_day(now, zone) + timedelta(days=definition.trigger.get("days_before") or 0)
        found = frozenset(customers_with_anniversary(definition.trigger["date"], today))
        return found & history.members_at(definition.audience, now) if definition.audience else found
    if kind == "segment":
        return frozenset()
    return None


def entered_before(definition: Definition, now: datetime, zone: ZoneInfo, history: History) -> Past | None:
    """How many a week would have come in over the past month; None for what happens once."""
    kind = definition.trigger["kind"]
    since = now - timedelta(days=MONTH_DAYS)
    if kind == "date":
        days = days_between(since, now, definition.trigger.get("at") or "10:00", zone)
        before = timedelta(days=definition.trigger.get("days_before") or 0)
        count = sum(len(customers_with_anniversary(definition.trigger["date"], day + before)) for day, _at in days)
        return Past(count / (MONTH_DAYS / 7), MONTH_DAYS)
    if kind == "event":
        return Past(
            len({person for person, _at in happened(definition.trigger, since, now, history)}) / (MONTH_DAYS / 7), 1
        )
    if kind == "schedule" and definition.trigger["repeat"] == "once":
        return None
    if kind == "segment":
        return _segment_changes(definition.trigger, since, now)
    return _schedule(definition, now, history)


def _schedule(definition: Definition, now: datetime, history: History) -> Past:
    """Members of the audience day by day (large brands: week by week) who were not in it the look before."""
    step = 1 if history.customer_count() < DAILY_BELOW else 7
    looks = [now - timedelta(days=back) for back in range(MONTH_DAYS, -1, -step)]
    before: frozenset[int] | None = None
    entered = 0
    for at in looks:
        members = history.members_at(definition.audience, at)
        if before is not None:
            entered += len(members - before)
        before = members
    return Past(entered / (MONTH_DAYS / 7), len(looks))


def happened(
    trigger: Mapping[str, Any], since: datetime, until: datetime, history: History
) -> Iterator[tuple[int, datetime]]:
    """Customer and instant of every such event in the lake, in [since, until). Purchases are those of all orders,
    also of orders that came in files."""
    if trigger["event"] == PURCHASE_EVENT and not trigger.get("where"):
        yield from history.purchases(since, until)
        return
    for row in history.events(trigger["event"], since, until):
        if passes(trigger.get("where"), json.loads(row["properties"] or "{}")):
            yield row["person_id"], row["occurred_at"]


def _segment_changes(trigger: Mapping[str, Any], since: datetime, now: datetime) -> Past:
    with asking() as ask:
        rows = ask.engine.table("fct_segment_changes")
        found = rows.filter(
            rows.segment == trigger["segment"],
            rows.change == (trigger.get("change") or "entered"),
            rows["at"] >= since,
            rows["at"] < now,
        )
        count = ask.engine.to_pyarrow(found.aggregate(n=found.person_id.nunique()))["n"][0].as_py()
    return Past(count / (MONTH_DAYS / 7), 1)


def base_rate(definition: Definition, now: datetime, history: History) -> tuple[float, int] | None:
    """Which share of those who were in the audience one outcome window ago has bought since, and how many they were;
    None where nothing is known of that time. It is what the control of a launch may be expected to do."""
    then = now - timedelta(days=definition.window_days)
    members = history.members_at(definition.audience, then)
    if not members:
        return None
    bought = {person for person, _at in history.purchases(then, now)}
    return len(members & bought) / len(members), len(members)
