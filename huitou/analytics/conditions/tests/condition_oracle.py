"""Conditions once more with a pencil: from their JSON and the facts as they arrived, customer by customer.

Nothing of the language is used here: windows are told by subtracting, days by the wall clock, sequences by trying.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from typing import Any
from zoneinfo import ZoneInfo

Row = dict[str, Any]
DAY = timedelta(days=1)
_MISSING = object()


@dataclass
class World:
    """All facts of a brand: events and small tables as the lake has them, orders by the order oracle."""

    as_of: datetime
    zone: str
    links: dict[int, int]
    features: dict[int, Row]
    events: list[Row]
    orders: dict[tuple[str, str], Row]
    lines: list[Row]
    tables: dict[str, list[Row]] = field(default_factory=dict)

    def customer(self, person: int | None) -> int | None:
        return None if person is None else self.links.get(person, person)

    def members(self, condition: Row) -> set[int]:
        return {person for person in self.features if self.meets(person, condition)}

    def meets(self, person: int, condition: Row) -> bool:
        if "all" in condition:
            return not any(not self.meets(person, part) for part in condition["all"])
        if "any" in condition:
            return any(self.meets(person, part) for part in condition["any"])
        if "not" in condition:
            return not self.meets(person, condition["not"])
        kind = next(key for key in _ASKED if key in condition)
        return _ASKED[kind](self, person, condition)

    def own(self, table: str, person: int) -> Iterator[Row]:
        return (row for row in self.tables.get(table, []) if row["person_id"] == person)

    def day(self, at: datetime) -> date:
        return at.astimezone(ZoneInfo(self.zone)).date()

    def inside(self, at: datetime, window: Row) -> bool:
        if at >= self.as_of:
            return False
        age = self.as_of - at
        if "last_days" in window:
            return bool(age <= window["last_days"] * DAY)
        if "from_days_ago" in window:
            return bool(window["to_days_ago"] * DAY < age <= window["from_days_ago"] * DAY)
        day = self.day(at).isoformat()
        return bool(window.get("from_date", "0") <= day <= window.get("to_date", "9"))

    def before(self, at: datetime, window: Row) -> bool:
        """Whether an instant lies before the beginning of a window."""
        if "last_days" in window:
            return bool(self.as_of - at > window["last_days"] * DAY)
        if "from_days_ago" in window:
            return bool(self.as_of - at > window["from_days_ago"] * DAY)
        return "from_date" in window and self.day(at).isoformat() < window["from_date"]

    def past(self, person: int, asked: Row) -> list[Row]:
        """Events of a customer before now that are meant, in their order."""
        names = [asked["event"]] if isinstance(asked["event"], str) else asked["event"]
        found = [
            row
            for row in self.events
            if self.customer(row["person_id"]) == person
            and row["occurred_at"] < self.as_of
            and row["kind"] in (None, "track", "page", "screen")
            and row["name"] in names
            and all(_passes(self, row, one) for one in asked.get("where", []))
        ]
        found.sort(key=lambda row: (row["occurred_at"], row["event_id"]))
        return found


def _said(row: Row, asked: Row) -> Any:
    """A property or field of an event; _MISSING where there is none."""
    if "field" in asked:
        return _MISSING if row[asked["field"]] is None else row[asked["field"]]
    value = json.loads(row["properties"] or "{}").get(asked["property"], _MISSING)
    if value is None or isinstance(value, dict | list) or (isinstance(value, str) and value[:1] in ("{", "[")):
        return _MISSING
    return value


def _number(value: Any) -> Any:
    if isinstance(value, bool) or value is _MISSING:
        return _MISSING
    text = str(value)
    if not text or not set(text) <= set("0123456789.-") or text[0] == "." or text[-1] == ".":
        return _MISSING
    try:
        return Decimal(text).quantize(Decimal("1e-6"), ROUND_HALF_UP)
    except InvalidOperation:
        return _MISSING


def _text(value: Any) -> Any:
    if isinstance(value, bool):
        return "true" if value else "false"
    return _MISSING if value is _MISSING else str(value)


def _as_named(value: Any, named: Any, operator: str) -> Any:
    """A value as what it is compared with: flag, number or text."""
    if isinstance(named, bool):
        return {"true": True, "false": False}.get(_text(value) if value is not _MISSING else "", _MISSING)
    if isinstance(named, int | float) or operator == "between":
        return _number(value)
    return _text(value)


def _passes(world: World, row: Row, asked: Row) -> bool:
    value = _said(row, asked)
    if "field" not in asked and asked["is"] not in ("empty", "not_empty"):
        value = _as_named(value, asked["value"], asked["is"])
    return _compare(world, value, asked)


def _compare(world: World, value: Any, asked: Row) -> bool:
    operator: str = asked["is"]
    named: Any = asked.get("value")
    nothing = value is None or value is _MISSING
    if operator in ("empty", "not_empty"):
        return nothing is (operator == "empty")
    if nothing:
        return False
    if isinstance(value, datetime):
        return _compare_instant(world, value, operator, named)
    if isinstance(named, float):
        named = type(value)(str(named)) if isinstance(value, Decimal) else named
    if isinstance(named, list) and isinstance(value, Decimal):
        named = [Decimal(str(one)) for one in named]
    answers: dict[str, Callable[[], bool]] = {
        "=": lambda: value == named,
        "!=": lambda: value != named,
        "<": lambda: value < named,
        "<=": lambda: not value > named,
        ">": lambda: value > named,
        ">=": lambda: not value < named,
        "between": lambda: not (value < named[0] or value > named[1]),
        "in": lambda: any(value == one for one in named),
        "not_in": lambda: not any(value == one for one in named),
        "contains": lambda: value.find(named) >= 0,
        "starts_with": lambda: value[: len(named)] == named,
    }
    return bool(answers[operator]())


def _compare_instant(world: World, at: datetime, operator: str, named: Any) -> bool:
    age = world.as_of - at
    if operator in ("since", "before"):
        early = world.day(at).isoformat() < named if len(named) == 10 else at < datetime.fromisoformat(named)
        return bool(early is (operator == "before"))
    if operator == "in_last_days":
        return bool(timedelta(0) < age <= named * DAY)
    if operator == "not_in_last_days":
        return bool(age > named * DAY)
    if operator == "in_next_days":
        return bool(timedelta(0) <= -age < named * DAY)
    return bool(named[0] * DAY < age <= named[1] * DAY)


def _event(world: World, person: int, asked: Row) -> bool:
    past, window = world.past(person, asked), asked.get("window", {})
    inside = [row for row in past if world.inside(row["occurred_at"], window)]
    early = [row for row in past if world.before(row["occurred_at"], window)]
    if "first_time" in asked:
        return bool(inside) and not early
    if "regularly" in asked:
        long = {"day": 1, "week": 7, "month": 30}[asked["regularly"]["unit"]] * DAY
        spans = range(asked["regularly"]["of"])
        hit = [any(n * long < world.as_of - row["occurred_at"] <= (n + 1) * long for row in past) for n in spans]
        return bool(hit.count(True) >= asked["regularly"]["in"])
    if "stopped" in asked:
        return len(early) >= asked["stopped"].get("at_least", 1) and not inside
    if "restarted" in asked:
        gap = asked["restarted"]["gap_days"] * DAY
        return any(
            any(other["occurred_at"] <= row["occurred_at"] - gap for other in past)
            and not any(
                other is not row and row["occurred_at"] - gap < other["occurred_at"] <= row["occurred_at"]
                for other in past
            )
            for row in inside
        ) or _zero_gap(inside, past, gap)
    if "then" in asked:
        return any(_goes_on(world, person, row["occurred_at"], asked["then"], window) for row in inside)
    if "value" in asked:
        return _value(world, inside, asked["value"])
    done = asked.get("done", {"at_least": 1})
    count = len(inside)
    if "exactly" in done:
        return bool(count == done["exactly"])
    return bool(done.get("at_least", 0) <= count <= done.get("at_most", count))


def _zero_gap(inside: list[Row], past: list[Row], gap: timedelta) -> bool:
    """Of several at one instant after a gap, the first came back."""
    for row in inside:
        same = [other for other in past if other["occurred_at"] == row["occurred_at"]]
        others = [other for other in past if other["occurred_at"] < row["occurred_at"]]
        if len(same) > 1 and others and max(o["occurred_at"] for o in others) <= row["occurred_at"] - gap:
            return True
    return False


def _goes_on(world: World, person: int, since: datetime, steps: list[Row], window: Row) -> bool:
    if not steps:
        return True
    step = steps[0]
    limit = step["within_days"] * DAY if "within_days" in step else None
    limit = step["within_hours"] * timedelta(hours=1) if "within_hours" in step else limit
    for row in world.past(person, step):
        at = row["occurred_at"]
        in_time = at > since and (limit is None or at - since <= limit) and world.inside(at, window)
        if in_time and _goes_on(world, person, at, steps[1:], window):
            return True
    return False


def _value(world: World, rows: list[Row], asked: Row) -> bool:
    take = asked["take"]
    said = [_said(row, asked) for row in rows]
    if take in ("sum", "min", "max"):
        said = [_number(value) for value in said]
    elif take == "distinct":
        said = [_text(value) for value in said]
    elif "field" not in asked and asked["is"] not in ("empty", "not_empty"):
        said = [_as_named(value, asked["value"], asked["is"]) for value in said]
    values = [value for value in said if value is not _MISSING]
    if take == "sum":
        return _compare(world, sum(values, Decimal(0)), asked)
    if take == "distinct":
        return _compare(world, len(set(values)), asked)
    if not values:
        return _compare(world, None, asked)
    ordered = sorted(values) if take in ("min", "max") else values
    return _compare(world, ordered[0 if take in ("min", "first") else -1], asked)


def _orders(world: World, person: int, condition: Row) -> bool:
    asked = condition["orders"]
    where, take, of = asked.get("where", {}), asked.get("take", "count"), asked.get("of")
    by_line = take == "quantity" or of in ("sku", "category", "brand")
    by_line = by_line or bool(set(where) & {"category", "brand", "sku", "line_amount_minor", "list_price_minor"})
    rows = world.lines if by_line else [{**row, "key": key} for key, row in world.orders.items() if row["is_purchase"]]
    names = {"at": "paid_at", "line_amount_minor": "amount_minor"}
    if not by_line:
        names["order_amount_minor"] = "amount_minor"
    found = []
    for row in rows:
        meant = row["person_id"] == person and world.inside(row["paid_at"], asked.get("window", {}))
        for name, wanted in where.items():
            value = row[names.get(name, name)]
            if isinstance(wanted, dict):
                meant = meant and _compare(world, value, wanted)
            else:
                meant = meant and value in ([wanted] if isinstance(wanted, str) else wanted)
        if meant:
            found.append(row)
    if of:
        column = names.get(of, of)
        known = [row for row in found if row[column] is not None]
        known.sort(key=lambda row: (row["paid_at"], *row["key"], row.get("line_no", 0)))
        return _compare(world, known[0 if take == "first" else -1][column] if known else None, asked)
    orders, money = len({row["key"] for row in found}), sum(row["amount_minor"] for row in found)
    if take == "avg":
        return _compare(world, money / orders if orders else None, asked)
    values = {"count": orders, "sum": money, "quantity": sum((row.get("quantity", 0) for row in found), Decimal(0))}
    return _compare(world, values[take], asked)


def _date(world: World, person: int, asked: Row) -> bool:
    today = world.day(world.as_of)
    for row in world.own("dim_person_dates", person):
        if row["kind"] != asked["date"]:
            continue
        if asked["is"] == "this_month":
            if row["month"] == today.month:
                return True
            continue
        for year in (today.year, today.year + 1):
            try:
                kept = date(year, row["month"], row["day"])
            except ValueError:
                kept = date(year, 2, 28)
            ahead = (kept - today).days
            if ahead == asked["value"] if asked["is"] == "in_days" else 0 <= ahead < asked["value"]:
                return True
    return False


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _tag(world: World, person: int, asked: Row) -> bool:
    now = world.as_of
    return any(
        row["tag"] in _listed(asked["tag"])
        and not row["since"] > now
        and not (row["expires_at"] is not None and row["expires_at"] <= now)
        for row in world.own("dim_person_tags", person)
    )


def _segment(world: World, person: int, asked: Row) -> bool:
    ages = [
        world.as_of - row["entered_at"]
        for row in world.own("int_segment_members", person)
        if row["segment"] in _listed(asked["segment"])
    ]
    most = asked.get("entered_last_days")
    return any(age >= timedelta(0) and (most is None or age <= most * DAY) for age in ages)


def _bucket(world: World, person: int, asked: Row) -> bool:
    salt, low, high = (asked["bucket"][key] for key in ("salt", "from", "to"))
    digits = hashlib.md5(f"{salt}:{person}".encode()).hexdigest()[:8]
    share = Decimal(int(digits, 16))
    return Decimal(low) * 2**32 // 10_000 <= share < Decimal(high) * 2**32 // 10_000


def _consent(world: World, person: int, asked: Row) -> bool:
    wanted = asked["consent"]
    return any(
        row["channel"] == wanted["channel"]
        and row["purpose"] == wanted["purpose"]
        and row["granted"] is wanted.get("granted", True)
        and row["at"] <= world.as_of
        for row in world.own("dim_person_consents", person)
    )


_ASKED: dict[str, Callable[[World, int, Row], bool]] = {
    "feature": lambda world, person, asked: _compare(world, world.features[person][asked["feature"]], asked),
    "event": _event,
    "orders": _orders,
    "date": _date,
    "tag": _tag,
    "segment": _segment,
    "bucket": _bucket,
    "consent": _consent,
    "identifier": lambda world, person, asked: any(
        row["kind"] in _listed(asked["identifier"]) for row in world.own("dim_person_identifiers", person)
    ),
}
