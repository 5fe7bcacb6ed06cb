"""All events of one order to the order and its refunds: a pure function of the set of events, not of their arrival.

Events are taken in the order of their own times. The latest one that says something about products, discount, status,
type, channel or store is the one that counts; refunds add up; an order that was cancelled last counts nowhere, what
went back for it included.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from huitou.core.money import split_minor
from huitou.sources.order_events.told import CANCELLED, COMPLETED, REFUNDED, ToldLine, ToldOrder

_NO_PRODUCT = "-"
_COUNTED_NOWHERE = ("unpaid", "cancelled")


@dataclass(frozen=True)
class Line:
    """One line of the order as it is emitted; the fields are those of fct_order_lines."""

    kind: str
    sku: str
    category: str | None
    units: int
    amount_minor: int
    discount_minor: int
    status: str
    occurred_at: datetime
    refund_of: str | None


@dataclass(frozen=True)
class Document:
    """One order number with its lines, numbered as they stand: the order, or a refund of an order not known here."""

    order_id: str
    person_id: int | None
    order_type: str
    channel: str | None
    store: str | None
    lines: tuple[Line, ...]


@dataclass
class _Left:
    """A sale line and what has not gone back of it."""

    line: Line
    units: int
    minor: int


@dataclass(frozen=True)
class _Asked:
    """A product that is to go back; `minor` is None where it goes back for its share of what was paid."""

    sku: str
    units: int
    minor: int | None


@dataclass(frozen=True)
class _Given:
    """What did go back for a product: out of its own lines, and money out of the order's other lines."""

    units: int
    minor: int
    category: str | None
    others: list[tuple[Line, int]]


@dataclass(frozen=True)
class _Sale:
    lines: tuple[Line, ...]
    status: str


def fold_order(events: Iterable[ToldOrder]) -> tuple[Document, ...]:
    """The documents that an order's events amount to.

    Parameters
    ----------
    events
        Every event known of one order, in any order; the same event twice counts once.

    Returns
    -------
    tuple[Document, ...]
        The order with its sale lines, then what went back of them, under its own number. Where no event says what was
        sold (the feed began later), each refund is a document of its own that names the order.
    """
    ordered = sorted({event.message_hash: event for event in events}.values(), key=lambda event: event.position)
    sale = _sale(ordered)
    refunds = _refunds(ordered)
    if sale is None:
        return tuple(doc for event in refunds if (doc := _refund_alone(event, ordered)) is not None)
    returned, status = _go_back(refunds, sale)
    lines = tuple(replace(line, status=status) for line in sale.lines)
    return (_document(ordered, ordered[0].order_id, lines + returned),)


def _latest(events: Sequence[ToldOrder], name: str) -> Any:
    return next((value for event in reversed(events) if (value := getattr(event, name)) is not None), None)


def _document(events: Sequence[ToldOrder], order_id: str, lines: tuple[Line, ...]) -> Document:
    # Who completed the order bought it; whoever else touched it counts only where nobody is known to have.
    buyers = [e for e in events if e.name == COMPLETED] + [e for e in events if e.name != COMPLETED]
    return Document(
        order_id=order_id,
        person_id=next((event.person_id for event in buyers if event.person_id is not None), None),
        order_type=_latest(events, "order_type") or "normal",
        channel=_latest(events, "channel"),
        store=_latest(events, "store"),
        lines=lines,
    )


def _sale(events: Sequence[ToldOrder]) -> _Sale | None:
    """The order's sale lines by its latest list of products, else by its latest amount; None if it has neither."""
    sold = [event for event in events if event.name != REFUNDED]
    listed = next((event.lines for event in reversed(sold) if event.lines), None)
    goods = next((event.goods_minor for event in reversed(sold) if event.goods_minor is not None), None)
    if listed is None and goods is None:
        return None
    completed = [event for event in sold if event.name == COMPLETED]
    stated = next((event.stated_at for event in reversed(sold) if event.stated_at is not None), None)
    knew = completed or [event for event in sold if event.lines or event.goods_minor is not None]
    paid_at = stated or knew[0].occurred_at
    discount = _latest(sold, "discount_minor") or 0
    if listed is None:
        assert goods is not None, "one of them is there"
        line = Line("sale", _NO_PRODUCT, None, 10_000, goods, discount, "", paid_at, None)
        return _Sale((line,), _status(sold))
    return _Sale(_priced(listed, discount, paid_at, events[0].order_id), _status(sold))


def _status(sold: Sequence[ToldOrder]) -> str:
    """The order's last state: cancelling is one, and an order that is said to be completed or changed later is not."""
    last = "paid"
    for event in sold:
        if event.name == CANCELLED:
            last = "cancelled"
        elif event.status is not None:
            last = event.status
        elif event.name == COMPLETED:
            last = "paid"
    return last


def _priced(told: Sequence[ToldLine], discount_minor: int, paid_at: datetime, order_id: str) -> tuple[Line, ...]:
    """Sale lines after all discounts. What the order's discount has beyond those of its lines is shared out by their
    amounts; it never takes more than the goods cost."""
    worth = [max(0, line.amount_minor or 0) if not line.is_return else 0 for line in told]
    beyond = max(0, discount_minor - sum(line.discount_minor for line in told if not line.is_return))
    shares = split_minor(min(beyond, sum(worth)), worth) if sum(worth) else [0] * len(told)
    return tuple(
        Line(
            kind="refund" if line.is_return else "sale",
            sku=line.sku,
            category=line.category,
            units=line.units,
            amount_minor=(line.amount_minor or 0) - share,
            discount_minor=line.discount_minor + share,
            status="",
            occurred_at=paid_at,
            refund_of=order_id if line.is_return else None,
        )
        for line, share in zip(told, shares, strict=True)
    )


def _refunds(events: Sequence[ToldOrder]) -> list[ToldOrder]:
    """What tells that something went back, in time: of one refund number the last word, and the order's last state
    where that is refunded."""
    last = {event.refund_id: event for event in events if event.name == REFUNDED and event.refund_id is not None}
    told = [e for e in events if e.name == REFUNDED and (e.refund_id is None or last[e.refund_id] is e)]
    sold = [event for event in events if event.name != REFUNDED]
    states = [event for event in sold if event.status is not None or event.name in (COMPLETED, CANCELLED)]
    if states and states[-1].status == "refunded" and states[-1].name != CANCELLED:
        # Said again and again, it went back when it was said first.
        since = len(states) - 1
        while since and states[since - 1].status == "refunded":
            since -= 1
        told.append(states[since])
    return sorted(told, key=lambda event: event.position)


def _go_back(refunds: Sequence[ToldOrder], sale: _Sale) -> tuple[tuple[Line, ...], str]:
    """Refund lines in time, and the status of the order's lines after them."""
    left = _left_of(sale.lines)
    gone: list[Line] = []
    for event in refunds:
        if event.lines and event.name == REFUNDED:
            gone += _products_back(event, left)
        elif event.name == REFUNDED and event.total_minor is not None:
            gone += _money_back(event, left)
        else:
            gone += _rest_back(event, left, money_too=event.name == REFUNDED)
    status = sale.status
    if status not in _COUNTED_NOWHERE and gone:
        whole = not any(part.units > 0 or part.minor > 0 for part in left)
        status = "refunded" if whole else "partly_refunded"
    told = status if status in _COUNTED_NOWHERE else "completed"
    return tuple(replace(line, status=told) for line in gone), status


def _left_of(lines: Sequence[Line]) -> list[_Left]:
    """What can go back of each sale line: in all no more than the order took.

    A line below zero (a coupon as a product) is a discount of the others, and what the order itself lists as returned
    is back already.
    """
    left = [_Left(line, line.units, max(0, line.amount_minor)) for line in lines if line.kind == "sale"]
    _pay(left, sum(-min(0, part.line.amount_minor) for part in left))
    _give(left, [_Asked(line.sku, line.units, line.amount_minor) for line in lines if line.kind != "sale"])
    return left


def _back(event: ToldOrder, sku: str, category: str | None, units: int, amount_minor: int) -> Line:
    at = (event.stated_at if event.name == REFUNDED else None) or event.occurred_at
    return Line("refund", sku, category, units, amount_minor, 0, "completed", at, event.order_id)


def _take(left: Sequence[_Left], sku: str, units: int) -> list[tuple[_Left, int, int]]:
    """Take pieces of a product out of the order, last line first, each line's pieces with their share of what is left
    of it."""
    taken = []
    for part in reversed(left):
        pieces = min(units, part.units) if part.line.sku == sku else 0
        if pieces > 0:
            # Half up; the last pieces take whatever is left, so that the shares add up.
            share = part.minor if pieces == part.units else (2 * part.minor * pieces + part.units) // (2 * part.units)
            part.units -= pieces
            part.minor -= share
            units -= pieces
            taken.append((part, pieces, share))
    return taken


def _pay(left: Sequence[_Left], amount_minor: int) -> list[int]:
    """Take an amount off the lines by what is left of each; never more than there is."""
    worth = [part.minor for part in left]
    shares = split_minor(min(amount_minor, sum(worth)), worth)
    for part, share in zip(left, shares, strict=True):
        part.minor -= share
    return shares


def _give(left: Sequence[_Left], asked: Sequence[_Asked], total_minor: int | None = None) -> list[_Given]:
    """Give back products, each out of its own lines first.

    Money beyond what is left of a product comes off the order's other lines. What is beyond all of them, money or
    pieces, does not go back.
    """
    there = sum(part.minor for part in left)
    taken = [_take(left, one.sku, one.units) for one in asked]
    fair = [sum(share for _part, _pieces, share in found) for found in taken]
    wanted = [share if one.minor is None else one.minor for one, share in zip(asked, fair, strict=True)]
    if total_minor is not None:
        # What went back beyond the goods was shipping or tax, which orders do not hold.
        weights = wanted if sum(wanted) else [one.units for one in asked]
        wanted = split_minor(min(total_minor, there), weights)
    paid = [min(amount, share) for amount, share in zip(wanted, fair, strict=True)]
    for found, amount in zip(taken, paid, strict=True):
        # Less than the share may have gone back: what stays with the line follows.
        shares = [share for _part, _pieces, share in found]
        for (part, _pieces, share), money in zip(found, split_minor(amount, shares), strict=True):
            part.minor += share - money
    given = []
    for one, found, amount, money in zip(asked, taken, wanted, paid, strict=True):
        own = [part for part in reversed(left) if part.line.sku == one.sku]
        more = sum(_pay(own, amount - money))
        category = next((part.line.category for part in [part for part, _pieces, _share in found] or own), None)
        others = zip(left, _pay(left, amount - money - more), strict=True)
        units = sum(pieces for _part, pieces, _share in found)
        given.append(_Given(units, money + more, category, [(part.line, share) for part, share in others if share]))
    return given


def _products_back(event: ToldOrder, left: Sequence[_Left]) -> list[Line]:
    """Products that went back: for the money that the event names, else for their share of what was paid for them."""
    asked = [_Asked(line.sku, line.units, _amount_back(line)) for line in event.lines]
    lines = []
    for told, given in zip(event.lines, _give(left, asked, event.total_minor), strict=True):
        if given.units or given.minor:
            lines.append(_back(event, told.sku, told.category or given.category, given.units, given.minor))
        lines += [_back(event, line.sku, line.category, 0, share) for line, share in given.others]
    return lines


def _amount_back(line: ToldLine) -> int | None:
    """What an event says went back for a product; that it went back may also be said by a price below zero."""
    if line.amount_minor is None:
        return None
    return max(0, abs(line.amount_minor + line.discount_minor) - line.discount_minor)


def _money_back(event: ToldOrder, left: Sequence[_Left]) -> list[Line]:
    """An amount without products: all that is left goes back if it covers the goods, else money without pieces."""
    amount = event.total_minor or 0
    if amount >= sum(part.minor for part in left):
        return _rest_back(event, left, money_too=True)
    shares = zip(left, _pay(left, amount), strict=True)
    return [_back(event, part.line.sku, part.line.category, 0, share) for part, share in shares if share]


def _rest_back(event: ToldOrder, left: Sequence[_Left], *, money_too: bool) -> list[Line]:
    """All that is left of the order; `money_too`: also what is left of lines whose pieces are back already."""
    lines = []
    for part in left:
        if part.units > 0 or (money_too and part.minor > 0):
            lines.append(_back(event, part.line.sku, part.line.category, part.units, part.minor))
            part.units, part.minor = 0, 0
    return lines


def _refund_alone(event: ToldOrder, events: Sequence[ToldOrder]) -> Document | None:
    """A refund of an order that this feed does not know: its own document; None where it names no money."""
    if event.name != REFUNDED:
        return None
    amounts = [_amount_back(line) for line in event.lines]
    if event.total_minor is not None and event.lines:
        known = [amount or 0 for amount in amounts]
        weights = known if sum(known) else [line.units for line in event.lines]
        amounts = list(split_minor(event.total_minor, weights))
    lines = [
        _back(event, line.sku, line.category, line.units, amount)
        for line, amount in zip(event.lines, amounts, strict=True)
        if amount is not None
    ]
    if not event.lines and event.total_minor is not None:
        lines = [_back(event, _NO_PRODUCT, None, 0, event.total_minor)]
    if not lines:
        return None
    # A cancelling cannot reach an order that is not here, so what went back counts as it is.
    # The order's number stands before it: a refund that bears a number that an order has, too, must not replace it.
    number = f"{event.order_id}-R{event.refund_id or event.message_hash.hex()[:8]}"
    return _document(events, number, tuple(lines))
