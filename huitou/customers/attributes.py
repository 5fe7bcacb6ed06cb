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
