"""One order of 有赞 as rows of an order file: a row for each product, with what went back of it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from decimal import ROUND_DOWN, Decimal, InvalidOperation
from typing import Any

from huitou.sources.connectors.connector import Document
from huitou.sources.connectors.kinds.youzan.calling import Shop

COLUMNS = (
    "order_id",
    "paid_at",
    "ordered_at",
    "customer_id",
    "sku",
    "product_name",
    "quantity",
    "unit_price",
    "amount",
    "status",
    "refund_amount",
    "refunded_at",
    "phone",
    "customer_name",
    "recipient_phone",
    "recipient_name",
)
_STATUS = {
    "WAIT_BUYER_PAY": "unpaid",
    "TRADE_PAID": "paid",
    "WAIT_CONFIRM": "paid",
    "WAIT_SELLER_SEND_GOODS": "paid",
    "WAIT_BUYER_CONFIRM_GOODS": "paid",
    "TRADE_SUCCESS": "completed",
    "TRADE_CLOSED": "cancelled",
}
_PARTLY, _WHOLLY = (1, 2, 11), 12
_REFUND_DONE = 60
_CENT = Decimal("0.01")
# What is personal comes sealed by the shop's key, which we do not have: $...$1$
_SEALED = re.compile(r"\$.*\$\d*\$?")
_PHONE = re.compile(r"[\d*+() -]{5,20}")


def read_order(shop: Shop, entry: Mapping[str, Any]) -> Document:
    """The order's rows. Refunds that the list does not tell are asked for."""
    order = _part(entry, "full_order_info")
    info, pay = _part(order, "order_info"), _part(order, "pay_info")
    lines = [line for line in order.get("orders") or [] if isinstance(line, dict)]
    tid, paid_at, state = str(info["tid"]), _text(info, "pay_time"), _number(info.get("refund_state"))
    status = _STATUS.get(_text(info, "status"), _text(info, "status"))
    returned: list[Decimal] = [Decimal(0)] * len(lines)
    if paid_at and state == _WHOLLY:
        status = "refunded"
    elif paid_at and state in _PARTLY:
        told = entry.get("refund_order")
        refunds = told if isinstance(told, list) and told else shop.list_refunds(tid)
        returned = _share_refunds(lines, refunds)
        if status == "cancelled" and any(returned):
            status = "paid"
    whole = {
        "order_id": tid,
        "paid_at": paid_at,
        "ordered_at": _text(info, "created"),
        "status": status,
        **_people(order),
    }
    went_back = status == "refunded" or any(returned)
    rows = [
        {
            **whole,
            "sku": next(
                (_text(line, n) for n in ("outer_sku_id", "outer_item_id", "sku_id", "item_id") if _has(line, n)), ""
            ),
            "product_name": _text(line, "title"),
            "quantity": _text(line, "num") or "1",
            "unit_price": _text(line, "discount_price") or _text(line, "price"),
            "amount": _text(line, "payment") or _text(line, "total_fee"),
            "line_refund_amount": str(back) if back else "",
            "refunded_at": _text(info, "update_time") if went_back else "",
        }
        for line, back in zip(lines, returned, strict=True)
    ]
    if not rows:
        # An order without products, such as a payment at the till, is its amount.
        rows = [{**whole, "sku": "youzan", "quantity": "1", "amount": _text(pay, "payment")}]
    return Document(tid, _text(info, "update_time"), tuple(rows))


def _people(order: Mapping[str, Any]) -> dict[str, str]:
    """Who bought, and whom the parcel goes to; what is sealed is left out."""
    buyer, address = _part(order, "buyer_info"), _part(order, "address_info")
    return {
        "customer_id": _text(buyer, "yz_open_id"),
        "phone": _phone(_text(buyer, "buyer_phone")),
        "customer_name": _open(_text(buyer, "fans_nickname")),
        "recipient_phone": _phone(_text(address, "receiver_tel")),
        "recipient_name": _open(_text(address, "receiver_name")),
    }


def _share_refunds(lines: Sequence[Mapping[str, Any]], refunds: Sequence[Mapping[str, Any]]) -> list[Decimal]:
    """What went back of each line. A refund of several lines is shared out by what they are worth, to the cent."""
    returned = [Decimal(0)] * len(lines)
    for refund in refunds:
        if _number(refund.get("refund_state")) != _REFUND_DONE:
            continue
        named = {str(item.get("oid")) for item in refund.get("oids") or [] if isinstance(item, dict)}
        concerned = [i for i, line in enumerate(lines) if not named or str(line.get("oid")) in named]
        concerned = concerned or list(range(len(lines)))
        worth = [_amount(lines[i].get("payment")) for i in concerned]
        left, whole = _amount(refund.get("refund_fee")), sum(worth, Decimal(0))
        fee = left
        for place, (i, value) in enumerate(zip(concerned, worth, strict=True)):
            is_last = place + 1 == len(concerned)
            share = left if is_last or not whole else (fee * value / whole).quantize(_CENT, ROUND_DOWN)
            returned[i] += share
            left -= share
    return returned


def _part(whole: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    found = whole.get(name)
    return found if isinstance(found, dict) else {}


def _text(whole: Mapping[str, Any], name: str) -> str:
    found = whole.get(name)
    return "" if found is None or isinstance(found, dict | list) else str(found).strip()


def _has(whole: Mapping[str, Any], name: str) -> bool:
    return _text(whole, name) not in ("", "0")


def _number(value: object) -> int:
    text = str(value or "")
    return int(text) if text.isdigit() else 0


def _amount(value: object) -> Decimal:
    try:
        return Decimal(str(value or 0))
    except InvalidOperation:
        return Decimal(0)


def _open(text: str) -> str:
    return "" if _SEALED.fullmatch(text) else text


def _phone(text: str) -> str:
    return text if _PHONE.fullmatch(text) else ""
