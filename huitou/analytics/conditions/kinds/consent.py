"""Consent to be contacted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import ibis

from huitou.analytics.conditions.comparing import text_schema
from huitou.analytics.conditions.facts import History
from huitou.analytics.conditions.json_shapes import closed
from huitou.analytics.conditions.leaf import Leaf, LeafKind, Summed, told
from huitou.analytics.conditions.moment import Moment
from huitou.analytics.conditions.reading import Reader


@dataclass(frozen=True)
class ConsentLeaf(Leaf):
    """What the customer has said about one channel and purpose; who said nothing has neither consented nor refused."""

    channel: str
    purpose: str
    granted: bool

    def asks(self, moment: Moment) -> Summed:
        def match(rows: ibis.Table) -> ibis.Value:
            said = (rows.channel == self.channel) & (rows.purpose == self.purpose)
            return said & (rows.granted == self.granted) & (rows["at"] <= ibis.literal(moment.as_of))

        return Summed("consents", match, {"count": lambda rows, flag: rows.count(where=flag)}, exists=True)

    def met(self, values: Mapping[str, ibis.Value], moment: Moment) -> ibis.Value:
        return values["count"] > 0

    def holds(self, history: History, moment: Moment) -> bool:
        wanted = (self.channel, self.purpose, self.granted)
        return any(
            (row["channel"], row["purpose"], row["granted"]) == wanted and row["at"] <= moment.as_of
            for row in history.consents
        )

    def words(self, language: str) -> str:
        purpose = {"marketing": "营销触达", "service": "服务通知"}.get(self.purpose, self.purpose)
        english, chinese = _CHANNELS.get(self.channel, (self.channel, f"{self.channel}渠道"))
        on = told(language, f"{self.purpose} by {english}", f"{chinese}的{purpose}")
        if self.granted:
            return told(language, f"has consented to {on}", f"已同意{on}")
        return told(language, f"has refused {on}", f"已拒绝{on}")


_CHANNELS = {
    "sms": ("SMS", "短信"),
    "phone": ("phone", "电话"),
    "email": ("e-mail", "邮件"),
    "wecom": ("WeCom", "企业微信"),
    "wechat": ("WeChat", "微信"),
    "app": ("app", "App"),
    "push": ("push message", "推送消息"),
}


def _read(data: Mapping[str, Any], path: str) -> ConsentLeaf:
    whole = Reader(data, path, ("consent",))
    reader = Reader(whole.get("consent", "an object"), whole.at("consent"), ("channel", "purpose", "granted"))
    granted = reader.flag("granted") if "granted" in reader else True
    return ConsentLeaf(reader.text("channel"), reader.text("purpose"), granted)


def _schema() -> dict[str, Any]:
    own = {"channel": text_schema(), "purpose": text_schema(), "granted": {"type": "boolean", "default": True}}
    return closed({"consent": closed(own, ["channel", "purpose"])}, ["consent"])


KIND = LeafKind(
    kind="consent",
    label="Consent",
    term_zh="触达同意",
    definition=(
        "The customer has consented to a purpose on a channel, or with `granted` false has refused it. "
        "It chooses an audience; whether a message may go out is looked up again when it is sent."
    ),
    read=_read,
    schema=_schema,
    needs="consents",
    examples=({"consent": {"channel": "sms", "purpose": "marketing"}},),
)
