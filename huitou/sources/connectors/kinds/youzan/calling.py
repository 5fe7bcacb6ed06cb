"""Calls of the open interface: a token for the shop, the list of orders, one order; what its refusals mean."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from huitou.sources.connectors.connector import Answer, Pull
from huitou.sources.connectors.trouble import PullError

BASE = "https://open.youzanyun.com"
LIST = ("youzan.trades.sold.get", "4.0.4")
ONE = ("youzan.trade.get", "4.0.2")
ZONE = ZoneInfo("Asia/Shanghai")
PAGE_SIZE, MOST_PAGES = 50, 100
_TRIES = 4
_TOKEN_MARGIN_MS = 60_000
_LONGEST_WAIT = 60.0
_OVER = "over"
# Codes as the interface's documents and its answers give them; where one is unknown, its words decide.
_CODES: dict[str, str] = {
    **dict.fromkeys(("4201", "4202", "4203", "10003", "40009", "40010"), _OVER),
    **dict.fromkeys(("10004", "4204"), "forbidden"),
    **dict.fromkeys(("20001", "429"), "rate_limited"),
    "20002": "quota_used_up",
    **dict.fromkeys(("500", "502", "503", "504", "50000"), "outside_error"),
}
_WORDS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("rate_limited", ("频率", "限流", "频繁", "too many requests", "rate limit")),
    ("quota_used_up", ("配额", "额度", "欠费", "quota")),
    (_OVER, ("token",)),
    ("forbidden", ("权限", "permission")),
    ("outside_error", ("系统异常", "系统繁忙", "服务异常", "超时", "timeout")),
)


@dataclass(frozen=True)
class Listed:
    """One order of the list. `entry` holds all that was said of it."""

    tid: str
    version: str
    entry: Mapping[str, Any]


@dataclass(frozen=True)
class Listing:
    """One page of the list; `total` is how many orders all pages hold, where the answer tells."""

    orders: tuple[Listed, ...]
    total: int | None


class Shop:
    """The interface of one shop for the length of one pull. The token is asked for at need and never stored."""

    def __init__(self, asked: Pull) -> None:
        self._asked = asked
        self._token = ""

    def list_orders(self, start: datetime, end: datetime, page: int) -> Listing:
        """One page of the orders that changed from `start` to `end`."""
        found = self._call(
            *LIST,
            {
                "start_update": _local(start),
                "end_update": _local(end),
                "page_no": page,
                "page_size": PAGE_SIZE,
            },
        )
        entries = found.get("full_order_info_list")
        if not isinstance(entries, list):
            # No list is no empty list: an answer of another form must not pass for "nothing has changed".
            raise PullError("request_refused", f"{LIST[0]}: full_order_info_list")
        paginator = found.get("paginator")
        total = found.get("total_results", paginator.get("total_count") if isinstance(paginator, dict) else None)
        return Listing(tuple(map(_listed, entries)), int(total) if str(total or "").isdigit() else None)

    def list_refunds(self, tid: str) -> list[Mapping[str, Any]]:
        """The refunds of one order."""
        refunds = self._call(*ONE, {"tid": tid}).get("refund_order")
        return [refund for refund in refunds if isinstance(refund, dict)] if isinstance(refunds, list) else []

    def _call(self, name: str, version: str, params: Mapping[str, Any]) -> Mapping[str, Any]:
        renewed = False
        for attempt in range(_TRIES):
            token = self._token or self._ask_token(renew=False)
            url = f"{BASE}/api/{name}/{version}?{urlencode({'access_token': token})}"
            answer = self._asked.http.ask(url, json=params)
            payload = _payload(answer)
            code, detail = _refusal(answer, payload)
            if not code:
                found = payload.get("data", payload.get("response"))
                if not isinstance(found, dict):
                    raise PullError("request_refused", name)
                return found
            if code == _OVER:
                if renewed:
                    raise PullError("credentials_refused", detail)
                self._ask_token(renew=True)
                renewed = True
            elif code not in ("rate_limited", "outside_error") or attempt + 1 == _TRIES:
                raise PullError(code, detail)
            else:
                self._asked.wait(_pause(answer, attempt))
        raise PullError("outside_error", name)

    def _ask_token(self, *, renew: bool) -> str:
        """A token without anybody's presence. Renewing ends the old one, so it is only done where that is over."""
        settings = self._asked.settings
        asked = {
            "client_id": settings["client_id"],
            "client_secret": settings["client_secret"],
            "authorize_type": "silent",
            "grant_id": settings["grant_id"],
            "refresh": renew,
        }
        for attempt in range(_TRIES):
            answer = self._asked.http.ask(f"{BASE}/auth/token", json=asked)
            payload = _payload(answer)
            code, detail = _refusal(answer, payload)
            data = payload.get("data")
            if not code and isinstance(data, dict) and data.get("access_token"):
                if not renew and self._is_over(data.get("expires")):
                    return self._ask_token(renew=True)
                self._token = str(data["access_token"])
                return self._token
            if code not in ("rate_limited", "outside_error"):
                raise PullError("quota_used_up" if code == "quota_used_up" else "credentials_refused", detail)
            if attempt + 1 < _TRIES:
                self._asked.wait(_pause(answer, attempt))
        raise PullError(code, detail)

    def _is_over(self, expires: object) -> bool:
        """Whether a token ends within a minute; its end is in milliseconds since 1970."""
        ends = str(expires or "")
        return ends.isdigit() and int(ends) < self._asked.clock.now().timestamp() * 1000 + _TOKEN_MARGIN_MS


def _local(at: datetime) -> str:
    return at.astimezone(ZONE).strftime("%Y-%m-%d %H:%M:%S")


def _listed(entry: object) -> Listed:
    order = entry.get("full_order_info") if isinstance(entry, dict) else None
    info = order.get("order_info") if isinstance(order, dict) else None
    tid = str(info.get("tid") or "") if isinstance(info, dict) else ""
    if not isinstance(entry, dict) or not isinstance(info, dict) or not tid:
        raise PullError("request_refused", f"{LIST[0]}: tid")
    return Listed(tid, str(info.get("update_time") or ""), entry)


def _payload(answer: Answer) -> Mapping[str, Any]:
    try:
        # Amounts stay as they were written.
        found = json.loads(answer.body, parse_float=Decimal)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _refusal(answer: Answer, payload: Mapping[str, Any]) -> tuple[str, str]:
    """Our word for what was refused, and what was said; two empty texts where nothing was."""
    envelopes = [payload[name] for name in ("gw_err_resp", "error_response") if isinstance(payload.get(name), dict)]
    told = envelopes[0] if envelopes else payload
    if answer.status == 200 and not envelopes and payload and payload.get("success") is not False:
        return "", ""
    given = str(told.get("err_code") or told.get("code") or "")
    said = str(told.get("err_msg") or told.get("message") or told.get("msg") or "")
    detail = " ".join(part for part in (given or str(answer.status), said) if part)
    if answer.status == 429 or answer.status >= 500:
        return ("rate_limited" if answer.status == 429 else "outside_error"), detail
    if not payload:
        return "outside_error", f"{answer.status}"
    if given in _CODES:
        return _CODES[given], detail
    lower = said.lower()
    return next((code for code, words in _WORDS if any(word in lower for word in words)), "request_refused"), detail


def _pause(answer: Answer, attempt: int) -> float:
    told = answer.headers.get("retry-after", "")
    return min(float(told) if told.isdigit() else 2.0**attempt, _LONGEST_WAIT)
