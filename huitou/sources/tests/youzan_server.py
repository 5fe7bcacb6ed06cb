"""The open interface of 有赞 as its documents describe it, on this machine: limits, codes, tokens, and often a refusal.

It is written from the interface's description and not from the connector; what it holds is changed by the test.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

FORM = "%Y-%m-%d %H:%M:%S"
CLIENT, SECRET, SHOP = "app-1", "s3cret-value", "40012345"


class Youzan:
    """One shop with its orders. `moody`: every third call is refused in one of the documented ways."""

    def __init__(self) -> None:
        self.orders: dict[str, dict[str, Any]] = {}
        self.refunds: dict[str, list[dict[str, Any]]] = {}
        self.token, self.tokens_made, self.token_ends_ms = "", 0, 4_102_444_800_000
        self.authorized, self.may_read = True, True
        self.moody, self.tells_total = False, True
        self.kept_back: set[str] = set()
        self.calls: list[tuple[str, dict[str, Any]]] = []
        self.answered: list[str] = []
        self.script: list[tuple[int, dict[str, str], Any]] = []
        self.before_page: Callable[[Youzan, dict[str, Any]], None] | None = None
        self.base = ""

    def put(self, tid: str, updated: str, **told: Any) -> None:
        """Add an order or change it; the last change is its place in the list."""
        order = self.orders.setdefault(tid, make_order(tid))
        order["order_info"]["update_time"] = updated
        for name, value in told.items():
            order[name] = {**order.get(name, {}), **value} if isinstance(value, dict) else value

    def issue(self) -> str:
        self.tokens_made += 1
        self.token = f"token-{self.tokens_made}-abcdef"
        return self.token

    def answer(self, path: str, query: dict[str, str], body: dict[str, Any]) -> tuple[int, dict[str, str], Any]:
        self.calls.append((path, body))
        if self.script:
            return self.script.pop(0)
        if self.moody and len(self.calls) % 3 == 0:
            return self._refuse(len(self.calls) // 3)
        if path == "/auth/token":
            return self._auth(body)
        if not self.token or query.get("access_token") != self.token:
            return 200, {}, {"gw_err_resp": {"err_code": 4203, "err_msg": "access_token 不存在或已过期"}}
        if not self.may_read:
            return 200, {}, {"gw_err_resp": {"err_code": 10004, "err_msg": "无权限调用此接口"}}
        if path == "/api/youzan.trades.sold.get/4.0.4":
            return self._list(body)
        if path == "/api/youzan.trade.get/4.0.2":
            order = self.orders[body["tid"]]
            return _good({"full_order_info": order, "refund_order": self.refunds.get(body["tid"], [])})
        return 404, {}, {"gw_err_resp": {"err_code": 4001, "err_msg": "no such method"}}

    def _refuse(self, turn: int) -> tuple[int, dict[str, str], Any]:
        self.token = self.token if turn % 3 != 1 else ""
        return (
            (200, {}, {"gw_err_resp": {"err_code": 20001, "err_msg": "调用频率超限"}}),
            (429, {"Retry-After": "2"}, {}),
            (502, {}, "<html>Bad Gateway</html>"),
            (200, {}, {"success": False, "code": 50000, "message": "系统异常"}),
        )[turn % 4]

    def _auth(self, body: dict[str, Any]) -> tuple[int, dict[str, str], Any]:
        wanted = {"client_id": CLIENT, "client_secret": SECRET, "authorize_type": "silent", "grant_id": SHOP}
        if not self.authorized or {name: str(body.get(name)) for name in wanted} != wanted:
            return 200, {}, {"success": False, "code": 40001, "message": "店铺未授权或 client_secret 错误"}
        if body.get("refresh"):
            self.token_ends_ms = 4_102_444_800_000
        if body.get("refresh") or not self.token:
            self.issue()
        return _good(
            {"access_token": self.token, "expires": self.token_ends_ms, "authority_id": SHOP, "scope": "trade"}
        )

    def _list(self, body: dict[str, Any]) -> tuple[int, dict[str, str], Any]:
        start, end = (_instant(body[n]) for n in ("start_update", "end_update"))
        size, number = int(body["page_size"]), int(body["page_no"])
        if end - start > timedelta(days=366):
            return (
                200,
                {},
                {"success": False, "code": 106000001, "message": "每次可搜索一年订单记录,请重新选择起止时间"},
            )
        if not 1 <= size <= 100 or not 1 <= number <= 100:
            return 200, {}, {"success": False, "code": 106000002, "message": "分页参数错误"}
        if self.before_page:
            self.before_page(self, body)
        found = [o for o in self.orders.values() if start <= _instant(_updated(o)) <= end]
        found.sort(key=lambda order: (_updated(order), order["order_info"]["tid"]), reverse=True)
        page = [o for o in found[(number - 1) * size : number * size] if o["order_info"]["tid"] not in self.kept_back]
        data: dict[str, Any] = {"full_order_info_list": [{"full_order_info": order} for order in page]}
        return _good({**data, "total_results": len(found)} if self.tells_total else data)


def _instant(text: str) -> datetime:
    return datetime.strptime(text, FORM).replace(tzinfo=UTC)


def _updated(order: dict[str, Any]) -> str:
    return str(order["order_info"]["update_time"])


def _good(data: dict[str, Any]) -> tuple[int, dict[str, str], Any]:
    return 200, {}, {"trace_id": "yz7-0", "code": 200, "success": True, "message": "successful", "data": data}


def make_order(tid: str) -> dict[str, Any]:
    """A paid order of two products, personal data sealed as the interface gives them."""
    return {
        "order_info": {
            "tid": tid,
            "status": "WAIT_SELLER_SEND_GOODS",
            "status_str": "待发货",
            "created": "2025-03-01 09:59:00",
            "pay_time": "2025-03-01 10:00:00",
            "update_time": "2025-03-01 10:00:00",
            "refund_state": 0,
        },
        "buyer_info": {"yz_open_id": f"yz-{tid}", "buyer_phone": "$uhqbqg15Dn5slYolRHAzZw==$1$"},
        "address_info": {"receiver_tel": "138****1234", "receiver_name": "$uJsz0E3z9Ra7n01JhJiL9w==$1$"},
        "pay_info": {"payment": "30.00", "post_fee": "0.00", "total_fee": "33.00"},
        "orders": [
            {"oid": f"{tid}1", "title": "洗面奶", "num": 2, "price": "11.00", "discount_price": "10.00",
             "payment": "20.00", "outer_sku_id": "SKU-1", "item_id": 1, "sku_id": 11},
            {"oid": f"{tid}2", "title": "面霜", "num": 1, "price": "11.00", "discount_price": "10.00",
             "payment": "10.00", "outer_sku_id": "", "outer_item_id": "", "item_id": 2, "sku_id": 0},
        ],
    }  # fmt: skip


@contextmanager
def serve(shop: Youzan) -> Iterator[str]:
    """The shop's interface at an address of this machine."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            parts = urlsplit(self.path)
            query = {name: values[0] for name, values in parse_qs(parts.query).items()}
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            status, headers, told = shop.answer(parts.path, query, body)
            raw = told.encode() if isinstance(told, str) else json.dumps(told, ensure_ascii=False).encode()
            self.send_response(status)
            for name, value in {**headers, "Content-Length": str(len(raw))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(raw)

        def log_message(self, *_args: Any) -> None:
            """Quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    shop.base = f"http://127.0.0.1:{server.server_port}"
    try:
        yield shop.base
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
