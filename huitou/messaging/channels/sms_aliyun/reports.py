"""What the service tells afterwards: reports that it pushes (SmsReport), replies (SmsUp), and details when asked."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from huitou.messaging.channel import DELIVERED, FAILED, UNSUBSCRIBED, Address, Receipt, Sent
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


def read_push(body: bytes) -> list[Receipt]:
    """Receipts of a push of reports or of replies. Raises BadReportError where it is neither."""
    try:
        rows = read_json(body)
    except ValueError as error:
        raise BadReportError("not_json") from error
    if not isinstance(rows, list) or len(rows) > _MOST_ROWS or not all(isinstance(row, dict) for row in rows):
        raise BadReportError("not_a_list")
    return list(_receipts(rows))


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


def _receipts(rows: list[Mapping[str, Any]]) -> Iterator[Receipt]:
    for row in rows:
        to = Address("phone", "", _international(str(row.get("phone_number") or "")))
        if "biz_id" in row:
            at = _instant(row.get("report_time") or row.get("send_time"))
            touch = str(row.get("out_id") or "")
            if at is None:
                continue
            yield Receipt(
                str(row["biz_id"]),
                DELIVERED if row.get("success") is True else FAILED,
                at,
                to,
                code="" if row.get("success") is True else str(row.get("err_code") or "")[:50],
                touch_id=int(touch) if touch.isascii() and touch.isdigit() and len(touch) < 19 else None,
            )
        elif "content" in row:
            at = _instant(row.get("send_time"))
            if at and asks_to_stop(str(row["content"])):
                yield Receipt("", UNSUBSCRIBED, at, to)


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
