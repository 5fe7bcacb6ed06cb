"""Attributes of persons as people read them: in words, and masked. Stored values stay as the source gave them."""

from __future__ import annotations

import re
from collections.abc import Mapping

from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from huitou.accounts.queries import find_brand
from huitou.console.formats import mask_name, mask_text
from huitou.customers.identifier_kind import kinds_by_name, show_identifier, squeezed
from huitou.customers.naming import is_personal, tells_who
from huitou.customers.normalizing import fold, show_secret

# Ids as programs make them, and long numbers, of which nobody knows what they open.
_ID = re.compile(r"(?=.*[0-9])[A-Za-z0-9_-]{16,}")
_LONG_NUMBER = re.compile(r"(?<![0-9])([0-9]{3})[0-9]{11,}[0-9Xx]{2}(?![0-9])")
KNOWN = (
    gettext_noop("Homeowner"),
    gettext_noop("Probable Homeowner"),
    gettext_noop("Renter"),
    gettext_noop("Probable Renter"),
    gettext_noop("Married"),
    gettext_noop("Unmarried"),
    gettext_noop("1 Adult Kids"),
    gettext_noop("1 Adult No Kids"),
    gettext_noop("2 Adults Kids"),
    gettext_noop("2 Adults No Kids"),
    gettext_noop("Under 15K"),
)


def attribute_value_label(value: str) -> str:
    """The attribute's value in the reader's language where there is a word for it, else as it is stored."""
    return _(value) if value in KNOWN else value


def attribute_label(name: str) -> str:
    """The attribute's name in the reader's language where there is a word for it, else as it is stored."""
    words = {
        "city": _("City"),
        "gender": _("Gender"),
        "birthday": _("Birthday"),
        "age": _("Age group") if name == "age" and _is_example() else _("Age"),
        "income": _("Household income"),
        "household_size": _("Household size"),
        "household_comp": _("Household composition"),
        "home_ownership": _("Home ownership"),
        "marital_status": _("Marital status"),
        "kids_count": _("Children"),
        "group": _("Belongs to group"),
    }
    return words.get(name, name)


def _is_example() -> bool:
    """The example's customers have ages like 45-54."""
    brand = find_brand()
    return brand is not None and brand.is_example


def masked_value(name: str, value: object, identifiers: Mapping[str, str]) -> object:
    """An attribute for people who may not see who somebody is; `identifiers` are the customer's, kinds by value."""
    if isinstance(value, Mapping):
        return {key: masked_value(f"{name}_{key}", inner, identifiers) for key, inner in value.items()}
    if isinstance(value, list):
        return [masked_value(name, inner, identifiers) for inner in value]
    if isinstance(value, bool | float) or value is None:
        return value
    text = str(value)
    kind = identifiers.get(fold(text).casefold())
    if kind is not None:
        return show_identifier(kind, text)
    if tells_who(name):
        kind = kinds_by_name().get(squeezed(name))
        # What a person is called at a platform or in WeChat finds the person.
        return show_secret(text) if kind is None or kind == "buyer_id" else show_identifier(kind, text)
    if is_personal(name):
        return mask_name(text)
    return show_secret(text) if _ID.fullmatch(text) else mask_text(_LONG_NUMBER.sub(r"\1…", text))
