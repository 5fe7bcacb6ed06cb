"""Words for values of persons' attributes; stored values stay as the source gave them."""

from __future__ import annotations

from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

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
        "age": _("Age"),
        "income": _("Household income"),
        "household_size": _("Household size"),
        "household_comp": _("Household composition"),
        "home_ownership": _("Home ownership"),
        "marital_status": _("Marital status"),
        "kids_count": _("Children"),
    }
    return words.get(name, name)
