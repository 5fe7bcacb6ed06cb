"""A random share of the customers, the same at every look."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import ibis

from huitou.analytics.conditions.comparing import text_schema
from huitou.analytics.conditions.facts import History
from huitou.analytics.conditions.json_shapes import closed
from huitou.analytics.conditions.leaf import Columns, Leaf, LeafKind, told
from huitou.analytics.conditions.moment import Moment
from huitou.analytics.conditions.reading import Reader

WHOLE = 10_000
_DRAWS = 2**32


@dataclass(frozen=True)
class BucketLeaf(Leaf):
    """Drawn from `low` to below `high` basis points: the first 8 hexadecimal digits of md5(salt:customer)."""

    salt: str
    low: int
    high: int

    def asks(self, moment: Moment) -> Columns:
        return Columns()

    def met(self, values: Mapping[str, ibis.Value], moment: Moment) -> ibis.Value:
        draw = draw_prefix(values["person_id"], self.salt)
        met = draw >= _prefix(self.low)
        # The end of the whole has nine digits, and nobody lies beyond it.
        return met if self.high == WHOLE else met & (draw < _prefix(self.high))

    def holds(self, history: History, moment: Moment) -> bool:
        text = f"{self.salt}:{history.person_id}"
        draw = int(hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()[:8], 16)
        return self.low * _DRAWS // WHOLE <= draw < self.high * _DRAWS // WHOLE

    def words(self, language: str) -> str:
        share = f"{(self.high - self.low) / 100:g}"
        span = f"{self.low / 100:g}–{self.high / 100:g}"
        return told(
            language,
            f"falls into a random {share} % ({span} % of the draw “{self.salt}”)",
            f"随机抽中的{share}%（抽签“{self.salt}”的{span}%）",
        )


def draw_prefix(person_id: ibis.Value, salt: str) -> ibis.Value:
    """The first 8 hexadecimal digits of each customer's draw, as text: it sorts like the number."""
    text = ibis.literal(f"{salt}:") + person_id.cast("string")
    return text.hexdigest("md5").substr(0, 8)


def _prefix(points: int) -> str:
    return f"{points * _DRAWS // WHOLE:08x}"


def _read(data: Mapping[str, Any], path: str) -> BucketLeaf:
    whole = Reader(data, path, ("bucket",))
    reader = Reader(whole.get("bucket", "an object"), whole.at("bucket"), ("salt", "from", "to"))
    low, high = reader.whole("from", least=0, most=WHOLE - 1), reader.whole("to", least=1, most=WHOLE)
    if high <= low:
        reader.fail("not_a_range", "to", given=[low, high])
    return BucketLeaf(reader.text("salt"), low, high)


def _schema() -> dict[str, Any]:
    points = {"type": "integer", "minimum": 0, "maximum": WHOLE}
    inner = closed(
        {"salt": text_schema(), "from": points | {"maximum": WHOLE - 1}, "to": points | {"minimum": 1}},
        ["salt", "from", "to"],
    )
    return closed({"bucket": inner}, ["bucket"])


KIND = LeafKind(
    kind="bucket",
    label="Random share",
    term_zh="随机分桶",
    definition=(
        "The customer's draw lies from `from` to below `to` basis points. "
        "One salt gives one draw, the same for ever; another salt gives an independent one."
    ),
    read=_read,
    schema=_schema,
    needs="features",
    examples=({"bucket": {"salt": "pilot", "from": 0, "to": 1000}},),
)
