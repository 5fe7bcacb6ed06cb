"""What shops call the states of an order or a return, and which of ours they mean."""

from __future__ import annotations

import unicodedata

from django.utils.translation import gettext as _

UNPAID, PAID, COMPLETED, CANCELLED, PARTLY_REFUNDED, REFUNDED = (
    "unpaid",
    "paid",
    "completed",
    "cancelled",
    "partly_refunded",
    "refunded",
)

_ORDER_WORDS: dict[str, str] = {
    UNPAID: "待付款|等待买家付款|未付款|待支付|未支付|等待付款|已下单|已拍下|未付定金|待付尾款|created|new"
    "|unpaid|pending"
    "|pending payment|pending_payment|awaiting payment|on hold|on-hold|draft|holded|payment_review|pending_paypal"
    "|waiting for payment|等待付款确认",
    PAID: "买家已付款|买家已付款,等待卖家发货|等待卖家发货|待发货|已付款|已支付|付款成功|支付成功|部分发货"
    "|卖家部分发货|待成团"
    "|已发货|卖家已发货|卖家已发货,等待买家确认|等待买家确认|等待买家确认收货|待收货|待取货|待自提|待核销"
    "|备货中|配货中|发货中|运输中"
    "|已出库|已审核|已确认|已付款待审核|等待确认|待确认|异常|paid|approved|processing|invoiced|shipped"
    "|confirmed|dispatched"
    "|in transit|in_transit|out for delivery|ready|authorized|partially_paid|partially shipped|packed|open"
    "|active|accepted|cod|shipping|shipped - picked up|shipped - out for delivery|ready to ship|in process|exchange"
    "|pending - waiting for pick up",
    COMPLETED: "交易成功|交易完成|已完成|已签收|已收货|已核销|已评价|订单完成|订单已完成|完成|成功|买家已签收"
    "|success|successful"
    "|completed|complete|delivered|received|fulfilled|closed won|done|finished|settled|shipped - delivered to buyer",
    CANCELLED: "交易关闭|已取消|已关闭|订单关闭|取消|关闭|作废|已作废|交易取消|订单取消|买家取消|卖家取消"
    "|付款以后用户退款成功,交易自动关闭"
    "|付款以前,卖家或买家主动关闭交易|cancelled|canceled|voided|void|unavailable|expired|failed|rejected"
    "|declined|abandoned"
    "|closed|payment failed|denied|fraud|shipped - lost in transit|shipped - damaged",
    PARTLY_REFUNDED: "部分退款|部分退货|部分退款成功|partly refunded|partially refunded|partially_refunded"
    "|partly_refunded"
    "|partial refund|partial_refund|partially returned",
    REFUNDED: "已退款|退款成功|退款完成|全额退款|已退货|退货退款|退货完成|退货成功|已全额退款|交易关闭(退款)"
    "|全部退款|refunded|returned"
    "|refund|return|fully refunded|chargeback|charged back|charged_back|order_refunded"
    "|shipped - returned to seller|shipped - returning to seller|shipped - rejected by buyer",
}
_REFUND_WORDS: dict[str, str] = {
    "none": "没有申请退款|无退款|未退款|无售后|无|未申请|未申请退款|未申请售后|退款关闭|退款已关闭|退款取消"
    "|售后关闭|售后取消|已撤销"
    "|卖家拒绝退款|商家拒绝|拒绝退款|退款中|售后中|退款处理中|待退款|待商家处理|待买家退货|等待买家退货"
    "|待商家收货|换货成功|换货中|补寄成功"
    "|买家已经申请退款,等待卖家同意|卖家已经同意退款,等待买家退货|买家已经退货,等待卖家确认收货|售后完成|none"
    "|no|no refund|false|0"
    "|pending|requested|rejected|closed|n",
    PARTLY_REFUNDED: "部分退款|部分退款成功|部分退款完成|partial|partially refunded|partially_refunded|partial refund",
    REFUNDED: "退款成功|退款完成|已退款|全额退款|全部退款|退货退款成功|仅退款成功|同意退款,退款成功|退货退款"
    "|已退货|退款已完成|全额退款成功"
    "|退款成功(全额)|refunded|full|fully refunded|returned|yes|true|1|y",
}
_TYPE_WORDS: dict[str, str] = {
    "normal": "normal|普通订单|普通|正常|销售|线上订单|零售|普通发货",
    "sample": "sample|样品|寄样|试用|赠品单|赠品|达人样品",
    "staff": "staff|内购|员工|员工内购",
    "brushing": "brushing|刷单|补单|特殊单|空单",
}


def word_key(word: str) -> str:
    """How words are compared: folded width and case, without blanks."""
    return "".join(unicodedata.normalize("NFKC", word).casefold().split())


def _index(words: dict[str, str]) -> dict[str, str]:
    return {word_key(word): meaning for meaning, listed in words.items() for word in listed.split("|")}


ORDER_STATUS_WORDS = _index(_ORDER_WORDS)
REFUND_STATUS_WORDS = _index(_REFUND_WORDS)
ORDER_TYPE_WORDS = _index(_TYPE_WORDS)
# Which words each mapped field understands, and the meanings that --map-value may give.
VOCABULARIES: dict[str, dict[str, str]] = {
    "status": ORDER_STATUS_WORDS,
    "refund_status": REFUND_STATUS_WORDS,
    "order_type": ORDER_TYPE_WORDS,
}
MEANINGS: dict[str, tuple[str, ...]] = {
    "status": tuple(_ORDER_WORDS),
    "refund_status": tuple(_REFUND_WORDS),
    "order_type": tuple(_TYPE_WORDS),
}


def meaning_of(field: str, word: str, extra: dict[str, str] | None = None) -> str | None:
    """Our word for the shop's `word` of `field`; None if nobody ever said what it means."""
    key = word_key(word)
    for given, meaning in (extra or {}).items():
        if word_key(given) == key:
            return meaning
    if field == "order_type":
        return ORDER_TYPE_WORDS.get(key, "normal")
    return VOCABULARIES[field].get(key)


def meaning_words() -> dict[str, str]:
    """What a shop's word may mean, by our code, as people read it."""
    return {
        "unpaid": _("Unpaid"),
        "paid": _("Paid"),
        "completed": _("Completed"),
        "cancelled": _("Cancelled"),
        "partly_refunded": _("Partly refunded"),
        "refunded": _("Refunded"),
        "none": _("No refund"),
        "normal": _("Normal order"),
        "sample": _("Sample"),
        "staff": _("Staff order"),
        "brushing": _("Brushing order"),
    }
