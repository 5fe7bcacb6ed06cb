"""What Alibaba Cloud's codes mean: of a call that was refused, and of a message that did not arrive."""

from __future__ import annotations

from dataclasses import dataclass

_MINUTE, _HOUR, _DAY = 60, 3600, 24 * 3600


@dataclass(frozen=True)
class Meaning:
    """`wait` is in seconds, None where trying again cannot help; `of_number`: only this number has to wait."""

    wait: int | None
    is_credentials: bool = False
    of_number: bool = False


_PERMANENT = Meaning(None)
_CREDENTIALS = Meaning(_HOUR, is_credentials=True)
# How often one number may be written to is counted by minute, hour and day; the message tells which one was reached.
_FLOW = "isv.BUSINESS_LIMIT_CONTROL"
_FLOW_WAITS = (("分钟", _MINUTE), ("minute", _MINUTE), ("小时", _HOUR), ("hour", _HOUR))
_MEANINGS = {
    "isv.DAY_LIMIT_CONTROL": Meaning(_DAY),
    "isv.MONTH_LIMIT_CONTROL": Meaning(_DAY),
    "isv.OUT_OF_SERVICE": _CREDENTIALS,
    "isv.AMOUNT_NOT_ENOUGH": _CREDENTIALS,
    "isv.ACCOUNT_NOT_EXISTS": _CREDENTIALS,
    "isv.ACCOUNT_ABNORMAL": _CREDENTIALS,
    "isv.PRODUCT_UN_SUBSCRIPT": _CREDENTIALS,
    "isv.PRODUCT_UNSUBSCRIBE": _CREDENTIALS,
    "isv.DENY_IP_RANGE": _CREDENTIALS,
    "isp.RAM_PERMISSION_DENY": _CREDENTIALS,
    "SignatureDoesNotMatch": _CREDENTIALS,
    "IncompleteSignature": _CREDENTIALS,
    "InvalidAccessKeyId.NotFound": _CREDENTIALS,
    "InvalidAccessKeyId.Inactive": _CREDENTIALS,
    "InvalidTimeStamp.Expired": Meaning(_MINUTE),
    "SignatureNonceUsed": Meaning(_MINUTE),
    "Throttling": Meaning(_MINUTE),
    "Throttling.User": Meaning(_MINUTE),
    "Throttling.Api": Meaning(_MINUTE),
    "ServiceUnavailable": Meaning(_MINUTE),
    # Of a question about a template, which sends nothing; of a message they leave it unknown.
    "isp.SYSTEM_ERROR": Meaning(_MINUTE),
    "isp.GATEWAY_ERROR": Meaning(_MINUTE),
    "isp.UNKNOWN": Meaning(_MINUTE),
    "InternalError": Meaning(_MINUTE),
}
# Answers that do not tell whether the message went out before something broke inside. A nonce is used once: that it was
# used before means that somebody on the way sent the same request twice, and the first may have gone out.
DOUBTFUL = frozenset({"isp.SYSTEM_ERROR", "isp.GATEWAY_ERROR", "isp.UNKNOWN", "InternalError", "SignatureNonceUsed"})


def meaning_of(code: str, said: str) -> Meaning:
    """What a refused call means. One that is not listed (number, signature, template, content) stays refused."""
    if code == _FLOW:
        lower = said.lower()
        return Meaning(next((wait for word, wait in _FLOW_WAITS if word in lower), _DAY), of_number=True)
    return _MEANINGS.get(code, _PERMANENT)
