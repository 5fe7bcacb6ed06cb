"""How send reports are written: headers, words for what became of a message, and times."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from huitou.messaging.channel import CLICKED, COMPLAINED, DELIVERED, FAILED, READ, SENT, UNSUBSCRIBED

# By what a column means: headers that tools give it, in small letters without blanks.
_HEADERS: dict[str, str] = {
    "touch": ("触达编号|touchnumber|touchid|touch|任务明细id|外部编号|自定义编号|ref|reference"),
    "phone": ("手机号|手机|手机号码|电话|接收号码|号码|phone|mobile|phonenumber|recipient|to"),
    "external_userid": ("企业微信外部联系人|wecomexternalcontact|external_userid|外部联系人id|客户id"),
    "email": ("邮箱|电子邮件|邮箱地址|email|e-mail|emailaddress"),
    "customer_id": ("客户编号|会员编号|会员号|customernumber|customerid|customer_id|membernumber"),
    "status": (
        "状态|发送状态|结果|发送结果|通话结果|呼叫结果|外呼结果|接听状态|回执状态|送达状态|触达状态|status|result|state|deliverystatus"
    ),
    "at": (
        "时间|发送时间|送达时间|回执时间|触达时间|完成时间|time|sentat|senttime|sendtime|deliveredat|date|timestamp"
    ),
    "code": ("错误码|失败原因|原因|备注|code|errorcode|error|reason"),
}
_STATUSES: dict[str, str] = {
    CLICKED: ("已点击|点击|clicked|click"),
    READ: ("已读|已打开|打开|已查看|read|opened|open|seen"),
    DELIVERED: (
        "送达|已送达|成功|发送成功|接收成功|触达成功|已触达|delivered|delivrd|success|successful"
        "|succeeded|ok|已接听|接通"
    ),
    SENT: ("已发送|已发出|已提交|提交成功|发送中|sent|submitted|accepted"),
    FAILED: (
        "失败|发送失败|未送达|空号|停机|拒收|黑名单|关机|未接通|未接|未接听|无人接听|无应答|占线|忙线|拒接|挂断"
        "|failed|fail|failure|undelivered|undeliv|rejected|bounced|error|not delivered|blocked|no answer|busy"
        "|未发送|未发出|未成功|不成功|unsent|not sent|unsuccessful"
    ),
    COMPLAINED: ("投诉|已投诉|被投诉|举报|被举报|complained|complaint|spam|spam complaint|marked as spam"),
    UNSUBSCRIBED: ("退订|已退订|拒绝接收|unsubscribed|unsubscribe|optout|optedout|td"),
}
STATUS_OF = {word: status for status, words in _STATUSES.items() for word in words.split("|")}
_WEIGHTS = {FAILED: 2, COMPLAINED: 1, UNSUBSCRIBED: 1}
_BLANKS = re.compile(r"[\s_()（）:：\-]+")
# What a customer has not done yet: the message is sent, whatever else the cell says.
_NOT_DONE = re.compile(
    r"(?:尚未|还未|还没有?|没有|未|没)(?:已?读|阅读|打开|查看|点击|点开|回复|退订|投诉|举报)"
    r"|(?:not(?:yet)?|never|un)(?:read|opened|open|clicked|seen|replied|unsubscribed|complained)"
)
# What says that the rest did not come about, in words that are not known as they stand.
_DENIED = re.compile(r"未|没|不|无|待|non|not|never|un(?!subscri)")
_NOTHING = {"", "-", "--", "无", "null", "none", "n/a"}
_FORMS = (
    "%Y-%m-%d %H:%M:%S",
    "%Y-%m-%d %H:%M",
    "%Y/%m/%d %H:%M:%S",
    "%Y/%m/%d %H:%M",
    "%Y.%m.%d %H:%M:%S",
    "%Y年%m月%d日 %H:%M:%S",
    "%Y年%m月%d日 %H:%M",
    "%Y年%m月%d日%H时%M分",
    "%Y%m%d%H%M%S",
    "%Y-%m-%d",
    "%Y/%m/%d",
    "%Y年%m月%d日",
)
_EARLIEST, _AHEAD = datetime(2000, 1, 1, tzinfo=UTC), timedelta(days=1)


def plain(word: str) -> str:
    """A header or status without blanks, brackets and capitals."""
    return _BLANKS.sub("", word.strip().lstrip("'\ufeff")).casefold()


def columns_of(header: list[str]) -> dict[str, int]:
    """Which column is what, by the headers; the first that fits."""
    found: dict[str, int] = {}
    known = {plain(word): name for name, words in _HEADERS.items() for word in words.split("|")}
    for place, cell in enumerate(header):
        name = known.get(plain(cell))
        if name is not None:
            found.setdefault(name, place)
    return found


def read_status(cell: str) -> str | None:
    """What a cell says became of the message; an empty one says that it was sent, None: not understood."""
    if cell.strip().casefold() in _NOTHING:
        return SENT
    told = _NOT_DONE.sub("", plain(cell))
    if not told:
        return SENT
    known = {plain(word): status for word, status in STATUS_OF.items()}
    if told in known:
        return known[told]
    # "发送失败(空号)" or "成功：DELIVRD": the longest word inside decides, failures first, then who wants no more;
    # "没有送达" is no delivery.
    inside = [
        (_WEIGHTS.get(status, 0), len(word), status) for word, status in known.items() if len(word) > 1 and word in told
    ]
    found = max(inside)[2] if inside else None
    return None if found not in (None, SENT, FAILED) and _DENIED.search(told) else found


def read_time(cell: str, zone: ZoneInfo, now: datetime) -> datetime | None:
    """An instant in UTC; times without a zone are the brand's. None where it cannot be read, or lies in the future."""
    told = cell.strip().lstrip("'").replace("T", " ").rstrip("Z")
    if told.casefold() in _NOTHING:
        return now
    instant = None
    try:
        instant = datetime.fromisoformat(cell.strip().lstrip("'"))
    except ValueError:
        for form in _FORMS:
            try:
                instant = datetime.strptime(told, form).replace(tzinfo=zone)
                break
            except ValueError:
                continue
    if instant is None:
        return None
    instant = (instant if instant.tzinfo else instant.replace(tzinfo=zone)).astimezone(UTC)
    return instant if _EARLIEST <= instant <= now + _AHEAD else None
