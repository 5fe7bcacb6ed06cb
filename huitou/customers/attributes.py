"""What attributes of persons are called where people read them. Stored names and values stay as the source gave them."""

from __future__ import annotations

from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

# Names and values that we know words for; anything else is shown as it is stored.
KNOWN = (
    gettext_noop("Age band"),
    gettext_noop("Income band"),
    gettext_noop("Home ownership"),
    gettext_noop("Marital status"),
    gettext_noop("Household size"),
    gettext_noop("Household composition"),
    gettext_noop("Kids count"),
    gettext_noop("Birthday"),
    gettext_noop("Gender"),
    gettext_noop("City"),
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


def attribute_label(name: str) -> str:
    """The attribute's name in the reader's language: age_band is 年龄段, or Age band."""
    return _(name.replace("_", " ").capitalize()) if name else name


def attribute_value_label(value: str) -> str:
    """The attribute's value in the reader's language, where there is a word for it."""
    return _(value) if value in KNOWN else value
