"""Controls of purchases of some goods."""

from __future__ import annotations

from collections.abc import Mapping

from django.utils.translation import gettext as _

from huitou.segments.builder.asking import comparison, window
from huitou.segments.builder.controls import Choices, Control, Item, Section, names_section, section
from huitou.segments.builder.fields import rows_of
from huitou.segments.builder.goods import MONEY, PRICES, family_of_take


def limit_words() -> dict[str, str]:
    """What purchases can be narrowed down by."""
    return {
        "category": _("Category"),
        "brand": _("Brand of the goods"),
        "sku": _("Product code"),
        "channel": _("Channel of the order"),
        "store": _("Store"),
        "line_amount_minor": _("Amount of the line"),
        "list_price_minor": _("List price"),
        "order_amount_minor": _("Amount of the order"),
    }


def orders_controls(take: str, fields: Mapping[str, str], categories: Choices, currency: str) -> list[Item]:
    """What is compared, the stretch of time, and which purchases count."""
    found: list[Item] = []
    if take in ("first", "last"):
        of = {
            "at": _("its time"),
            "channel": _("its channel"),
            "store": _("its store"),
            "sku": _("its product"),
            "category": _("its category"),
            "brand": _("its brand"),
        }
        found.append(Control("of", _("What of it"), "select", choices=list(of.items()), redraws=True))
    known = categories if fields.get("of") == "category" else None
    asked = {**fields, "of": fields.get("of", "at")}
    family = family_of_take(take, asked)
    after = currency if take in MONEY else ""
    found += comparison(fields, family, after=after, known=known if take in ("first", "last") else None)
    return [*found, *window(fields), _limits(fields, categories, currency)]


def _limits(fields: Mapping[str, str], categories: Choices, currency: str) -> Section:
    words = limit_words()
    rows = rows_of(fields, "w")
    taken = [row.get("what", "") for row in rows.values()]

    def draw(place: str, own: Mapping[str, str]) -> list[Item]:
        what = own.get("what", "")
        # Each can be said once; several values of one stand in its own row.
        free = [(code, word) for code, word in words.items() if code == what or code not in taken]
        menu = Control("what", _("What of the goods"), "select", choices=free, redraws=True)
        what = what if what in words else free[0][0]
        if what in PRICES:
            return [menu, *comparison(own, "whole", prefix=place, after=currency)]
        if what == "category":
            return [menu, names_section(own, place, _("Category"), categories)]
        return [menu, Control("value", _("Value"), "text", after=_("separated by commas"))]

    return section(fields, "", "w", draw, _("Only purchases with"), _("Narrow down"), least=0, most=len(words))
