"""When customers are active: the hours of their own orders and events as of the last refresh, else the brand's."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from huitou.analytics.engines import Engine
from huitou.analytics.interactions import DONE_KINDS, interactions_of
from huitou.orders.snapshot import NotRefreshedError, get_last_refresh, open_engine_of

# From fewer instants nobody's hours can be told.
LEAST_INSTANTS = 5
_DAYS = 180
# An hour counts as active if it, with its neighbors, has at least this share of what the best hour has.
_SHARE = 0.6
_brand_hours: dict[tuple[int, str], tuple[int, ...]] = {}


def active_hours_of(members: Mapping[int, Sequence[int]], zone: ZoneInfo) -> dict[int, tuple[int, ...]]:
    """By customer the hours of the brand's day in which it is usually active; the brand's own where it did too little.

    `members` gives all persons of each customer. Before the first refresh nothing is known and nobody waits.
    """
    try:
        run = get_last_refresh()
    except NotRefreshedError:
        return {}
    customer_by_person = {person: customer for customer, persons in members.items() for person in persons}
    instants: dict[int, list[datetime]] = {customer: [] for customer in members}
    with open_engine_of(run) as engine:
        for person, at in _instants(engine, sorted(customer_by_person), run.as_of - timedelta(days=_DAYS)):
            instants[customer_by_person[person]].append(at)
        place = (run.pk, zone.key)
        if place not in _brand_hours:
            _brand_hours.clear()
            _brand_hours[place] = _hours_of_brand(engine, run.as_of, zone)
    return {
        customer: hours_of(found, zone) if len(found) >= LEAST_INSTANTS else _brand_hours[place]
        for customer, found in instants.items()
    }


def hours_of(instants: Iterable[datetime], zone: ZoneInfo) -> tuple[int, ...]:
    """The hours of the day, 0 to 23, in which these instants (aware) crowd."""
    return busy_hours(Counter(at.astimezone(zone).hour for at in instants))


def busy_hours(counts: Mapping[int, int]) -> tuple[int, ...]:
    """The hours that, with half of each neighbor, come near the busiest; none where nothing was counted."""
    smooth = [
        counts.get(hour, 0) + (counts.get((hour - 1) % 24, 0) + counts.get((hour + 1) % 24, 0)) / 2
        for hour in range(24)
    ]
    return tuple(hour for hour in range(24) if max(smooth) and smooth[hour] >= _SHARE * max(smooth))


def _instants(engine: Engine, persons: Sequence[int], since: datetime) -> list[tuple[int, datetime]]:
    """When these persons ordered or did something of their own accord."""
    orders, events = engine.table("int_orders"), engine.table("fct_events")
    ordered = orders.filter(orders.person_id.isin(persons), orders.paid_at >= since)
    done = interactions_of(events).filter(
        events.person_id.isin(persons), events.occurred_at >= since, events.kind.isin(DONE_KINDS)
    )
    both = ordered.select("person_id", at=ordered.paid_at).union(done.select("person_id", at=done.occurred_at))
    rows = engine.to_pyarrow(both).to_pylist()
    return [(int(row["person_id"]), row["at"].astimezone(UTC)) for row in rows]


def _hours_of_brand(engine: Engine, as_of: datetime, zone: ZoneInfo) -> tuple[int, ...]:
    """The hours in which the brand's customers order, by the zone's offset of today."""
    orders = engine.table("int_orders")
    recent = orders.filter(orders.paid_at >= as_of - timedelta(days=_DAYS)).select(hour=orders.paid_at.hour())
    rows = engine.to_pyarrow(recent.group_by("hour").aggregate(n=recent.count())).to_pylist()
    offset = as_of.astimezone(zone).utcoffset() or timedelta()
    shift = int(offset.total_seconds() // 3600)
    return busy_hours({(int(row["hour"]) + shift) % 24: int(row["n"]) for row in rows})
