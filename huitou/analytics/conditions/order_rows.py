"""Rows of purchases and of their lines as conditions look at them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import ibis

from huitou.analytics.conditions.comparing import Comparison, show
from huitou.analytics.conditions.event_rows import Span
from huitou.analytics.conditions.facts import History, Row
from huitou.analytics.conditions.leaf import Match, told
from huitou.analytics.conditions.moment import Moment
from huitou.analytics.conditions.naming import names

TAKES = ("count", "sum", "quantity", "avg", "first", "last")
TEXTS = ("category", "brand", "sku", "channel", "store")
# What of a purchase can be looked at, and how it is compared.
OF = {"channel": "text", "store": "text", "sku": "text", "category": "text", "brand": "text", "at": "instant"}
_OF_LINES = ("category", "brand", "sku", "line_amount_minor", "list_price_minor")
WHERE_WORDS = {
    "category": ("category", "品类"),
    "brand": ("brand", "品牌"),
    "sku": ("product", "商品"),
    "channel": ("channel", "渠道"),
    "store": ("store", "门店"),
    "at": ("time", "时间"),
    "line_amount_minor": ("line amount", "商品行金额"),
    "list_price_minor": ("list price", "吊牌价"),
    "order_amount_minor": ("order amount", "订单金额"),
}
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
Texts = tuple[tuple[str, tuple[str, ...]], ...]
Prices = tuple[tuple[str, Comparison], ...]


@dataclass(frozen=True)
class OrderRows:
    """Purchases of some kind: `texts` by column the values that count, `prices` by column a comparison."""

    texts: Texts = ()
    prices: Prices = ()

    @property
    def by_line(self) -> bool:
        """Whether only lines can tell."""
        return any(name in _OF_LINES for name, _ in (*self.texts, *self.prices))

    def match(self, moment: Moment, span: Span, *, by_line: bool) -> Match:
        """Which rows of int_orders, or of `order_lines`, lie in a span and are meant."""
        since, until = span

        def meant(rows: ibis.Table) -> ibis.Value:
            met = [rows.person_id.notnull(), rows.paid_at < ibis.literal(until)]
            met += [] if by_line else [rows.is_purchase]
            met += [rows.paid_at >= ibis.literal(since)] if since else []
            met += [rows[name].isin(list(values)) for name, values in self.texts]
            met += [one.over(rows[_column(name, by_line)], moment) for name, one in self.prices]
            return ibis.and_(*met)

        return meant

    def of(self, history: History, moment: Moment, span: Span, *, by_line: bool) -> list[Row]:
        """The same rows of one customer."""
        since, until = span
        return [
            row
            for row in history.source("lines" if by_line else "orders")
            if (by_line or row["is_purchase"])
            and row["paid_at"] < until
            and (since is None or row["paid_at"] >= since)
            and all(row[name] in values for name, values in self.texts)
            and all(one.holds(row[_column(name, by_line)], moment) for name, one in self.prices)
        ]

    def words(self, language: str) -> str:
        """As an addition in brackets; empty where all purchases are meant."""
        chinese = language.startswith("zh")
        parts = []
        for name, values in self.texts:
            listed = ("、" if chinese else " or ").join(f"“{names().value(name, value)}”" for value in values)
            parts.append(f"{WHERE_WORDS[name][chinese]}{'' if chinese else ' '}{listed}")
        for name, one in self.prices:
            compared = one.words(language, lambda value: show(names().amount(value), language))
            parts.append(f"{WHERE_WORDS[name][chinese]}{'' if chinese else ' '}{compared}")
        if not parts:
            return ""
        return told(language, f" ({', '.join(parts)})", f"（{'，'.join(parts)}）")


def _column(name: str, by_line: bool) -> str:
    names = {"line_amount_minor": "amount_minor"}
    return (names if by_line else names | {"order_amount_minor": "amount_minor"}).get(name, name)


def place_of(row: Row) -> str:
    """What sorts a customer's purchases, or their lines, in time: the text that engines sort by."""
    micros = (row["paid_at"] - _EPOCH) // timedelta(microseconds=1) + 10**17
    place = f"{micros} {row['source']} {row['order_id']}"
    return f"{place} {row['line_no'] + 10**10}" if "line_no" in row else place
