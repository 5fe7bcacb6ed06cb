"""Numbers as operators read them, by unit: rate, minor, count, days."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from huitou.core.money import format_minor

Number = int | float
NOTHING = "–"
NO_BREAK = "\u00a0"


def format_value(value: Number | None, unit: str, currency: str = "CNY") -> str:
    """`value` in words: a rate (0-1) as 28.4%, minor units as ¥1,234.50, days as 23 days, a usual
    gap in whole days, counts with separators.
    """
    if value is None:
        return NOTHING
    if unit == "rate":
        return f"{value * 100:,.1f}%"
    if unit == "minor":
        return format_minor(round(value), currency)
    if unit == "days":
        return format_days(value)
    if unit == "gap":
        return format_gap(value)
    return f"{value:,.0f}" if float(value).is_integer() else f"{value:,.2f}"


def format_days(value: Number) -> str:
    """A length of time in days: whole where it is whole, else to one decimal."""
    number = f"{value:,.0f}" if float(value).is_integer() or value >= 100 else f"{value:,.1f}"
    words = ngettext("%(number)s day", "%(number)s days", 1 if value == 1 else 2) % {"number": number}
    # A line never ends between a number and its unit.
    return words.replace(" ", NO_BREAK)


def format_gap(mean_days: Number) -> str:
    """A customer's usual gap between purchases: in whole days, which is as well as it is known."""
    return format_days(round(mean_days)) if mean_days >= 1 else format_days(round(mean_days, 1))


def format_change(value: Number | None, before: Number | None, unit: str) -> str:
    """How `value` differs from `before`: percentage points for rates, per cent for the rest; empty if unknown."""
    if value is None or before is None:
        return ""
    if unit == "rate":
        points = f"{(value - before) * 100:+.1f}"
        return _("unchanged") if float(points) == 0 else _("%(points)s pp") % {"points": points}
    if not before:
        return ""
    percent = f"{(value - before) / abs(before) * 100:+.1f}"
    return _("unchanged") if float(percent) == 0 else f"{percent}%"


def format_money_short(amount_minor: Number | None, currency: str) -> str:
    """Money without the small change, for figures at a glance: ¥1,235."""
    if amount_minor is None:
        return NOTHING
    full = format_minor(round(amount_minor), currency)
    return full.split(".", maxsplit=1)[0] if abs(amount_minor) >= 100_000 else full


def format_day(moment: date | datetime | None, zone: ZoneInfo | None = None) -> str:
    """The calendar day, 2017-10-02, of a day or of an instant in `zone`."""
    if moment is None:
        return NOTHING
    if isinstance(moment, datetime):
        moment = moment.astimezone(zone or UTC).date()
    return moment.isoformat()


def format_instant(moment: datetime | None, zone: ZoneInfo | None = None) -> str:
    """Day and minute in `zone`: 2017-10-02 14:05."""
    return NOTHING if moment is None else f"{moment.astimezone(zone or UTC):%Y-%m-%d %H:%M}"


_SEPARATORS = re.compile(r"[\s().-]")
_CHINESE_MOBILE = re.compile(r"(?:(?:\+|00)?86)?(1[3-9]\d{9})")


def mask_phone(phone: str) -> str:
    """A phone number that can be recognized but not called: 138****1234, however it is written. What is already
    masked stays."""
    digits = phone.strip()
    plain = _SEPARATORS.sub("", digits)
    if national := _CHINESE_MOBILE.fullmatch(plain):
        digits = national[1]
    if len(digits) < 7:
        return "*" * len(digits)
    return f"{digits[:3]}****{digits[-4:]}"


_PHONE = re.compile(r"(?<!\d)((?:\+?86[ -]?)?1[3-9]\d)[ -]?\d{4}[ -]?(\d{4})(?!\d)")
_EMAIL = re.compile(r"([\w.+-])[\w.+-]*(@[\w-]+(?:\.[\w-]+)+)")


def mask_text(text: str) -> str:
    """Any text with the phones and e-mail addresses in it masked."""
    return _EMAIL.sub(r"\1***\2", _PHONE.sub(r"\1****\2", text))


def mask_name(name: str) -> str:
    """A name with everything but its first character hidden: 张**."""
    text = name.strip()
    return text[:1] + "*" * min(len(text) - 1, 2) if text else ""
