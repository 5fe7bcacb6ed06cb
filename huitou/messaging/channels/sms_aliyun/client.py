"""Calls to Alibaba Cloud's short message service 短信服务."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from huitou.core.clock import SystemClock
from huitou.messaging.channels.sms_aliyun.signing import VERSION, encode_query, sign_request
from huitou.messaging.wire import NoAnswerError, Wire, read_json

ADDRESS = "https://dysmsapi.aliyuncs.com"


class SmsError(Exception):
    """The service answered that it did not do what was asked."""

    def __init__(self, code: str, said: str) -> None:
        super().__init__(f"{code} {said}".strip()[:300])
        self.code = code
        self.said = said


@dataclass(frozen=True)
class Client:
    """One access key."""

    key_id: str
    key_secret: str
    wire: Wire
    address: str = ADDRESS

    def ask(self, action: str, values: Mapping[str, str]) -> dict[str, Any]:
        """Call one action and return its answer.

        Raises SmsError where it was refused, NotSentError where nothing was sent, NoAnswerError where nobody knows.
        """
        query = encode_query(values)
        headers = sign_request(
            host=urlsplit(self.address).netloc,
            action=action,
            version=VERSION,
            query=query,
            body=b"",
            # The service compares with its own clock, whatever time the brand lives in.
            moment=SystemClock().now(),
            nonce=secrets.token_hex(16),
            key_id=self.key_id,
            key_secret=self.key_secret,
        )
        reply = self.wire.post(f"{self.address}/?{query}", b"", headers)
        try:
            answer: dict[str, Any] = read_json(reply.body)
            code, said = str(answer["Code"]), str(answer.get("Message") or "")
        except (ValueError, TypeError, KeyError) as error:
            raise NoAnswerError(f"status_{reply.status}") from error
        if code != "OK":
            raise SmsError(code, said)
        return answer
