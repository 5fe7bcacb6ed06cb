"""The same metrics again, told in plain Python from what happened: dictionaries, datetimes and patience.

Nothing here comes from the product but the history itself. Calendars are found by walking from day to day.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from fractions import Fraction
from functools import cache
from itertools import pairwise
from statistics import median
from types import MappingProxyType
from typing import Any

from huitou.analytics.metrics.tests.history import History, Order

Numbers = tuple[float | int | None, int | None, int | None]
Cells = dict[str | None, Numbers]
DAY = timedelta(days=1)


def label(day: date, grain: str) -> str | None:
    """The name of the calendar period that holds `day`."""
    week = day.isocalendar()
    return {
        "day": day.isoformat(),
        "week": f"{week.year}-W{week.week:02d}",
        "month": day.strftime("%Y-%m"),
        "quarter": f"{day.year}-Q{math.ceil(day.month / 3)}",
        "year": f"{day.year}",
        "total": None,
    }[grain]


@cache
def walk(day: date, grain: str, direction: int) -> date:
    """The last day, going in `direction`, that has the same period as `day`."""
    while label(day + direction * DAY, grain) == label(day, grain):
        day += direction * DAY
    return day


def periods(grain: str, first: date, last: date) -> list[tuple[str | None, date, date, bool]]:
    """Name, first and last day inside the range, and whether the range cuts it."""
    if grain == "total":
        return [(None, first, last, False)]
    found = []
    day = first
    while day <= last:
        begin, end = walk(day, grain, -1), walk(day, grain, 1)
        found.append((label(day, grain), max(begin, first), min(end, last), begin < first or end > last))
        day = end + DAY
    return found


@dataclass
class Purchase:
    person: int | None
    at: datetime
    day: date


@dataclass
class Money:
    day: date
    amount: int
    person: int | None
    sale: datetime | None


@dataclass
class Told:
    """A message that was meant for a customer, as the terms of reaching read it."""

    person: int
    day: date
    reached_at: datetime | None
    in_time: bool
    clicked: bool


def told(person: int, day: date, row: Mapping[str, Any]) -> Told | None:
    """A row of fct_touches, the last of its touch; None where nobody was meant to get it."""
    if row["source"].startswith("test:") or row["state"] == "cancelled" or row["reason"] == "held_out":
        return None
    times = [row.get(name) for name in ("delivered_at", "read_at", "clicked_at", "sent_at")]
    at = next((time for time in times if time), None)
    planned = row["planned_at"]
    if row["state"] not in ("sent", "delivered", "read", "clicked") or at is None or at - planned > 7 * DAY:
        return Told(person, day, None, False, False)
    if row["state"] == "sent" and row["channel"] == "wecom" and row["step"] != "welcome":
        # A member has to confirm it first.
        return Told(person, day, None, False, False)
    click = row.get("clicked_at")
    return Told(
        person,
        day,
        at,
        at - planned <= DAY and at <= row["planned_until"],
        click is not None and click - at <= 7 * DAY,
    )


@dataclass
class View:
    """What is left of a history when only one combination of dimension values is looked at."""

    purchases: list[Purchase] = field(default_factory=list)
    money: list[Money] = field(default_factory=list)
    visits: list[tuple[int, date]] = field(default_factory=list)
    interactions: list[tuple[int, date]] = field(default_factory=list)
    messages: list[Told] = field(default_factory=list)
    # Whatever the view cuts away: messages are cut by their own channel, and purchases after them are not.
    every_purchase: list[Purchase] = field(default_factory=list)

    def by_person(self) -> dict[int, list[Purchase]]:
        found: dict[int, list[Purchase]] = defaultdict(list)
        for p in sorted(self.purchases, key=lambda p: p.at):
            if p.person is not None:
                found[p.person].append(p)
        return found

    def within(self, first: date, last: date) -> dict[int, list[Purchase]]:
        """Purchases of identified customers between two days."""
        inside = {n: [p for p in ps if first <= p.day <= last] for n, ps in self.by_person().items()}
        return {n: ps for n, ps in inside.items() if ps}

    def taken(self, first: date, last: date) -> list[Money]:
        return [m for m in self.money if first <= m.day <= last]


def views(history: History, dims: tuple[str, ...], occasion: str) -> dict[tuple[str, ...], View]:
    """The history cut into one view per combination of the values of `dims`."""
    cut: dict[tuple[str, ...], View] = defaultdict(View)
    if not dims:
        cut[()] = View()

    def places(
        person: int | None,
        channel: str | None,
        store: str | None,
        category: str,
        of_message: Mapping[str, str] = MappingProxyType({}),
    ) -> tuple[str, ...]:
        known = {"message_channel": "", "source": "", **of_message}
        known |= {"channel": channel or "unknown", "store": store or "unknown", "category": category}
        known["attribute.city"] = history.cities.get(person or 0, "unknown")
        return tuple(known[d] for d in dims)

    for order in history.orders:
        parts: dict[tuple[str, ...], int] = defaultdict(int)
        for category, amount in order.amounts.items():
            parts[places(order.person, order.channel, order.store, category)] += amount
        for place, amount in parts.items():
            _add_order(cut[place], history, order, amount)
        for back in () if order.dead else order.returns:
            place = places(order.person, order.channel, order.store, back.category)
            cut[place].money.append(Money(history.day(back.at), -back.amount, order.person, order.at))
    for person, back, channel in history.strays:
        place = places(person, channel, None, back.category)
        cut[place].money.append(Money(history.day(back.at), -back.amount, person, None))
    for person, at in history.visits:
        cut[places(person, None, None, "")].visits.append((person, history.day(at)))
    for person, at in history.interactions:
        cut[places(person, None, None, "")].interactions.append((person, history.day(at)))
    for message in history.messages:
        row = {"source": message.source, "state": message.state, "reason": message.reason, **message.happened}
        row |= {"channel": message.channel, "step": message.step}
        row |= {"planned_at": message.planned_at, "planned_until": message.planned_until}
        seen = told(message.person, history.day(message.planned_at), row)
        if seen is not None:
            of_message = {"message_channel": message.channel or "unknown", "source": message.source}
            cut[places(message.person, None, None, "", of_message)].messages.append(seen)
    everything = [Purchase(o.person, o.at, history.day(o.at)) for o in history.orders if o.counts]
    for view in cut.values():
        view.every_purchase = everything
        if occasion == "day":
            view.purchases = joined_by_day(view.purchases)
            view.every_purchase = joined_by_day(everything)
    return cut


def _add_order(view: View, history: History, order: Order, amount: int) -> None:
    if order.counts:
        view.purchases.append(Purchase(order.person, order.at, history.day(order.at)))
    if not order.dead:
        view.money.append(Money(history.day(order.at), amount, order.person, order.at))


def joined_by_day(purchases: list[Purchase]) -> list[Purchase]:
    kept = [p for p in purchases if p.person is None]
    days: dict[tuple[int, date], datetime] = {}
    for p in purchases:
        if p.person is not None:
            days[p.person, p.day] = min(p.at, days.get((p.person, p.day), p.at))
    return kept + [Purchase(person, at, day) for (person, day), at in days.items()]


@dataclass
class Question:
    """One period of one view, and the calendar around it."""

    view: View
    first: date
    last: date
    grain: str
    occasion: str
    zone_day: Callable[[datetime], date]
    today: date

    def following(self, count: int) -> tuple[date, date]:
        """The whole calendar period `count` later (or earlier)."""
        day = self.first
        for _ in range(abs(count)):
            direction = 1 if count > 0 else -1
            day = walk(day, self.grain, direction) + direction * DAY
        return walk(day, self.grain, -1), walk(day, self.grain, 1)


def share(top: int, bottom: int) -> Numbers:
    return (top / bottom if bottom else None, top, bottom)


def repurchase_rate(q: Question) -> Cells:
    inside = q.view.within(q.first, q.last)
    return {None: share(len([p for p in inside.values() if len(p) > 1]), len(inside))}


def repurchase_within(days: int) -> Callable[[Question], Cells]:
    def ask(q: Question) -> Cells:
        everything = q.view.by_person()
        inside = q.view.within(q.first, q.last)
        back = 0
        for person, purchases in inside.items():
            start = purchases[0].at
            back += any(start < p.at <= start + timedelta(days=days) for p in everything[person])
        return {None: share(back, len(inside))}

    return ask


def returning_buyer_share(q: Question) -> Cells:
    everything = q.view.by_person()
    inside = q.view.within(q.first, q.last)
    return {None: share(sum(everything[n][0].day < q.first for n in inside), len(inside))}


def rebuy_rate(q: Question) -> Cells:
    before = set(q.view.within(*q.following(-1)))
    return {None: share(len(before & set(q.view.within(q.first, q.last))), len(before))}


def second_order_curve(q: Question) -> Cells:
    new = [p for p in q.view.by_person().values() if q.first <= p[0].day <= q.last]
    steps = [0, 1, 3, 7, 14, 21, *range(30, 91, 15), *range(120, 331, 30), 365]
    return {
        str(d): share(sum(len(p) > 1 and p[1].at - p[0].at <= timedelta(days=d) for p in new), len(new)) for d in steps
    }


def repurchase_cycle_days(q: Question) -> Cells:
    gaps = []
    for purchases in q.view.by_person().values():
        for earlier, later in pairwise(purchases):
            if q.first <= later.day <= q.last:
                gaps.append((later.at - earlier.at).total_seconds() / 86400)
    return {None: (median(gaps) if gaps else None, None, len(gaps))}


def revenue(q: Question) -> Cells:
    total = sum(m.amount for m in q.view.taken(q.first, q.last))
    return {None: (total, total, None)}


def new_vs_returning_revenue(q: Question) -> Cells:
    sums = {"new": 0, "returning": 0, "anonymous": 0}
    everything = q.view.by_person()
    for m in q.view.taken(q.first, q.last):
        if m.person is None:
            sums["anonymous"] += m.amount
        elif m.sale is None:
            sums["returning"] += m.amount
        else:
            sale = m.sale
            if q.occasion == "day":
                had = any(p.day < q.zone_day(sale) for p in everything[m.person])
            else:
                had = any(p.at < sale for p in everything[m.person])
            sums["returning" if had else "new"] += m.amount
    return {name: (total, total, None) for name, total in sums.items()}


def orders(q: Question) -> Cells:
    count = len([p for p in q.view.purchases if q.first <= p.day <= q.last])
    return {None: (count, count, None)}


def buyers(q: Question) -> Cells:
    count = len(q.view.within(q.first, q.last))
    return {None: (count, count, None)}


def active_customers(q: Question) -> Cells:
    count = len({person for person, day in q.view.interactions if q.first <= day <= q.last})
    return {None: (count, count, None)}


def contact_gap_rate(q: Question) -> Cells:
    active = defaultdict(set)
    for person, day in q.view.interactions:
        active[person].add(day)
    inside = q.view.within(q.first, q.last)
    silent = 0
    for person, purchases in inside.items():
        start = min(p.day for p in purchases)
        silent += not any(start + n * DAY in active[person] for n in range(1, 31))
    return {None: share(silent, len(inside))}


def reach_share(holds: Callable[[Told], bool]) -> Callable[[Question], Cells]:
    def ask(q: Question) -> Cells:
        meant = [m for m in q.view.messages if q.first <= m.day <= q.last]
        return {None: share(len({m.person for m in meant if holds(m)}), len({m.person for m in meant}))}

    return ask


def activation_rate(q: Question) -> Cells:
    reached = [m for m in q.view.messages if q.first <= m.day <= q.last and m.reached_at is not None]
    people = {m.person for m in reached}
    clicked = {m.person for m in reached if m.clicked}
    bought = {
        m.person
        for m in reached
        for p in q.view.every_purchase
        if p.person == m.person and m.reached_at is not None and m.reached_at < p.at <= m.reached_at + 7 * DAY
    }
    return {"clicked": share(len(clicked), len(people)), "bought": share(len(bought), len(people))}


def aov(q: Question) -> Cells:
    total, count = revenue(q)[None][1] or 0, orders(q)[None][1] or 0
    if not count:
        return {None: (None, total, 0)}
    rounded = math.floor(Fraction(abs(total), count) + Fraction(1, 2))
    return {None: (rounded if total >= 0 else -rounded, total, count)}


def retention_cohort(q: Question) -> Cells:
    new = {n for n, p in q.view.by_person().items() if q.first <= p[0].day <= q.last}
    found: Cells = {"0": share(len(new), len(new))}
    for k in range(1, {"day": 31, "week": 26, "month": 24, "quarter": 12, "year": 10}[q.grain] + 1):
        begin, end = q.following(k)
        if begin > q.today:
            break
        found[str(k)] = share(len(new & set(q.view.within(begin, end))), len(new))
    return found


def equation_parts(q: Question, first: date, last: date) -> dict[str, int]:
    """The raw numbers of the revenue equation between two days."""
    inside = q.view.within(first, last)
    taken = q.view.taken(first, last)
    return {
        "buyers": len(inside),
        "orders": sum(len(p) for p in inside.values()),
        "repeat": len([p for p in inside.values() if len(p) > 1]),
        "known": sum(m.amount for m in taken if m.person is not None),
        "anonymous": sum(m.amount for m in taken if m.person is None),
        "traffic": len({n for n, day in q.view.visits if first <= day <= last}),
    }


ORACLES: dict[str, Callable[[Question], Cells]] = {
    "repurchase_rate": repurchase_rate,
    **{f"repurchase_rate_{n}d": repurchase_within(n) for n in (30, 60, 90, 180, 365)},
    "returning_buyer_share": returning_buyer_share,
    "rebuy_rate": rebuy_rate,
    "second_order_curve": second_order_curve,
    "repurchase_cycle_days": repurchase_cycle_days,
    "revenue": revenue,
    "new_vs_returning_revenue": new_vs_returning_revenue,
    "orders": orders,
    "buyers": buyers,
    "aov": aov,
    "active_customers": active_customers,
    "contact_gap_rate": contact_gap_rate,
    "reach_coverage_rate": reach_share(lambda message: message.reached_at is not None),
    "reach_timeliness_rate": reach_share(lambda message: message.in_time),
    "activation_rate": activation_rate,
    "retention_cohort": retention_cohort,
}
