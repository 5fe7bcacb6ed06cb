"""What the brand does not count as a purchase, as one sentence to print beside every figure."""

from __future__ import annotations

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from huitou.analytics.rules import Exclusions, Part
from huitou.console.channels import channel_label
from huitou.core.money import format_minor


def describe_exclusions(exclusions: Exclusions, currency: str) -> str:
    """The sentence in the reader's language; says so where nothing is excluded. Persons are counted, not named."""
    parts = [_describe(part, currency) for part in exclusions.parts()]
    if not parts:
        return _("Nothing is excluded.")
    return _("Excluded: %(parts)s.") % {"parts": _(", ").join(parts)}


def _describe(part: Part, currency: str) -> str:
    listed = _(", ").join(str(value) for value in part.values)
    if part.code == "min_amount_minor":
        return _("orders below %(amount)s") % {"amount": format_minor(int(part.values[0]), currency)}
    if part.code == "order_types":
        return _(", ").join(_order_type(str(value)) for value in part.values)
    if part.code == "channels":
        channels = _(", ").join(channel_label(str(value)) for value in part.values)
        return _("orders of the channels %(names)s") % {"names": channels}
    if part.code == "skus":
        return _("orders of only the products %(names)s") % {"names": listed}
    count = len(part.values)
    return ngettext("orders of %(count)d person", "orders of %(count)d persons", count) % {"count": count}


def _order_type(code: str) -> str:
    known = {"brushing": _("brushing orders"), "sample": _("sample orders"), "staff": _("staff orders")}
    return known.get(code, code)
