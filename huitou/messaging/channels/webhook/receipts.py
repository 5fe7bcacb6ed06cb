"""What the other side of a webhook reports back: a signed list of what became of messages."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from huitou.messaging.channel import STATUSES, Receipt
from huitou.messaging.wire import read_json

MOST = 1000


class BadReceiptsError(Exception):
    """A body that is not the documented list; says which entry and field."""


def read_receipts(body: bytes) -> list[Receipt]:
    """Receipts of `{"receipts": [{"ref", "status", "at", "code"}]}`. Raises BadReceiptsError."""
    try:
        told = read_json(body)
        rows = told["receipts"]
    except (ValueError, TypeError, KeyError) as error:
        raise BadReceiptsError("receipts") from error
    if not isinstance(rows, list) or len(rows) > MOST:
        raise BadReceiptsError(f"receipts: a list of at most {MOST}")
    return [_read(number, row) for number, row in enumerate(rows)]


def _read(number: int, row: Mapping[str, Any]) -> Receipt:
    if not isinstance(row, dict):
        raise BadReceiptsError(f"receipts[{number}]")
    reference, status, code = row.get("ref"), row.get("status"), row.get("code", "")
    if not isinstance(reference, str) or not 1 <= len(reference) <= 200:
        raise BadReceiptsError(f"receipts[{number}].ref")
    if status not in STATUSES:
        raise BadReceiptsError(f"receipts[{number}].status")
    try:
        at = datetime.fromisoformat(str(row.get("at")))
    except ValueError as error:
        raise BadReceiptsError(f"receipts[{number}].at") from error
    if at.tzinfo is None:
        raise BadReceiptsError(f"receipts[{number}].at: without time zone")
    return Receipt(reference, status, at, code=str(code)[:50])
