"""What the service tells afterwards: reports that it pushes (SmsReport), replies (SmsUp), and details when asked."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from huitou.messaging.channel import DELIVERED, FAILED, Address, ChannelEvent, Receipt, Sent
from huitou.messaging.channels.sms_aliyun.client import Client
from huitou.messaging.channels.sms_aliyun.wording import asks_to_stop
from huitou.messaging.wire import read_json

ZONE = ZoneInfo("Asia/Shanghai")
_FORMATS = ("%Y-%m-%d %H:%M:%S", "%Y%m%d%H%M%S")
_DELIVERED, _FAILED = 3, 2
_PAGE = 50
_MOST_ROWS = 2000


class BadReportError(Exception):
    """A push that is not the documented list."""


def national(phone: str) -> str:
    """A number as the service takes it: Chinese ones without country code, others with it and without plus."""
    return phone.removeprefix("+86") if phone.startswith("+86") else phone.removeprefix("+")


def read_push(body: bytes) -> tuple[list[Receipt], list[ChannelEvent]]:
    """Receipts of a push of reports, or who wants no more of a push of replies. Raises BadReportError."""
    try:
        rows = read_json(body)
    except ValueError as error:
        raise BadReportError("not_json") from error
    if not isinstance(rows, list) or len(rows) > _MOST_ROWS or not all(isinstance(row, dict) for row in rows):
        raise BadReportError("not_a_list")
    receipts = [_receipt(row) for row in rows if "biz_id" in row]
    refusals = [_refusal(row) for row in rows if "content" in row]
    return [made for made in receipts if made], [made for made in refusals if made]


def ask_details(client: Client, one: Sent) -> Receipt | None:
    """What became of one message; None as long as it is not known. Raises like `Client.ask`."""
    answer = client.ask(
        "QuerySendDetails",
        {
            "PhoneNumber": national(one.to.value),
            "BizId": one.provider_ref,
            "SendDate": one.sent_at.astimezone(ZONE).strftime("%Y%m%d"),
            "PageSize": str(_PAGE),
            "CurrentPage": "1",
        },
    )
    rows = (answer.get("SmsSendDetailDTOs") or {}).get("SmsSendDetailDTO") or ()
    for row in rows:
        status, at = row.get("SendStatus"), _instant(row.get("ReceiveDate") or row.get("SendDate"))
        if at and status == _DELIVERED:
            return Receipt(one.provider_ref, DELIVERED, at, one.to)
        if at and status == _FAILED:
            return Receipt(one.provider_ref, FAILED, at, one.to, code=str(row.get("ErrCode") or "")[:50])
    return None


def _receipt(row: Mapping[str, Any]) -> Receipt | None:
    at = _instant(row.get("report_time") or row.get("send_time"))
    if at is None:
        return None
    touch, arrived = str(row.get("out_id") or ""), row.get("success") is True
    return Receipt(
        str(row["biz_id"]),
        DELIVERED if arrived else FAILED,
        at,
        _address(row),
        code="" if arrived else str(row.get("err_code") or "")[:50],
        touch_id=int(touch) if touch.isascii() and touch.isdigit() and len(touch) < 19 else None,
    )


def _refusal(row: Mapping[str, Any]) -> ChannelEvent | None:
    """That the number wants no more; it answers no message in particular."""
    at, who = _instant(row.get("send_time")), _address(row)
    if at is None or not asks_to_stop(str(row["content"])):
        return None
    # The same however often it is pushed.
    mark = hashlib.sha256(f"{who.value}\n{at.isoformat()}\n{row.get('sequence_id')}".encode()).hexdigest()[:32]
    told = {"message_id": f"sms:{mark}", "touch_channel": "sms_aliyun"}
    return ChannelEvent(told["message_id"], "Message Unsubscribed", at, who, told, consents=(("marketing", False),))


def _address(row: Mapping[str, Any]) -> Address:
    return Address("phone", "", _international(str(row.get("phone_number") or "")))


def _international(phone: str) -> str:
    digits = phone.removeprefix("+").removeprefix("00")
    if len(digits) == 11 and digits.startswith("1"):
        return f"+86{digits}"
    return f"+{digits}"


def _instant(told: object) -> datetime | None:
    for form in _FORMATS:
        try:
            return datetime.strptime(str(told or ""), form).replace(tzinfo=ZONE)
        except ValueError:
            continue
    return None
