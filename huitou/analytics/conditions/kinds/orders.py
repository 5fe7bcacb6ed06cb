"""What the customer bought: purchases counted and added up, by category, brand, product, channel, store and price."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import ibis

from huitou.analytics.conditions.comparing import (
    Comparison,
    comparison_schemas,
    read_comparison,
    show,
    text_schema,
    texts_schema,
)
from huitou.analytics.conditions.event_values import place_in_time
from huitou.analytics.conditions.facts import History, Row
from huitou.analytics.conditions.json_shapes import closed
from huitou.analytics.conditions.leaf import Leaf, LeafKind, Measure, Summed, told
from huitou.analytics.conditions.moment import Moment
from huitou.analytics.conditions.naming import names
from huitou.analytics.conditions.order_rows import OF, TAKES, TEXTS, WHERE_WORDS, OrderRows, place_of
from huitou.analytics.conditions.reading import Reader
from huitou.analytics.conditions.window import Window, read_window, window_schema

# Of no purchases, these are 0; the others are empty.
_COUNTING = ("count", "sum", "quantity")
_FAMILIES = {"count": "whole", "sum": "whole", "avg": "whole", "quantity": "number"}
_PRICES = ("line_amount_minor", "list_price_minor", "order_amount_minor")
_WORDS = {
    "count": ("purchases{0}", "购买次数{0}"),
    "sum": ("money spent{0}", "消费金额{0}"),
    "quantity": ("pieces bought{0}", "购买件数{0}"),
    "avg": ("money per purchase{0}", "客单价{0}"),
}


@dataclass(frozen=True)
class OrdersLeaf(Leaf):
    """One number or value taken from the purchases in the window, compared."""

    rows: OrderRows
    window: Window
    take: str
    of: str | None
    comparison: Comparison

    @property
    def _by_line(self) -> bool:
        return self.rows.by_line or self.take == "quantity" or self.of in ("sku", "category", "brand")

    @property
    def _column(self) -> str:
        return {"at": "paid_at"}.get(self.of or "", self.of or "")

    def asks(self, moment: Moment) -> Summed:
        span = self.window.span(moment)
        matched = self.rows.match(moment, span, by_line=self._by_line)

        def match(rows: ibis.Table) -> ibis.Value:
            return matched(rows) & rows[self._column].notnull() if self.of else matched(rows)

        needed = not self.comparison.holds(0 if self.take in _COUNTING else None, moment)
        return Summed("lines" if self._by_line else "orders", match, self._measures(), needed)

    def _measures(self) -> dict[str, Measure]:
        def orders(rows: ibis.Table, flag: ibis.Value | None) -> ibis.Value:
            if not self._by_line:
                return rows.count(where=flag)
            return (rows.source + ibis.literal(" ") + rows.order_id).nunique(where=flag)

        def taken(rows: ibis.Table, flag: ibis.Value | None) -> ibis.Value:
            ties = [rows.source, rows.order_id]
            if self._by_line:
                ties.append((rows.line_no.cast("int64") + 10**10).cast("string"))
            place, column = place_in_time(rows.paid_at, *ties), rows[self._column]
            return column.argmin(place, where=flag) if self.take == "first" else column.argmax(place, where=flag)

        if self.of:
            return {"value": taken}
        if self.take == "count":
            return {"value": orders}
        if self.take == "quantity":
            return {"value": lambda rows, flag: rows.quantity.sum(where=flag)}
        money: Measure = lambda rows, flag: rows.amount_minor.sum(where=flag)  # noqa: E731
        return {"value": money} if self.take == "sum" else {"value": money, "orders": orders}

    def met(self, values: Mapping[str, ibis.Value], moment: Moment) -> ibis.Value:
        value = values["value"]
        if self.take in _COUNTING:
            value = value.fill_null(0)
        if self.take == "quantity":
            # What is named may have more decimals than quantities have.
            value = value.cast("decimal(28, 6)")
        if self.take == "avg":
            value = value.cast("float64") / values["orders"].nullif(0).cast("float64")
        return self.comparison.over(value, moment)

    def holds(self, history: History, moment: Moment) -> bool:
        rows = self.rows.of(history, moment, self.window.span(moment), by_line=self._by_line)
        return self.comparison.holds(self._taken(rows), moment)

    def _taken(self, rows: list[Row]) -> Any:
        if self.of:
            known = sorted((row for row in rows if row[self._column] is not None), key=place_of)
            return known[0 if self.take == "first" else -1][self._column] if known else None
        orders = len({(row["source"], row["order_id"]) for row in rows})
        money = sum(row["amount_minor"] for row in rows)
        take: dict[str, Callable[[], Any]] = {
            "count": lambda: orders,
            "sum": lambda: money,
            "quantity": lambda: sum(row["quantity"] for row in rows),
            "avg": lambda: money / orders if orders else None,
        }
        return take[self.take]()

    def words(self, language: str) -> str:
        met, when = self.rows.words(language), self.window.words(language)
        gap = told(language, " ", "")
        if self.of:
            name = told(language, *WHERE_WORDS[self.of])
            what = told(language, f"{name} of the {self.take} purchase", f"{_of(self.take)}购买的{name}")
            what += met
        else:
            what = told(language, *_WORDS[self.take]).format(met)
        when = f"{gap}{when}" if when and gap else when
        of_many = self.of is None and self.take in ("count", "quantity")
        compared = self.comparison.words(language, self._shown(language), of_many=of_many)
        return told(language, f"{what}{when} {compared}", f"{when}{what}{compared}")

    def _shown(self, language: str) -> Callable[[Any], str]:
        def shown(value: Any) -> str:
            if isinstance(value, str):
                return show(names().value(self.of or "", value), language)
            is_money = self.take in ("sum", "avg") and not self.of
            return show(names().amount(value) if is_money else value, language)

        return shown


def _of(take: str) -> str:
    return "首次" if take == "first" else "最近一次"


def _read(data: Mapping[str, Any], path: str) -> OrdersLeaf:
    whole = Reader(data, path, ("orders",))
    known = ("take", "of", "where", "window", "is", "value")
    reader = Reader(whole.get("orders", "an object"), whole.at("orders"), known)
    take = reader.choice("take", TAKES) if "take" in reader else "count"
    of = reader.choice("of", tuple(OF)) if take in ("first", "last") else None
    if of is None and "of" in reader:
        reader.fail("unknown_key", "of", given="of", known=tuple(key for key in known if key != "of"))
    rows = OrderRows(*_read_where(reader))
    family = OF[of] if of else _FAMILIES[take]
    return OrdersLeaf(rows, read_window(reader), take, of, read_comparison(reader, family))


def _read_where(reader: Reader) -> tuple[tuple[tuple[str, tuple[str, ...]], ...], tuple[tuple[str, Comparison], ...]]:
    if "where" not in reader:
        return (), ()
    own = Reader(reader.data["where"], reader.at("where"), (*TEXTS, *_PRICES))
    texts = tuple((key, own.texts(key)) for key in TEXTS if key in own)
    prices = [(key, Reader(own.data[key], own.at(key), ("is", "value"))) for key in _PRICES if key in own]
    return texts, tuple((key, read_comparison(price, "whole")) for key, price in prices)


def _schema() -> dict[str, Any]:
    names = {"anyOf": [text_schema(), texts_schema()]}
    price = closed({}, [], comparison_schemas("whole"))
    where = closed(dict.fromkeys(TEXTS, names) | dict.fromkeys(_PRICES, price), [])
    shapes = []
    for takes, family in ((("count", "sum", "avg"), "whole"), (("quantity",), "number")):
        for shape in comparison_schemas(family):
            taken = {"take": {"enum": list(takes), "default": "count"}} | shape["properties"]
            required = shape["required"] if "count" in takes else ["take", *shape["required"]]
            shapes.append({"properties": taken, "required": required})
    for family in ("text", "instant"):
        of = {"enum": [name for name, kind in OF.items() if kind == family]}
        shapes += [
            {
                "properties": {"take": {"enum": ["first", "last"]}, "of": of} | shape["properties"],
                "required": ["take", "of", *shape["required"]],
            }
            for shape in comparison_schemas(family)
        ]
    inner = closed({"where": where, "window": window_schema()}, [], shapes)
    return closed({"orders": inner}, ["orders"])


KIND = LeafKind(
    kind="orders",
    label="Purchases",
    term_zh="订单",
    definition=(
        "Purchases in a window: `count`, `sum` of their amount, `quantity` of pieces, `avg` amount, or what the "
        "`first` or `last` of them was `of`. What counts as a purchase is what counts everywhere: not excluded, not "
        "wholly refunded, before partial refunds. By category, brand, product or price of a line, only such lines "
        "count, and none that was wholly refunded."
    ),
    read=_read,
    schema=_schema,
    needs="orders",
    examples=(
        {"orders": {"take": "count", "window": {"last_days": 90}, "is": ">=", "value": 2}},
        {
            "orders": {
                "take": "sum",
                "where": {
                    "category": ["tea", "cups"],
                    "brand": "hui",
                    "line_amount_minor": {"is": ">=", "value": 5000},
                },
                "is": ">",
                "value": 20000,
            }
        },
        {"orders": {"take": "quantity", "where": {"sku": "T-100"}, "is": ">=", "value": 3}},
        {"orders": {"take": "avg", "where": {"channel": "app"}, "is": "between", "value": [5000, 20000]}},
        {"orders": {"take": "last", "of": "store", "is": "=", "value": "s1"}},
        {"orders": {"take": "first", "of": "at", "is": "in_last_days", "value": 30}},
        {
            "orders": {
                "where": {"list_price_minor": {"is": ">=", "value": 10000}, "store": "s1"},
                "window": {"from_date": "2024-01-01", "to_date": "2024-03-31"},
                "is": "=",
                "value": 0,
            }
        },
        {"orders": {"where": {"order_amount_minor": {"is": ">=", "value": 30000}}, "is": ">=", "value": 1}},
    ),
)
