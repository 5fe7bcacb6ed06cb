"""Callbacks of WeCom: proved by signature and key, then turned into events and what may be answered."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from datetime import UTC, datetime

from huitou.core.clock import SystemClock
from huitou.messaging.channel import Address, CallbackRequest, CallbackResult, ChannelEvent, Reply
from huitou.messaging.channels.wecom.crypto import BadCallbackError, decrypt, read_xml, sign
from huitou.messaging.channels.wecom.welcome import WINDOW

_EVENTS = {
    "add_external_contact": "Friend Added",
    "add_half_external_contact": "Friend Added",
    "del_external_contact": "Friend Removed",
    "del_follow_user": "Friend Removed",
}
_BY_CUSTOMER = frozenset({"del_follow_user", "add_external_contact", "add_half_external_contact"})
# Who adds a member agrees to be answered; who removes one wants to hear nothing more.
_CONSENTS = {
    "add_external_contact": (("service", True),),
    "add_half_external_contact": (("service", True),),
    "del_follow_user": (("*", False),),
}
# Repeats within seconds are WeCom's own, and do nothing; what comes later is somebody's copy.
_LATEST_SECONDS = 3600
_REFUSED = CallbackResult(status=403, body=b"not signed as agreed")
_TAKEN = CallbackResult(body=b"success")


def read_request(settings: Mapping[str, str], request: CallbackRequest) -> CallbackResult:
    """The answer to a request at the callback address; 403 where it does not prove that WeCom sent it.

    A repeated callback gives the same message ids, so that it is taken once whenever it comes.
    """
    company, token, key = (settings.get(name, "") for name in ("corp_id", "callback_token", "encoding_aes_key"))
    if not (company and token and key):
        return _REFUSED
    try:
        if request.method == "GET":
            echo = _opened(token, key, company, request.query, request.query.get("echostr", ""))
            return CallbackResult(body=echo)
        encrypted = read_xml(request.body).get("Encrypt", "")
        message = _opened(token, key, company, request.query, encrypted)
        return _read_event(company, message)
    except BadCallbackError:
        return _REFUSED


def _opened(token: str, key: str, company: str, query: Mapping[str, str], encrypted: str) -> bytes:
    told = query.get("msg_signature", "")
    expected = sign(token, query.get("timestamp", ""), query.get("nonce", ""), encrypted)
    if not encrypted or not hmac.compare_digest(told.encode(), expected.encode()):
        raise BadCallbackError("not_signed")
    at = query.get("timestamp", "")
    # By the provider's time, whatever the brand's is.
    if not (at.isascii() and at.isdigit()) or abs(SystemClock().now().timestamp() - int(at[:12])) > _LATEST_SECONDS:
        raise BadCallbackError("not_now")
    return decrypt(key, company, encrypted)


def _read_event(company: str, message: bytes) -> CallbackResult:
    fields = read_xml(message)
    change = fields.get("ChangeType", "")
    customer, created = fields.get("ExternalUserID", ""), fields.get("CreateTime", "")
    if fields.get("Event") != "change_external_contact" or change not in _EVENTS or not customer:
        return _TAKEN
    if not (created.isascii() and created.isdigit() and len(created) <= 10):
        return _TAKEN
    at = datetime.fromtimestamp(int(created), tz=UTC)
    who = Address("external_userid", company, customer)
    member, state, code = (fields.get(name, "") for name in ("UserID", "State", "WelcomeCode"))
    # The content and not the envelope: what is sent again comes with another time and number around it.
    mark = hashlib.sha256("\n".join((company, change, member, customer, created)).encode()).hexdigest()[:32]
    told = {
        "staff_id": member,
        "entry_code": state,
        "channel": "wecom",
        "by": "customer" if change in _BY_CUSTOMER else "staff",
    }
    event = ChannelEvent(
        f"wecom:{mark}",
        _EVENTS[change],
        at,
        who,
        {name: value for name, value in told.items() if value},
        consents=_CONSENTS.get(change, ()),
    )
    replies: tuple[Reply, ...] = ()
    if code:
        replies = (Reply(f"wecom:{mark}", who, code, at + WINDOW, {"staff_id": member, "entry_code": state}),)
    return CallbackResult(events=(event,), replies=replies, body=b"success")
