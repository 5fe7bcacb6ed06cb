"""What order events amount to, told in plain Python from their raw properties, one event after the other in time.

Nothing here is shared with the product: quantities are fractions, and money is rounded by this file's own rule.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from fractions import Fraction
from random import Random
from typing import Any

RANK = {"Order Completed": 0, "Order Updated": 1, "Order Refunded": 2, "Order Cancelled": 3}
WORDS = {"已付款": "paid", "交易成功": "completed", "shipped": "paid", "待付款": "unpaid", "已取消": "cancelled"}
NAMES = {"x": "Soap", "y": "Cream", "z": "Oil"}


@dataclass(frozen=True)
class Said:
    """One event as a sender says it: name, instant, message (which breaks ties) and V2 properties."""

    name: str
    at: datetime
    message: bytes
    properties: dict[str, Any]
    person: str | None = None


@dataclass
class Piece:
    """A sale line with what is left of it."""

    sku: str
    category: str | None
    quantity: Fraction
    minor: int
    discount: int
    left: Fraction = Fraction(0)
    worth: int = 0


@dataclass
class Account:
    """The order as it should be: sale lines, refund lines (sku, category, quantity, minor, at), and its heads."""

    sales: list[Piece] = field(default_factory=list)
    refunds: list[tuple[str, str | None, Fraction, int, datetime]] = field(default_factory=list)
    paid_at: datetime | None = None
    status: str = "paid"
    person: str | None = None
    channel: str | None = None
    store: str | None = None


def half_up(value: Fraction) -> int:
    return int(abs(value) + Fraction(1, 2)) * (-1 if value < 0 else 1)


def share_out(total: int, weights: list[int]) -> list[int]:
    """Largest remainder, one unit at a time."""
    if sum(weights) == 0:
        weights = [1] * len(weights)
    exact = [Fraction(total * weight, sum(weights)) for weight in weights]
    shares = [int(part) for part in exact]
    while sum(shares) < total:
        behind = max(range(len(weights)), key=lambda i: (exact[i] - shares[i], -i))
        shares[behind] += 1
    return shares


def account(told: list[Said]) -> Account | None:
    """The order after all its events; None if nobody says what was sold."""
    ordered = sorted(told, key=lambda e: (e.at, RANK[e.name], e.message))
    order, products, discount, completed_at, first_at, stated = Account(), None, 0, None, None, None
    backs: list[Said] = []
    buyer = other = None
    for event in ordered:
        given = event.properties
        order.channel = given.get("channel", order.channel)
        order.store = given.get("affiliation", order.store)
        if event.name == "Order Completed":
            buyer = buyer or event.person
        other = other or event.person
        if event.name == "Order Refunded":
            backs.append(event)
            continue
        if given.get("products"):
            products = given["products"]
            first_at = first_at or event.at
        if "discount" in given:
            discount = half_up(Fraction(given["discount"]) * 100)
        stated = given.get("paid_at", stated)
        if event.name == "Order Completed":
            completed_at = completed_at or event.at
            order.status = "paid"
        if event.name == "Order Cancelled":
            order.status = "cancelled"
        elif "status" in given:
            order.status = WORDS[given["status"]]
    order.person = buyer or other
    if products is None:
        return None
    order.paid_at = datetime.fromisoformat(stated) if stated else completed_at or first_at
    order.sales = _sales(products, discount)
    for event in _last_words(backs):
        _go_back(order, event)
    return order


def _sales(products: list[dict[str, Any]], discount: int) -> list[Piece]:
    lines = []
    for product in products:
        quantity, own = Fraction(product.get("quantity", "1")), half_up(Fraction(product.get("discount", "0")) * 100)
        minor = half_up(quantity * Fraction(product["price"]) * 100) - own
        lines.append(Piece(product["sku"], product.get("category"), quantity, minor, own))
    beyond = discount - sum(line.discount for line in lines)
    room = [max(0, line.minor) for line in lines]
    if beyond > 0 and any(room):
        for line, share in zip(lines, share_out(min(beyond, sum(room)), room), strict=True):
            line.minor -= share
            line.discount += share
    for line in lines:
        line.left, line.worth = line.quantity, max(0, line.minor)
    # What a line below zero takes off the order was never paid for the others.
    _off(lines, -sum(min(0, line.minor) for line in lines))
    return lines


def _last_words(backs: list[Said]) -> list[Said]:
    """Of refunds with one number only the last."""
    numbers = [event.properties.get("refund_id") for event in backs]
    return [e for i, e in enumerate(backs) if numbers[i] is None or numbers[i] not in numbers[i + 1 :]]


def _go_back(order: Account, event: Said) -> None:
    given = event.properties
    at = datetime.fromisoformat(given["refunded_at"]) if "refunded_at" in given else event.at
    there = sum(line.worth for line in order.sales)
    total = half_up(Fraction(given["total"]) * 100) if "total" in given else None
    if given.get("products"):
        _products_back(order, given["products"], total, at)
    elif total is not None and total < there:
        for line, share in _off(order.sales, total):
            order.refunds.append((line.sku, line.category, Fraction(0), share, at))
    else:
        for line in order.sales:
            if line.left or line.worth:
                order.refunds.append((line.sku, line.category, line.left, line.worth, at))
            line.left, line.worth = Fraction(0), 0


def _products_back(order: Account, products: list[dict[str, Any]], total: int | None, at: datetime) -> None:
    there = sum(line.worth for line in order.sales)
    baskets = [_take(order, product) for product in products]
    wanted = [
        abs(half_up(Fraction(p["quantity"]) * Fraction(p["price"]) * 100))
        if "price" in p
        else sum(w for _, _, w in got)
        for p, got in zip(products, baskets, strict=True)
    ]
    if total is not None:
        weights = wanted if sum(wanted) else [int(Fraction(p["quantity"]) * 10_000) for p in products]
        wanted = share_out(min(total, there), weights)
    short = []
    for got, amount in zip(baskets, wanted, strict=True):
        worths = [worth for _, _, worth in got]
        spent = min(amount, sum(worths))
        for (line, _, worth), money in zip(got, share_out(spent, worths) if got else [], strict=True):
            line.worth += worth - money
        short.append(amount - spent)
    for product, got, amount, lack in zip(products, baskets, wanted, short, strict=True):
        own = [line for line in order.sales if line.sku == product["sku"]]
        more = sum(money for _, money in _off(own[::-1], lack))
        pieces = sum((n for _, n, _ in got), Fraction(0))
        if pieces or amount - lack + more:
            category = (got[0][0] if got else own[-1]).category
            order.refunds.append((product["sku"], category, pieces, amount - lack + more, at))
        for line, money in _off(order.sales, lack - more):
            order.refunds.append((line.sku, line.category, Fraction(0), money, at))


def _off(lines: list[Piece], amount: int) -> list[tuple[Piece, int]]:
    """Take an amount off the lines, as far as they hold it, each giving by what it has."""
    amount = min(amount, sum(line.worth for line in lines))
    if amount <= 0:
        return []
    paid = list(zip(lines, share_out(amount, [line.worth for line in lines]), strict=True))
    for line, money in paid:
        line.worth -= money
    return [(line, money) for line, money in paid if money]


def _take(order: Account, product: dict[str, Any]) -> list[tuple[Piece, Fraction, int]]:
    """Pieces of a product from its last line on, each with its part of that line's worth."""
    wanted = Fraction(product["quantity"])
    got: list[tuple[Piece, Fraction, int]] = []
    for line in reversed(order.sales):
        pieces = min(wanted, line.left) if line.sku == product["sku"] else Fraction(0)
        if pieces:
            worth = line.worth if pieces == line.left else half_up(line.worth * pieces / line.left)
            line.left -= pieces
            line.worth -= worth
            wanted -= pieces
            got.append((line, pieces, worth))
    return got


def random_order(random: Random, number: str, begin: datetime) -> list[Said]:
    """A few events of one order, in time and out of it, with ties, repeats of refunds, and all that V2 allows."""
    person = random.choice([None, "c1", "c1", "c2", "c3"])
    events: list[Said] = []

    def say(name: str, hours: int, **properties: Any) -> None:
        at = begin + timedelta(hours=hours)
        events.append(Said(name, at, random.randbytes(16), {"order_id": number, **properties}, person))

    for _ in range(random.choice([1, 1, 1, 2])):
        say("Order Completed", random.choice([0, 0, 1, 30]), products=_products(random), **_heads(random))
    for _ in range(random.choice([0, 0, 1, 2])):
        lines = {"products": _products(random)} if random.random() < 0.4 else {}
        say("Order Updated", random.randint(0, 60), **lines, **_heads(random))
    for _ in range(random.choice([0, 0, 1, 2, 3])):
        say("Order Refunded", random.randint(0, 700), **_refund(random, number))
    if random.random() < 0.2:
        say("Order Cancelled", random.randint(0, 100), currency="CNY")
    return events


def _products(random: Random) -> list[dict[str, Any]]:
    found = []
    for _ in range(random.randint(1, 3)):
        sku = random.choice("xyz")
        product: dict[str, Any] = {"sku": sku, "name": NAMES[sku], "price": random.choice(["9.99", "0.335", "20", "3"])}
        if random.random() < 0.1:
            product["price"] = random.choice(["-2", "-25"])
        product["quantity"] = random.choice(["1", "2", "3", "0.5"])
        if random.random() < 0.2:
            product["discount"] = "0.11"
        if random.random() < 0.4:
            product["category"] = random.choice(["care", "food"])
        found.append(product)
    return found


def _heads(random: Random) -> dict[str, Any]:
    heads: dict[str, Any] = {"currency": random.choice(["CNY", "cny"])}
    if random.random() < 0.5:
        heads["discount"] = random.choice(["0", "0.01", "1", "2.35", "1000"])
    if random.random() < 0.3:
        heads["status"] = random.choice([*WORDS, "已付款", "交易成功"])
    if random.random() < 0.4:
        heads["affiliation"] = random.choice(["s1", "s2"])
    if random.random() < 0.4:
        heads["channel"] = random.choice(["app", "live"])
    if random.random() < 0.1:
        heads["paid_at"] = "2024-03-01T12:00:00+08:00"
    return heads


def _refund(random: Random, number: str) -> dict[str, Any]:
    told: dict[str, Any] = {}
    if random.random() < 0.6:
        products = [{"sku": random.choice("xyzw"), "quantity": random.choice(["1", "0.5", "2", "9"])}]
        if random.random() < 0.3:
            products.append({"sku": products[0]["sku"], "quantity": "1"})
        for product in products:
            if random.random() < 0.5:
                product["price"] = random.choice(["3", "9.99", "0.335", "-3", "-0.335", "700"])
        told["products"] = products
    if random.random() < 0.4:
        told["total"] = random.choice(["0.01", "5", "7.77", "500"])
    if random.random() < 0.3:
        told["refund_id"] = random.choice(["r1", "r2", number])
    if random.random() < 0.2:
        told["refunded_at"] = "2024-03-20T09:00:00+08:00"
    return told
