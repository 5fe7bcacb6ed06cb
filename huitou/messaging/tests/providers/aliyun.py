"""Alibaba Cloud's short messages as documented: signed requests, approved templates, flow control, hours, reports.

Signatures are checked by code of its own, over what came in and not over what should have.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import re
import secrets
import time
from collections import Counter, defaultdict
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

from huitou.messaging.tests.providers.server import Answered, Asked, Provider, as_json

KEY_ID, KEY_SECRET, SIGN = "LTAI-test-key", "test-key-secret", "回头客"
_MOBILE = re.compile(r"1[3-9]\d{9}")
_AUTHORIZATION = re.compile(r"ACS3-HMAC-SHA256 Credential=([^,]+),SignedHeaders=([^,]+),Signature=([0-9a-f]{64})")


@dataclass
class Message:
    phone: str
    biz_id: str
    out_id: str
    text: str
    sent_at: float
    status: int = 1
    code: str = ""


class Aliyun(Provider):
    """`templates` maps a code to its text and whether it is for marketing."""

    def __init__(self, templates: dict[str, tuple[str, bool]], **given: Any) -> None:
        super().__init__(**given)
        self.templates = templates
        self.refusals: list[tuple[str, str]] = []
        self.messages: list[Message] = []
        self.sends: Counter[str] = Counter()
        self.nonces: set[str] = set()
        self.flow: dict[str, list[float]] = defaultdict(list)
        self.per_minute = 1000
        self.hour = 12
        self.template_status = 1
        self.now = time.time

    def answer(self, asked: Asked) -> Answered:
        with self.lock:
            action = asked.headers.get("x-acs-action", "")
            self.counts[action] += 1
            if problem := self._unsigned(asked):
                return _no(*problem, status=400)
            if self.refusals and action != "QuerySmsTemplate":
                return _no(*self.refusals.pop(0))
            call = getattr(self, f"_{action}", None)
            return call(asked.query) if call else _no("InvalidAction.NotFound", "no such action", status=404)

    def _unsigned(self, asked: Asked) -> tuple[str, str] | None:
        found = _AUTHORIZATION.fullmatch(asked.headers.get("authorization", ""))
        if not found:
            return "IncompleteSignature", "The request signature does not conform"
        key, names, signature = found.groups()
        if key != KEY_ID:
            return "InvalidAccessKeyId.NotFound", "Specified access key is not found."
        signed = names.split(";")
        needed = {
            "host",
            "x-acs-action",
            "x-acs-content-sha256",
            "x-acs-date",
            "x-acs-signature-nonce",
            "x-acs-version",
        }
        if signed != sorted(signed) or not needed <= set(signed):
            return "IncompleteSignature", "headers are missing"
        if hashlib.sha256(asked.body).hexdigest() != asked.headers["x-acs-content-sha256"]:
            return "SignatureDoesNotMatch", "body"
        query = "&".join(
            quote(name, safe="~") + "=" + quote(asked.query[name], safe="~") for name in sorted(asked.query)
        )
        lines = [asked.method, asked.path, query]
        lines += [f"{name}:{asked.headers.get(name, '').strip()}" for name in signed]
        lines += ["", names, asked.headers["x-acs-content-sha256"]]
        digest = hashlib.sha256("\n".join(lines).encode()).hexdigest()
        mac = hmac.new(KEY_SECRET.encode(), digestmod="sha256")
        mac.update(b"ACS3-HMAC-SHA256\n")
        mac.update(digest.encode())
        if mac.hexdigest() != signature:
            return "SignatureDoesNotMatch", "Specified signature does not match our calculation."
        told = datetime.strptime(asked.headers["x-acs-date"], "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
        if abs(told.timestamp() - time.time()) > 900:
            return "InvalidTimeStamp.Expired", "Specified time stamp or date value is expired."
        nonce = asked.headers["x-acs-signature-nonce"]
        if nonce in self.nonces:
            return "SignatureNonceUsed", "Specified signature nonce was used already."
        self.nonces.add(nonce)
        return None

    def _SendSms(self, query: dict[str, str]) -> Answered:  # noqa: N802
        template = self.templates.get(query.get("TemplateCode", ""))
        phone = query.get("PhoneNumbers", "")
        if not _MOBILE.fullmatch(phone):
            return _no("isv.MOBILE_NUMBER_ILLEGAL", "手机号码格式错误")
        if query.get("SignName") != SIGN:
            return _no("isv.SMS_SIGNATURE_ILLEGAL", "该账号下找不到对应签名")
        if template is None:
            return _no("isv.SMS_TEMPLATE_ILLEGAL", "该账号下找不到对应模板")
        text, is_marketing = template
        if self.template_status != 1 or (is_marketing and not text.endswith("拒收请回复R")):
            return _no("isv.SMS_TEMPLATE_ILLEGAL", "模板未审核通过")
        if is_marketing and not 8 <= self.hour < 20:
            return _no("isv.SMS_SEND_TIME_ILLEGAL", "推广短信发送时间8:00-20:00")
        try:
            values = json.loads(query.get("TemplateParam") or "{}")
        except ValueError:
            return _no("isv.INVALID_JSON_PARAM", "参数格式错误")
        for name in re.findall(r"\$\{(\w+)\}", text):
            value = values.get(name)
            if not isinstance(value, str) or not value:
                return _no("isv.TEMPLATE_MISSING_PARAMETERS", f"缺少变量{name}")
            if len(value) > 35:
                return _no("isv.PARAM_LENGTH_LIMIT", "参数超过长度限制")
            if "http" in value:
                return _no("isv.PARAM_NOT_SUPPORT_URL", "变量不支持链接")
            text = text.replace(f"${{{name}}}", value)
        lately = [at for at in self.flow[phone] if at > self.now() - 60]
        if len(lately) >= self.per_minute:
            return _no("isv.BUSINESS_LIMIT_CONTROL", "触发分钟级流控Permits:1")
        self.flow[phone] = [*lately, self.now()]
        biz_id = f"{secrets.randbelow(10**15)}^0"
        self.messages.append(Message(phone, biz_id, query.get("OutId", ""), text, self.now()))
        self.sends[query.get("OutId", "")] += 1
        return as_json({"Code": "OK", "Message": "OK", "BizId": biz_id, "RequestId": secrets.token_hex(8)})

    def _QuerySmsTemplate(self, query: dict[str, str]) -> Answered:  # noqa: N802
        template = self.templates.get(query.get("TemplateCode", ""))
        if template is None:
            return _no("isv.SMS_TEMPLATE_ILLEGAL", "模板不存在")
        text, is_marketing = template
        told = {
            "TemplateContent": text,
            "TemplateStatus": self.template_status,
            "TemplateType": 2 if is_marketing else 1,
        }
        return as_json({"Code": "OK", "Message": "OK", "RequestId": secrets.token_hex(8), **told})

    def _QuerySendDetails(self, query: dict[str, str]) -> Answered:  # noqa: N802
        if not re.fullmatch(r"\d{8}", query.get("SendDate", "")) or not 1 <= int(query.get("PageSize", "0")) <= 50:
            return _no("isv.INVALID_PARAMETERS", "参数异常")
        rows = [
            {
                "PhoneNum": message.phone,
                "SendStatus": message.status,
                "ErrCode": message.code,
                "SendDate": _beijing(message.sent_at),
                **({"ReceiveDate": _beijing(message.sent_at + 3)} if message.status == 3 else {}),
                "OutId": message.out_id,
            }
            for message in self.messages
            if message.phone == query.get("PhoneNumber") and query.get("BizId") in (None, message.biz_id)
        ]
        details = {"SmsSendDetailDTO": rows}
        return as_json({"Code": "OK", "Message": "OK", "TotalCount": str(len(rows)), "SmsSendDetailDTOs": details})

    def _QuerySmsSign(self, query: dict[str, str]) -> Answered:  # noqa: N802
        if query.get("SignName") != SIGN:
            return _no("isv.SMS_SIGNATURE_ILLEGAL", "签名不存在")
        return as_json({"Code": "OK", "Message": "OK", "SignName": SIGN, "SignStatus": 1})

    def report(self, message: Message, *, code: str = "DELIVERED") -> bytes:
        """The push about a message."""
        row = {
            "phone_number": message.phone,
            "send_time": _beijing(message.sent_at),
            "report_time": _beijing(message.sent_at + 3),
            "success": code == "DELIVERED",
            "err_code": code,
            "err_msg": "",
            "sms_size": "1",
            "biz_id": message.biz_id,
            "out_id": message.out_id,
        }
        return json.dumps([row], ensure_ascii=False).encode()


def reply_push(phone: str, content: str, at: float) -> bytes:
    """The push about what a customer answered."""
    row = {
        "phone_number": phone,
        "content": content,
        "send_time": _beijing(at),
        "dest_code": "1234",
        "sequence_id": "1234567890",
    }
    return json.dumps([row], ensure_ascii=False).encode()


def _beijing(at: float) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(at + 8 * 3600))


def _no(code: str, said: str, status: int = 200) -> Answered:
    return as_json({"Code": code, "Message": said, "RequestId": secrets.token_hex(8)}, status)
