"""Names of sales channels in the reader's language."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from django.utils.translation import gettext as _


def channel_label(code: str) -> str:
    """The sales channel in the reader's language where its code is a known one, else as the shop calls it."""
    words = {
        "taobao": _("Taobao and Tmall"),
        "tmall": _("Tmall"),
        "douyin": _("Douyin"),
        "youzan": _("Youzan"),
        "jd": _("JD.com"),
        "pdd": _("Pinduoduo"),
        "kuaishou": _("Kuaishou"),
        "xiaohongshu": _("Xiaohongshu"),
        "jushuitan": _("Jushuitan"),
        "store": _("Physical store"),
        "offline": _("Offline"),
        "online": _("Online"),
        "web": _("Website"),
        "app": _("App"),
        "mini_program": _("Mini-program"),
        "miniprogram": _("Mini-program"),
        "live": _("Live room"),
        "wecom": _("WeCom"),
        "wechat": _("WeChat"),
        "official_account": _("Official account"),
        "community": _("Community"),
        "group": _("Community"),
        "phone": _("Phone call"),
        "other": _("Other"),
    }
    return str(words.get(code.lower(), code))


def channel_labels(codes: Iterable[str]) -> dict[str, str]:
    """By code, with the code beside the label where two of them would read the same."""
    labels = {code: channel_label(code) for code in codes}
    seen = Counter(labels.values())
    return {code: label if seen[label] == 1 else f"{label} ({code})" for code, label in labels.items()}
