"""Template tags of the console: icons, versioned static files, numbers by unit, charts, query strings."""

from __future__ import annotations

import hashlib
from datetime import date, datetime
from functools import cache
from pathlib import Path
from zoneinfo import ZoneInfo

from django import template
from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.models import AnonymousUser
from django.contrib.staticfiles import finders
from django.template.context import RequestContext
from django.templatetags.static import static
from django.utils.html import format_html
from django.utils.safestring import SafeString

from huitou.console import formats
from huitou.console.channels import channel_label
from huitou.console.charts import Chart
from huitou.console.shell import may_open
from huitou.console.tables import Order, query_with

register = template.Library()


@cache
def _fingerprint(path: str) -> str:
    found = finders.find(path)
    return hashlib.sha256(Path(found).read_bytes()).hexdigest()[:10] if isinstance(found, str) else ""


@register.simple_tag
def asset(path: str) -> str:
    """URL of a static file that changes when the file does, so that browsers may keep it for a year."""
    return f"{static(path)}?v={_fingerprint(path)}"


@register.simple_tag
def icon(name: str) -> SafeString:
    """A decorative symbol of icons.svg."""
    return format_html(
        '<svg class="icon" aria-hidden="true" focusable="false"><use href="{}#{}"></use></svg>',
        asset("console/icons.svg"),
        name,
    )


@register.simple_tag
def value(number: formats.Number | None, unit: str = "count", currency: str = "CNY") -> str:
    """A number by its unit."""
    return formats.format_value(number, unit, currency)


@register.simple_tag
def day(moment: date | datetime | None, zone: ZoneInfo | None = None) -> str:
    """A calendar day."""
    return formats.format_day(moment, zone)


@register.simple_tag
def instant(moment: datetime | None, zone: ZoneInfo | None = None) -> str:
    """Day and minute."""
    return formats.format_instant(moment, zone)


@register.filter
def masked(text: object) -> str:
    """A value out of somebody's file, with the phones and e-mail addresses in it masked."""
    return formats.mask_text(str(text))


@register.filter
def count(number: int | None) -> str:
    """A count with separators."""
    return formats.format_value(number, "count")


@register.filter
def channel(code: str | None) -> str:
    """A sales channel in the reader's language."""
    return channel_label(code or "")


@register.filter
def opens(user: AbstractBaseUser | AnonymousUser, address: str) -> bool:
    """Whether this address of ours is open to the user: links to closed doors are not shown."""
    return may_open(user, address)


@register.inclusion_tag("console/chart.html")
def chart(chart: Chart) -> dict[str, object]:
    """A chart with its table alternative."""
    return {"chart": chart, "payload": chart.payload(), "id": f"chart-{chart.key}"}


@register.simple_tag(takes_context=True)
def query(context: RequestContext, **changes: object) -> str:
    """The page's query string with some values replaced."""
    request = context.request
    return query_with(request.GET, **changes) if request is not None else "?"


@register.inclusion_tag("console/sort_header.html", takes_context=True)
def sort_header(
    context: RequestContext, order: Order, column: str, title: str, numeric: bool = False, first: str = "desc"
) -> dict[str, object]:
    """A column heading that sorts; `first` is the direction of the first click."""
    current = order.column == column
    descending = not order.descending if current else first == "desc"
    assert context.request is not None, "tables are drawn for a request"
    return {
        "title": title,
        "numeric": numeric,
        "current": current,
        "direction": "descending" if order.descending else "ascending",
        "url": query_with(context.request.GET, sort=f"{'-' if descending else ''}{column}", page=None),
    }
