"""Purchases of some goods, as fields and as JSON."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from huitou.analytics.conditions.order_rows import OF, TEXTS
from huitou.segments.builder.comparisons import Json, read_comparison, read_window, write_comparison, write_window
from huitou.segments.builder.fields import (
    Fields,
    fields_of_names,
    fields_of_rows,
    joined,
    listed,
    major,
    minor,
    names_of,
    number,
    one_or_several,
    rows_of,
)

PRICES = ("line_amount_minor", "list_price_minor", "order_amount_minor")
MONEY = ("sum", "avg")
_FAMILIES = {"count": "whole", "sum": "whole", "avg": "whole", "quantity": "number"}


def family_of_take(take: str, fields: Fields) -> str:
    """As what that which is taken from the purchases is compared."""
    return OF.get(fields.get("of", ""), "text") if take in ("first", "last") else _FAMILIES.get(take, "whole")


def write_orders(take: str, fields: Fields) -> Json:
    """The JSON of a condition on purchases."""
    own: Json = {"take": take}
    if take in ("first", "last"):
        own["of"] = fields.get("of", "")
    where = {row.get("what", ""): _write_limit(row) for row in rows_of(fields, "w").values()}
    own |= {"where": where} if where else {}
    # Rows of values are those of categories; others are typed.
    asked = fields if own.get("of") == "category" else {k: v for k, v in fields.items() if k not in _rows(fields)}
    compared = write_comparison(asked, family_of_take(take, fields), minor if take in MONEY else number)
    return {"orders": own | write_window(fields) | compared}


def _write_limit(row: Fields) -> Any:
    if row.get("what") in PRICES:
        return write_comparison(row, "whole", minor)
    return one_or_several(names_of(row) if row.get("what") == "category" else listed(row.get("value", "")))


def _rows(fields: Fields) -> set[str]:
    return {f"{row}{key}" for row, own in rows_of(fields, "n").items() for key in own}


def read_orders(data: Mapping[str, Any]) -> tuple[str, dict[str, str]]:
    """What is asked and its fields."""
    own = data["orders"]
    take = own.get("take", "count")
    fields = read_comparison(own, major if take in MONEY else str) | read_window(own)
    if "of" in own:
        fields["of"] = own["of"]
    where = own.get("where", {})
    return f"orders:{take}", fields | fields_of_rows("w", [_read_limit(key, told) for key, told in where.items()])


def _read_limit(key: str, told: Any) -> dict[str, str]:
    if key not in TEXTS:
        return {"what": key} | read_comparison(told, major)
    values = [told] if isinstance(told, str) else told
    named = fields_of_names(values) if key == "category" else {"value": joined(values)}
    return {"what": key} | named
