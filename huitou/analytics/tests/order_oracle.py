"""The order definitions once more, as a person would do it with a pencil: plain Python, line by line."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import ROUND_HALF_UP, Decimal
from typing import Any
from zoneinfo import ZoneInfo

from huitou.analytics.rules import Exclusions

Row = dict[str, Any]
Key = tuple[str, str]


@dataclass
class Answer:
    orders: dict[Key, Row] = field(default_factory=dict)
    categories: dict[tuple[str, str, str], Row] = field(default_factory=dict)
    refunds: list[Row] = field(default_factory=list)
    buyers: set[int] = field(default_factory=set)


def answer(
    lines: list[Row], categories: dict[str, str], *, as_of: datetime | None, zone: str, exclusions: Exclusions
) -> Answer:
    """Orders, categories and refund parts of the given fct_order_lines rows; `categories` by sku."""
    newest: dict[Key, int] = defaultdict(int)
    for line in lines:
        newest[_key(line)] = max(newest[_key(line)], line["batch_id"])
    kept = [x for x in lines if x["batch_id"] == newest[_key(x)] and (as_of is None or x["occurred_at"] < as_of)]
    result = Answer(buyers={x["person_id"] for x in kept if x["person_id"] is not None})
    counted = [x for x in kept if x["status"] not in ("unpaid", "cancelled")]
    sales = [x for x in counted if x["kind"] == "sale"]
    parts = _parts([x for x in counted if x["kind"] == "refund"], sales)
    by_named: dict[Key | None, list[_Part]] = defaultdict(list)
    for part in parts:
        by_named[part.order].append(part)
    tz = ZoneInfo(zone)

    by_order: dict[Key, list[Row]] = defaultdict(list)
    for line in sales:
        by_order[_key(line)].append(line)
    for key, own in by_order.items():
        result.orders[key] = _order(key, own, by_named[key], exclusions, tz)
    _number(result.orders)
    for key, own in by_order.items():
        back = by_named[key]
        for name in {_category(x, categories) for x in own}:
            mine = [x for x in own if _category(x, categories) == name]
            gone = all(_gone(x, back) for x in mine if x["amount_minor"] > 0) and _touched(key, back)
            amount = sum(x["amount_minor"] for x in mine)
            result.categories[(*key, name)] = {
                "person_id": result.orders[key]["person_id"],
                "paid_at": result.orders[key]["paid_at"],
                "amount_minor": amount,
                "wholly_refunded": gone,
                "is_purchase": result.orders[key]["is_purchase"] and not gone and amount > 0,
            }
    for part in parts:
        result.refunds.append(_refund(part, result.orders, categories, exclusions, tz))
    return result


def _key(line: Row) -> Key:
    return line["source"], line["order_id"]


def _category(line: Row, categories: dict[str, str]) -> str:
    return line["category"] or categories.get(line["sku"]) or "unknown"


@dataclass
class _Part:
    refund: Row
    quantity: Decimal
    sale: Row | None = None
    order: Key | None = None
    number: int = 0
    amount: int = 0


def _parts(refunds: list[Row], sales: list[Row]) -> list[_Part]:
    left = {id(x): x["quantity"] for x in sales}
    due = {id(x): x["quantity"] for x in refunds}
    in_time = sorted(refunds, key=lambda r: (r["occurred_at"], r["source"], r["order_id"], r["line_no"]))
    found: dict[int, list[_Part]] = {id(r): [] for r in refunds}

    def take(refund: Row, sale: Row) -> None:
        units = min(due[id(refund)], left[id(sale)])
        if units > 0:
            due[id(refund)] -= units
            left[id(sale)] -= units
            found[id(refund)].append(_Part(refund, units, sale, _key(sale)))

    by_order: dict[Any, list[Row]] = defaultdict(list)
    by_person: dict[Any, list[Row]] = defaultdict(list)
    for sale in sales:
        by_order[_key(sale)].append(sale)
        by_person[sale["person_id"]].append(sale)
    for refund in in_time:
        named = [x for x in by_order[(refund["source"], refund["refund_of"])] if x["sku"] == refund["sku"]]
        named.sort(key=lambda x: (x["occurred_at"], x["line_no"]), reverse=True)
        if refund["quantity"] == 0 and named:
            found[id(refund)].append(_Part(refund, Decimal(0), named[0], _key(named[0])))
        for sale in named:
            take(refund, sale)
    for refund in in_time:
        if refund["person_id"] is None:
            continue
        mine = [x for x in by_person[refund["person_id"]] if x["sku"] == refund["sku"]]
        same = [x for x in mine if x["occurred_at"] <= refund["occurred_at"]]
        same.sort(key=lambda x: (x["occurred_at"], x["source"], x["order_id"], x["line_no"]), reverse=True)
        for sale in same:
            take(refund, sale)
    orders = {_key(x) for x in sales}
    for refund in refunds:
        if due[id(refund)] > 0 or not found[id(refund)]:
            named_order = (refund["source"], refund["refund_of"])
            found[id(refund)].append(
                _Part(refund, due[id(refund)], None, named_order if named_order in orders else None)
            )
        _spread(refund, found[id(refund)])
    return [p for own in found.values() for p in own]


def _spread(refund: Row, parts: list[_Part]) -> None:
    reached, paid = Decimal(0), 0
    for number, part in enumerate(parts, start=1):
        reached += part.quantity
        share = Decimal(1) if not refund["quantity"] else reached / refund["quantity"]
        upto = int((refund["amount_minor"] * share).quantize(Decimal(1), rounding=ROUND_HALF_UP))
        part.number, part.amount, paid = number, upto - paid, upto


def _of(sale: Row, parts: list[_Part]) -> list[_Part]:
    return [p for p in parts if p.sale is sale]


def _gone(sale: Row, parts: list[_Part]) -> bool:
    mine = _of(sale, parts)
    goods = sale["quantity"] > 0 and sum(p.quantity for p in mine) >= sale["quantity"]
    money = any(p.quantity == 0 for p in mine) and sum(p.amount for p in mine) >= sale["amount_minor"]
    return bool(goods or money)


def _touched(key: Key, parts: list[_Part]) -> bool:
    return any(p.order == key for p in parts)


def _order(key: Key, own: list[Row], parts: list[_Part], rules: Exclusions, tz: ZoneInfo) -> Row:
    amount = sum(x["amount_minor"] for x in own)
    back = [p for p in parts if p.order == key]
    refunded = sum(p.amount for p in back)
    channel = max((x["channel"] for x in own if x["channel"]), default=None)
    person = max((x["person_id"] for x in own if x["person_id"]), default=None)
    excluded = (
        any(x["order_type"] in rules.order_types for x in own)
        or channel in rules.channels
        or person in rules.person_ids
        or all(x["sku"] in rules.skus for x in own)
        or (rules.min_amount_minor is not None and amount < rules.min_amount_minor)
    )
    gone = _touched(key, parts) and all(_gone(x, parts) for x in own if x["amount_minor"] > 0)
    gone = gone or (any(p.sale is None for p in back) and refunded >= amount)
    paid_at = min(x["occurred_at"] for x in own)
    return {
        "person_id": person,
        "paid_at": paid_at,
        "day": paid_at.astimezone(tz).date(),
        "channel": channel,
        "store": max((x["store"] for x in own if x["store"]), default=None),
        "amount_minor": amount,
        "discount_minor": sum(x["discount_minor"] for x in own),
        "refunded_minor": refunded,
        "is_excluded": excluded,
        "is_purchase": amount > 0 and not excluded and not gone,
        "purchase_no": None,
        "previous_paid_at": None,
    }


def _number(orders: dict[Key, Row]) -> None:
    people: dict[int, list[tuple[datetime, Key]]] = defaultdict(list)
    for key, order in orders.items():
        if order["is_purchase"] and order["person_id"] is not None:
            people[order["person_id"]].append((order["paid_at"], key))
    for own in people.values():
        before = None
        for number, (paid_at, key) in enumerate(sorted(own), start=1):
            orders[key] |= {"purchase_no": number, "previous_paid_at": before}
            before = paid_at


def _refund(part: _Part, orders: dict[Key, Row], categories: dict[str, str], rules: Exclusions, tz: ZoneInfo) -> Row:
    line = part.refund
    order = orders[part.order] if part.order else None
    own = (
        line["order_type"] in rules.order_types
        or line["channel"] in rules.channels
        or line["sku"] in rules.skus
        or line["person_id"] in rules.person_ids
    )
    day: date = line["occurred_at"].astimezone(tz).date()
    return {
        "source": line["source"],
        "order_id": line["order_id"],
        "line_no": line["line_no"],
        "part_no": part.number,
        "person_id": line["person_id"],
        "refunded_at": line["occurred_at"],
        "day": day,
        "sku": line["sku"],
        "category": _category(line, categories),
        "quantity": part.quantity,
        "amount_minor": part.amount,
        "sale_source": part.order[0] if part.order else None,
        "sale_order_id": part.order[1] if part.order else None,
        "sale_line_no": part.sale["line_no"] if part.sale else None,
        "channel": order["channel"] if order else line["channel"],
        "store": order["store"] if order else line["store"],
        "is_excluded": order["is_excluded"] if order else own,
    }
