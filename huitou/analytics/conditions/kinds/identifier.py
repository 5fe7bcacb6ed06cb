"""A kind of identifier that the customer is known by."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import ibis

from huitou.analytics.conditions.comparing import text_schema, texts_schema
from huitou.analytics.conditions.facts import History
from huitou.analytics.conditions.json_shapes import closed
from huitou.analytics.conditions.leaf import Leaf, LeafKind, Summed, told
from huitou.analytics.conditions.moment import Moment
from huitou.analytics.conditions.reading import Reader


@dataclass(frozen=True)
class IdentifierLeaf(Leaf):
    """Known by one of some kinds of identifier."""

    kinds: tuple[str, ...]

    def asks(self, moment: Moment) -> Summed:
        return Summed(
            "identifiers",
            lambda rows: rows.kind.isin(list(self.kinds)),
            {"count": lambda rows, flag: rows.count(where=flag)},
            exists=True,
        )

    def met(self, values: Mapping[str, ibis.Value], moment: Moment) -> ibis.Value:
        return values["count"] > 0

    def holds(self, history: History, moment: Moment) -> bool:
        return any(row["kind"] in self.kinds for row in history.identifiers)

    def words(self, language: str) -> str:
        names = [told(language, kind.replace("_", " "), _CHINESE.get(kind, kind)) for kind in self.kinds]
        joined = told(language, " or ", "或").join(names)
        return told(language, f"is known by {joined}", f"有{joined}")


_CHINESE = {
    "anonymous_id": "匿名 ID",
    "buyer_id": "买家账号",
    "customer_id": "客户编号",
    "email": "邮箱",
    "external_userid": "企业微信外部联系人",
    "member_no": "会员号",
    "openid": "微信 openid",
    "phone": "手机号",
    "unionid": "微信 unionid",
}


def _read(data: Mapping[str, Any], path: str) -> IdentifierLeaf:
    return IdentifierLeaf(Reader(data, path, ("identifier",)).texts("identifier"))


KIND = LeafKind(
    kind="identifier",
    label="Identifier",
    term_zh="客户标识",
    definition="The customer is known by an identifier of this kind, or of one of several, such as phone.",
    read=_read,
    schema=lambda: closed({"identifier": {"anyOf": [text_schema(), texts_schema()]}}, ["identifier"]),
    needs="identifiers",
    examples=({"identifier": "phone"}, {"identifier": ["phone", "wecom"]}),
)
