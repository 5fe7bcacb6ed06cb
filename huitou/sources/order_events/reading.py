"""Order events to typed lines: every amount, code and time of them goes through the rules that order files go through.

An event is spelled out as rows of canonical fields in text, as if it stood in a file: one head row, one row for each
product and one for each amount of the whole order. The importer's SQL reads them all at once.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pyarrow as pa

from huitou.analytics.engines import Scratch
from huitou.sources.importing.cells import define_macros
from huitou.sources.importing.detect import ColumnFacts
from huitou.sources.importing.mapping import FileMapping
from huitou.sources.importing.orders import OrderRules, parse_orders
from huitou.sources.importing.times import TimeForm, local_sql
from huitou.sources.order_events.told import TOLD_NAMES, OrderEvent, ToldLine, ToldOrder
from huitou.sources.statuses import meaning_of

NO_PRODUCT = "-"
# As long as a file's numbers may be.
_LONGEST_CODE = 200
_COLUMNS = (
    "order_id",
    "paid_at",
    "sku",
    "product_name",
    "quantity",
    "unit_price",
    "amount",
    "discount",
    "channel",
    "store",
    "category",
    "brand",
)
_MAPPING = FileMapping("orders", _COLUMNS, {name: index for index, name in enumerate(_COLUMNS)}, {})
_TIMES = TimeForm(("zoned", "epoch", "ymd"), "", (), (), 0)
# Amounts of the whole order, in the words of the events.
_TOTALS = ("discount", "revenue", "subtotal", "total", "shipping", "tax")
_SCALARS = (str, int, float, Decimal)


@dataclass(frozen=True)
class Unread:
    """Why an order event cannot be taken: a reason of order files, or one of its own, and what it is about."""

    ref: int
    code: str
    field: str = ""
    value: str = ""


@dataclass(frozen=True)
class Product:
    """What an event says of a product, for the catalog."""

    sku: str
    name: str | None
    category: str | None
    brand: str | None


@dataclass
class Readings:
    """Events that could be read, by `ref`; those that could not; and the products they name, last word last."""

    told: dict[int, ToldOrder] = field(default_factory=dict)
    unread: list[Unread] = field(default_factory=list)
    products: list[Product] = field(default_factory=list)


@dataclass(frozen=True)
class _Row:
    ref: int
    part: str
    cells: Mapping[str, str | None]
    has_price: bool = False


class _UnreadableError(Exception):
    def __init__(self, code: str, field: str = "", value: object = "") -> None:
        self.code, self.field, self.value = code, field, value


def read_order_events(
    events: Sequence[OrderEvent], *, currency: str, exponent: int, zone: ZoneInfo, scratch: Scratch
) -> Readings:
    """Read the events set-wise; `scratch` is an empty one of the caller's.

    An event cannot be read where one of its rows would be refused in a file, or where it is in another currency.
    """
    readings = Readings()
    rows: list[_Row] = []
    heads: dict[int, dict[str, Any]] = {}
    for event in events:
        try:
            head, spelled = _spell(event, currency)
        except _UnreadableError as error:
            readings.unread.append(Unread(event.ref, error.code, error.field, str(error.value)[:100]))
            continue
        heads[event.ref] = head
        rows += spelled
    if rows:
        _parse(scratch, rows, OrderRules(zone, exponent))
        _gather(scratch, rows, heads, readings)
    return readings


def _spell(event: OrderEvent, currency: str) -> tuple[dict[str, Any], list[_Row]]:
    """The event's head (what needs no typing) and its rows. Raises _UnreadableError."""
    given = event.properties
    said = _text(given.get("currency"), "currency")
    if said is not None and said.strip().upper() != currency:
        raise _UnreadableError("other_currency", "currency", said)
    order_id = _text(given.get("order_id"), "order_id")
    at = event.occurred_at.astimezone(UTC).isoformat()
    is_refund = event.name == "Order Refunded"
    stated = _text(given.get("refunded_at" if is_refund else "paid_at"), "refunded_at" if is_refund else "paid_at")
    refund_id = _text(given.get("refund_id"), "refund_id")
    if refund_id is not None and len(refund_id) > _LONGEST_CODE:
        raise _UnreadableError("too_long", "refund_id", refund_id)
    head = {
        "status": _meaning(given, "status"),
        "order_type": _meaning(given, "order_type"),
        "refund_id": refund_id,
        "has_time": stated is not None,
        "event": event,
    }
    affiliation = _text(given.get("store") or given.get("affiliation"), "affiliation")
    channel = _text(given.get("channel"), "channel") or event.channel
    plain: dict[str, str | None] = {"order_id": order_id, "paid_at": at}
    nothing = {"quantity": "1", "amount": "0", "sku": NO_PRODUCT}
    told = {"paid_at": stated or at, "store": affiliation, "channel": channel}
    rows = [_Row(event.ref, "head", {**plain, **nothing, **told})]
    for name in _TOTALS:
        amount = _text(given.get(name), name)
        if amount is not None:
            rows.append(_Row(event.ref, name, {**plain, **nothing, "amount": amount}))
    products = given.get("products")
    if products is None:
        products = []
    if not isinstance(products, list) or not all(isinstance(p, Mapping) for p in products):
        raise _UnreadableError("not_a_list", "products", products)
    rows += [_Row(event.ref, "line", {**plain, **_product(p)}, p.get("price") is not None) for p in products]
    if event.name == "Order Completed" and not products and not any(row.part in _TOTALS[1:4] for row in rows):
        raise _UnreadableError("missing", "products")
    if not is_refund and (unpriced := next((p for p in products if p.get("price") is None), None)) is not None:
        raise _UnreadableError("missing", "unit_price", unpriced.get("sku") or unpriced.get("product_id") or "")
    return head, rows


def _product(product: Mapping[str, Any]) -> dict[str, str | None]:
    """The cells of one product. A price left away (a refund may) is nought here, and known to be left away."""
    sku = _text(product.get("sku"), "sku")
    name = _text(product.get("name"), "product_name")
    variant = _text(product.get("variant"), "variant")
    if sku and name and variant and variant not in name:
        # A stock number stands for one variant; a product number stands for all of them.
        name = f"{name} {variant}"
    return {
        "sku": sku or _text(product.get("product_id"), "product_id") or name,
        "product_name": name,
        "quantity": _text(product.get("quantity"), "quantity") or "1",
        "unit_price": _text(product.get("price"), "price") or "0",
        "discount": _text(product.get("discount"), "discount"),
        "category": _text(product.get("category"), "category"),
        "brand": _text(product.get("brand"), "brand"),
    }


def _text(value: object, name: str) -> str | None:
    """A cell as a file would have it; numbers in plain digits. Raises _UnreadableError for what is no single value."""
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, _SCALARS):
        raise _UnreadableError("not_a_value", name, value)
    if isinstance(value, float):
        return format(Decimal(repr(value)), "f") if value == value and abs(value) < 1e300 else str(value)
    written = format(value, "f") if isinstance(value, Decimal) else str(value)
    return written if written.strip() else None


def _meaning(given: Mapping[str, Any], name: str) -> str | None:
    word = _text(given.get(name), name)
    if word is None:
        return None
    meaning = meaning_of(name, word)
    if meaning is None:
        raise _UnreadableError("unknown_word", name, word)
    return meaning


def _parse(scratch: Scratch, rows: Sequence[_Row], rules: OrderRules) -> None:
    define_macros(scratch)
    columns: dict[str, pa.Array] = {
        "file_row": pa.array(range(len(rows)), pa.int64()),
        "fault": pa.nulls(len(rows), pa.string()),
    }
    for index, name in enumerate(_COLUMNS):
        columns[f"c{index}"] = pa.array([row.cells.get(name) for row in rows], pa.string())
    table = pa.table(columns)
    scratch.load("raw", pa.RecordBatchReader.from_batches(table.schema, table.to_batches()))
    local = local_sql(scratch, "raw", "code(c1)", "w_paid_at", _TIMES, rules.zone)
    facts = ColumnFacts({"paid_at": _TIMES}, {"paid_at": local})
    reason = parse_orders(scratch, "raw", mapping=_MAPPING, facts=facts, rules=rules, width=len(_COLUMNS))
    assert reason is None, reason


def _gather(scratch: Scratch, rows: Sequence[_Row], heads: Mapping[int, dict[str, Any]], readings: Readings) -> None:
    typed = scratch.batches(
        "SELECT file_row, rejected, value, order_id, sku, product_name, category, brand, channel, store, is_refund,"
        " CAST(quantity * 10000 AS BIGINT) AS units, amount_minor, discount_minor, occurred_at"
        " FROM parsed ORDER BY row_order"
    ).read_all()
    by_event: dict[int, list[tuple[_Row, dict[str, Any]]]] = {}
    for found in typed.to_pylist():
        row = rows[found["file_row"]]
        by_event.setdefault(row.ref, []).append((row, found))
    for ref, parts in by_event.items():
        bad = next(((row, found) for row, found in parts if found["rejected"] is not None), None)
        if bad is not None:
            row, found = bad
            code, _colon, name = found["rejected"].partition(":")
            shown = row.part if name == "amount" and row.part in _TOTALS else name
            readings.unread.append(Unread(ref, code, shown, str(found["value"] or "")[:100]))
            continue
        told = _told(heads[ref], parts)
        readings.told[ref] = told
        readings.products += [
            Product(found["sku"], found["product_name"], found["category"], found["brand"])
            for row, found in parts
            if row.part == "line" and found["sku"] != NO_PRODUCT
        ]


def _told(head: Mapping[str, Any], parts: Iterable[tuple[_Row, dict[str, Any]]]) -> ToldOrder:
    event: OrderEvent = head["event"]
    totals: dict[str, int] = {}
    lines: list[ToldLine] = []
    first: dict[str, Any] = {}
    for row, found in parts:
        if row.part == "head":
            first = found
        elif row.part == "line":
            lines.append(
                ToldLine(
                    sku=found["sku"],
                    category=found["category"],
                    units=found["units"],
                    amount_minor=found["amount_minor"] if row.has_price else None,
                    discount_minor=found["discount_minor"],
                    is_return=bool(found["is_refund"]),
                )
            )
        else:
            totals[row.part] = found["amount_minor"]
    at: datetime = first["occurred_at"].replace(tzinfo=UTC)
    return ToldOrder(
        source=event.source,
        order_id=first["order_id"],
        name=event.name,
        occurred_at=event.occurred_at,
        message_hash=event.message_hash,
        person_id=event.person_id,
        lines=tuple(lines),
        status=head["status"],
        order_type=head["order_type"],
        channel=first["channel"],
        store=first["store"],
        stated_at=at if head["has_time"] else None,
        discount_minor=abs(totals["discount"]) if "discount" in totals else None,
        goods_minor=_goods(totals),
        total_minor=abs(totals["total"]) if "total" in totals else None,
        refund_id=head["refund_id"] if event.name in TOLD_NAMES else None,
    )


def _goods(totals: Mapping[str, int]) -> int | None:
    """What the goods of an order without products cost: its revenue, else the subtotal, else the total less shipping
    and tax. None if the event says none of them."""
    for name in ("revenue", "subtotal"):
        if name in totals:
            return totals[name]
    if "total" in totals:
        return totals["total"] - totals.get("shipping", 0) - totals.get("tax", 0)
    return None
