"""Texts of form fields and what they mean: numbers, amounts, lists, and rows of fields that can be added and taken out.

The third filter of a condition has its fields under `f2`: `f2is`, `f2value`; those of its second name under `f2n1`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

from huitou.core.money import exponent

Fields = Mapping[str, str]
_WHOLE = re.compile(r"[+-]?\d{1,16}")
# One value of a list: in quotes where it has a comma itself.
_PART = re.compile(r'\s*(?:"((?:[^"]|"")*)"|([^,，\n]*))\s*(?:[,，\n]|$)')
_NEEDS_QUOTES = re.compile(r'[,，"]|^\s|\s$')


def currency_digits() -> int:
    """Decimals of the brand's currency; amounts are typed in its major unit."""
    from huitou.accounts.queries import find_brand

    brand = find_brand()
    return exponent(brand.currency if brand else "CNY")


def number(text: str) -> Any:
    """A number as it is meant; what is none stays text, which the reader of conditions refuses with a reason."""
    text = text.strip().replace(",", "").replace("，", "")
    if _WHOLE.fullmatch(text):
        return int(text)
    try:
        return float(Decimal(text))
    except (InvalidOperation, OverflowError):
        return text


def minor(text: str) -> Any:
    """An amount in minor units from one in major units."""
    try:
        amount = Decimal(text.strip().replace(",", "").replace("，", "")).scaleb(currency_digits())
        return int(amount) if amount == amount.to_integral_value() else text
    except (InvalidOperation, OverflowError, ValueError):
        return text


def major(value: Any) -> str:
    """An amount in major units as it is typed."""
    if isinstance(value, bool) or not isinstance(value, int):
        return str(value)
    return f"{Decimal(value).scaleb(-currency_digits()).normalize():f}"


def listed(text: str) -> list[str]:
    """The values of a list with commas or line ends between."""
    found, place = [], 0
    while place < len(text) and (part := _PART.match(text, place)) and part.end() > place:
        value = part[1].replace('""', '"') if part[1] is not None else part[2].strip()
        found += [value] if value or part[1] is not None else []
        place = part.end()
    return found


def joined(values: Iterable[str]) -> str:
    """A list as it is typed."""
    return ", ".join('"' + v.replace('"', '""') + '"' if _NEEDS_QUOTES.search(v) else v for v in values)


def one_or_several(values: list[str]) -> Any:
    """A list as conditions have it: one value stands by itself."""
    return values[0] if len(values) == 1 else values


def rows_of(fields: Fields, name: str) -> dict[str, dict[str, str]]:
    """Rows of fields by their place, such as f0, in order; each with its fields under their own names."""
    found: dict[int, dict[str, str]] = {}
    for key, value in fields.items():
        if row := re.fullmatch(rf"{name}(\d{{1,2}})([a-z].*)", key):
            found.setdefault(int(row[1]), {})[row[2]] = value
    return {f"{name}{place}": found[place] for place in sorted(found)}


def fields_of_rows(name: str, rows: Iterable[Fields]) -> dict[str, str]:
    """The same back to fields."""
    return {f"{name}{place}{key}": value for place, row in enumerate(rows) for key, value in row.items()}


def with_row(fields: Fields, name: str) -> tuple[dict[str, str], str]:
    """One row more behind the others, and its place; the same fields where there is no room for it."""
    places = [int(row.removeprefix(name)) for row in rows_of(fields, name)]
    place = max(places, default=-1) + 1
    return (dict(fields) | ({f"{name}{place}x": "1"} if place < 100 else {})), f"{name}{place}"


def without_row(fields: Fields, row: str) -> dict[str, str]:
    """The fields without one row's."""
    return {key: value for key, value in fields.items() if not re.match(rf"{row}[a-z]", key)}


def names_of(fields: Fields) -> list[str]:
    """What was named in the rows of names."""
    return [row["v"].strip() for row in rows_of(fields, "n").values() if row.get("v", "").strip()]


def fields_of_names(names: Any) -> dict[str, str]:
    """Rows of names for one name or a list of them."""
    return fields_of_rows("n", [{"v": name} for name in ([names] if isinstance(names, str) else names)])
