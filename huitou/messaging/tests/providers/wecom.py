"""WeCom as it is documented: tokens, mass messages that members confirm, limits by customer, welcomes, callbacks.

Written from the documents and not from the adapter: signatures and ciphers here are made by other code.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
import secrets
import struct
import time
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from cryptography.hazmat.primitives import padding
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from huitou.messaging.tests.providers.server import Answered, Asked, Provider, as_json

COMPANY, SECRET, TOKEN = "ww1234567890abcdef", "app-secret-of-the-test", "callbackToken7"
AES_KEY = base64.b64encode(bytes(range(32))).decode().rstrip("=")
_BASE = "/cgi-bin/"
_PAGE = 2


@dataclass
class Task:
    """One mass message: who gets it from which member, and what became of it."""

    msgid: str
    content: str
    by_member: dict[str, list[str]]
    statuses: dict[str, int] = field(default_factory=dict)
    confirmed: set[str] = field(default_factory=set)
    cancelled: bool = False
    reminded_at: list[float] = field(default_factory=list)
    sent_at: int = 0


class WeCom(Provider):
    """`friends` maps a customer to the members they added, the one who last talked first; without it everybody is
    a friend of one member, but for those whom it is told of later."""

    def __init__(self, friends: dict[str, list[str]] | None = None, **given: Any) -> None:
        super().__init__(**given)
        self.friends = friends if friends is not None else {}
        self.any_friend = friends is None
        self.tokens: dict[str, float] = {}
        self.lasting = 7200.0
        self.refusals: list[int] = []
        self.tasks: dict[str, Task] = {}
        self.created: Counter[str] = Counter()
        self.received: dict[str, list[date]] = defaultdict(list)
        self.heard: list[str] = []
        self.today = date(2026, 3, 2)
        self.rule = "month"
        self.welcome_codes: dict[str, float] = {}
        self.welcomed: Counter[str] = Counter()
        self.now = time.monotonic

    def answer(self, asked: Asked) -> Answered:
        with self.lock:
            name = asked.path.removeprefix(_BASE)
            self.counts[name] += 1
            if name == "gettoken":
                return self._give_token(asked)
            if self.refusals and (code := self.refusals.pop(0)):
                return _no(code)
            token = asked.query.get("access_token", "")
            if not token:
                return _no(41001)
            if token not in self.tokens:
                return _no(40014)
            if self.tokens[token] < self.now():
                return _no(42001)
            try:
                payload = json.loads(asked.body)
            except ValueError:
                return _no(40058)
            call = getattr(self, "_" + name.removeprefix("externalcontact/"), None)
            return call(payload) if call and asked.method == "POST" else _no(40058)

    def _give_token(self, asked: Asked) -> Answered:
        if asked.query.get("corpid") != COMPANY:
            return _no(40013)
        if asked.query.get("corpsecret") != SECRET:
            return _no(40001)
        # Who asks again while a token is valid gets the same one.
        valid = [token for token, ends in self.tokens.items() if ends > self.now()]
        token = valid[0] if valid else secrets.token_urlsafe(32)
        self.tokens.setdefault(token, self.now() + self.lasting)
        return as_json({"errcode": 0, "errmsg": "ok", "access_token": token, "expires_in": int(self.lasting)})

    def _get_groupmsg_list_v2(self, payload: dict[str, Any]) -> Answered:
        return _yes(group_msg_list=[])

    def _add_msg_template(self, payload: dict[str, Any]) -> Answered:
        receivers = payload.get("external_userid") or []
        text = (payload.get("text") or {}).get("content", "")
        if payload.get("chat_type") != "single" or not receivers or len(receivers) > 10_000:
            return _no(40058)
        if len(set(receivers)) != len(receivers) or len(text.encode()) > 4000:
            return _no(40058)
        if not text and not payload.get("attachments"):
            return _no(41010)
        by_member: dict[str, list[str]] = defaultdict(list)
        failed = []
        for customer in receivers:
            members = self.friends.get(customer, ["member-1"] if self.any_friend else [])
            sender = payload.get("sender")
            member = sender if sender in members else (None if sender else next(iter(members), None))
            if member:
                by_member[member].append(customer)
            else:
                failed.append(customer)
        if not by_member:
            return _no(41048)
        task = Task(f"msg{secrets.token_hex(12)}", text, dict(by_member))
        self.tasks[task.msgid] = task
        for customers in by_member.values():
            self.created.update(f"{customer}:{text}" for customer in customers)
        return _yes(msgid=task.msgid, fail_list=failed)

    def confirm(self, msgid: str, member: str, at: float | None = None) -> bool:
        """The member sends the task, now or then; customers over their limit or no longer friends do not get it.

        A task that was stopped is gone from the member's list.
        """
        with self.lock:
            task = self.tasks[msgid]
            if task.cancelled:
                return False
            task.confirmed.add(member)
            task.sent_at = int(time.time() if at is None else at)
            for customer in task.by_member[member]:
                still = member in self.friends.get(customer, [member] if self.any_friend else [])
                over = self._is_over(customer)
                task.statuses[customer] = 2 if not still else 3 if over else 1
                if task.statuses[customer] == 1:
                    self.received[customer].append(self.today)
                    self.heard.append(customer)
            return True

    def _is_over(self, customer: str) -> bool:
        days, today = self.received[customer], self.today
        if self.rule == "day":
            return today in days
        if self.rule == "week":
            return sum(1 for day in days if day.isocalendar()[:2] == today.isocalendar()[:2]) >= 7
        of_month = sum(1 for day in days if (day.year, day.month) == (today.year, today.month))
        length = {2: 28 + (today.year % 4 == 0), 4: 30, 6: 30, 9: 30, 11: 30}.get(today.month, 31)
        return of_month >= length

    def _get_groupmsg_task(self, payload: dict[str, Any]) -> Answered:
        task = self.tasks.get(payload.get("msgid", ""))
        if task is None or not 1 <= payload.get("limit", 500) <= 1000:
            return _no(40058)
        rows = [
            {"userid": member, "status": 2 if member in task.confirmed else 0, "send_time": task.sent_at}
            for member in sorted(task.by_member)
        ]
        return _page(rows, payload, "task_list")

    def _get_groupmsg_send_result(self, payload: dict[str, Any]) -> Answered:
        task = self.tasks.get(payload.get("msgid", ""))
        if task is None or payload.get("userid") not in task.by_member:
            return _no(40058)
        rows = []
        for customer in task.by_member[payload["userid"]]:
            row: dict[str, Any] = {
                "external_userid": customer,
                "userid": payload["userid"],
                "status": task.statuses.get(customer, 0),
            }
            if row["status"] == 1:
                row["send_time"] = task.sent_at
            rows.append(row)
        return _page(rows, payload, "send_list")

    def _remind_groupmsg_send(self, payload: dict[str, Any]) -> Answered:
        task = self.tasks.get(payload.get("msgid", ""))
        if task is None:
            return _no(40058)
        if sum(1 for at in task.reminded_at if at > self.now() - 86400) >= 3:
            return _no(45009)
        task.reminded_at.append(self.now())
        return _yes()

    def _cancel_groupmsg_send(self, payload: dict[str, Any]) -> Answered:
        task = self.tasks.get(payload.get("msgid", ""))
        # What every member has sent has nobody left who could go on sending it.
        if task is None or task.confirmed >= set(task.by_member):
            return _no(40058)
        task.cancelled = True
        return _yes()

    def _send_welcome_msg(self, payload: dict[str, Any]) -> Answered:
        code = payload.get("welcome_code", "")
        if code not in self.welcome_codes or self.now() > self.welcome_codes[code] + 20:
            return _no(41050)
        if self.welcomed[code]:
            return _no(41051)
        if not payload.get("text") and not payload.get("attachments"):
            return _no(41010)
        self.welcomed[code] += 1
        return _yes()

    def callback(
        self, change: str, customer: str, *, member: str = "member-1", created: int, code: str = ""
    ) -> Callback:
        """A callback about a customer, as WeCom would send it; a code for a welcome is valid for 20 seconds."""
        if code:
            self.welcome_codes[code] = self.now()
        fields = {
            "ToUserName": COMPANY,
            "FromUserName": "sys",
            "CreateTime": str(created),
            "MsgType": "event",
            "Event": "change_external_contact",
            "ChangeType": change,
            "UserID": member,
            "ExternalUserID": customer,
            "State": "door-7",
            "WelcomeCode": code,
        }
        inner = "".join(f"<{name}><![CDATA[{value}]]></{name}>" for name, value in fields.items() if value)
        return make_callback(f"<xml>{inner}</xml>".encode())


@dataclass(frozen=True)
class Callback:
    query: dict[str, str]
    body: bytes


def make_callback(message: bytes, *, company: str = COMPANY, token: str = TOKEN, key: str = AES_KEY) -> Callback:
    sealed = encrypt(message, company=company, key=key)
    query = signed_query(sealed, token=token)
    body = f"<xml><ToUserName><![CDATA[{company}]]></ToUserName><Encrypt><![CDATA[{sealed}]]></Encrypt></xml>"
    return Callback(query, body.encode())


def signed_query(sealed: str, *, token: str = TOKEN, age: float = 0) -> dict[str, str]:
    timestamp, nonce = str(int(time.time() - age)), secrets.token_hex(5)
    parts = [token, timestamp, nonce, sealed]
    parts.sort()
    signature = hashlib.new("sha1", "".join(parts).encode()).hexdigest()
    return {"msg_signature": signature, "timestamp": timestamp, "nonce": nonce}


def encrypt(message: bytes, *, company: str = COMPANY, key: str = AES_KEY) -> str:
    raw = base64.b64decode(key + "=")
    packed = os.urandom(16) + struct.pack("!I", len(message)) + message + company.encode()
    padder = padding.PKCS7(256).padder()
    cipher = Cipher(algorithms.AES(raw), modes.CBC(raw[:16])).encryptor()
    return base64.b64encode(cipher.update(padder.update(packed) + padder.finalize()) + cipher.finalize()).decode()


def _page(rows: list[dict[str, Any]], payload: dict[str, Any], name: str) -> Answered:
    start = int(payload.get("cursor") or 0)
    rest = start + _PAGE < len(rows)
    return _yes(**{name: rows[start : start + _PAGE]}, next_cursor=str(start + _PAGE) if rest else "")


def _yes(**content: object) -> Answered:
    return as_json({"errcode": 0, "errmsg": "ok", **content})


def _no(code: int) -> Answered:
    return as_json({"errcode": code, "errmsg": f"refused, hint: [{secrets.token_hex(4)}], from ip: 203.0.113.9"})
