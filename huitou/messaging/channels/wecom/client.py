"""Calls to WeCom's interface with an access token that is kept, shared and renewed.

WeCom gives the same token to everyone who asks while it is valid, and blocks who asks too often: one token is kept for
each application in this process, and of threads that find it refused one takes a new one while the others wait.
"""

from __future__ import annotations

import hashlib
import json
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from huitou.messaging.channels.wecom.codes import TOKEN, meaning_of
from huitou.messaging.wire import NoAnswerError, NotSentError, Wire, read_json

ADDRESS = "https://qyapi.weixin.qq.com"
_MARGIN_SECONDS = 120
_TRIES = 2


class WeComError(Exception):
    """WeCom answered with a return code other than 0: it did not do what was asked."""

    def __init__(self, code: int, said: str) -> None:
        super().__init__(f"{code} {said}".strip()[:200])
        self.code = code
        self.meaning = meaning_of(code)


@dataclass
class _Kept:
    lock: threading.Lock
    token: str = ""
    ends: float = 0.0


_kept: dict[tuple[str, str, str], _Kept] = {}
_kept_lock = threading.Lock()


@dataclass(frozen=True)
class Client:
    """One application of one company. `address` has a scheme and a host and no path."""

    company: str
    secret: str
    wire: Wire
    address: str = ADDRESS

    def ask(self, path: str, payload: Mapping[str, Any]) -> dict[str, Any]:
        """POST to /cgi-bin/`path` and return the answer.

        Raises WeComError where it was refused, NotSentError where nothing was sent and NoAnswerError where nobody
        knows. A refused token is renewed once: a call that WeCom refused for its token has done nothing.
        """
        body = json.dumps(payload, ensure_ascii=False).encode()
        token = self._token()
        for attempt in range(_TRIES):
            url = f"{self.address}/cgi-bin/{path}?{urlencode({'access_token': token})}"
            reply = self.wire.post(url, body, {"Content-Type": "application/json; charset=utf-8"})
            answer = _read(reply.status, reply.body)
            code = answer["errcode"]
            if code == 0:
                return answer
            if code not in TOKEN or attempt == _TRIES - 1:
                raise WeComError(code, str(answer.get("errmsg", "")))
            token = self._token(refused=token)
        raise AssertionError("the last attempt returns or raises")

    def check(self) -> None:
        """Take a new token, to see whether company and secret belong together. Raises like `ask`."""
        self._fetch()

    def _token(self, refused: str = "") -> str:
        mark = hashlib.sha256(self.secret.encode()).hexdigest()
        with _kept_lock:
            kept = _kept.setdefault((self.address, self.company, mark), _Kept(threading.Lock()))
        with kept.lock:
            if not kept.token or kept.token == refused or time.monotonic() >= kept.ends:
                kept.token, lasts = self._fetch()
                kept.ends = time.monotonic() + max(0, lasts - _MARGIN_SECONDS)
            return kept.token

    def _fetch(self) -> tuple[str, int]:
        url = f"{self.address}/cgi-bin/gettoken?{urlencode({'corpid': self.company, 'corpsecret': self.secret})}"
        try:
            reply = self.wire.get(url)
            answer = _read(reply.status, reply.body)
            if answer["errcode"] == 0:
                return str(answer["access_token"]), int(answer.get("expires_in", 0))
        except (NoAnswerError, KeyError, ValueError) as error:
            # Asking for a token sends nothing to anybody, so a lost answer here is a definite failure.
            raise NotSentError("token_unavailable") from error
        raise WeComError(answer["errcode"], str(answer.get("errmsg", "")))


def _read(status: int, body: bytes) -> dict[str, Any]:
    """The answer as WeCom documents it. Anything else says nothing of what became of the call."""
    try:
        answer = read_json(body)
        code = int(answer["errcode"])
    except (ValueError, TypeError, KeyError) as error:
        raise NoAnswerError(f"status_{status}") from error
    return {**answer, "errcode": code}
