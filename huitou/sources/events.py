"""What happened to a customer besides orders: campaigns, coupons, visits, as the events tell."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from django.utils.translation import gettext as _

from huitou.console.formats import format_value
from huitou.customers.queries import persons_of
from huitou.orders.queries import open_engine

_SHOWN = 30


@dataclass(frozen=True)
class ToldEvent:
    """One event in words."""

    at: datetime
    title: str
    detail: str


def list_events(person_id: int, *, currency: str, limit: int = _SHOWN) -> list[ToldEvent]:
    """The latest events of the customer that the person belongs to, newest first, as of the last refresh."""
    with open_engine() as engine:
        events = engine.table("fct_events")
        mine = events.filter(events.person_id.isin(persons_of(person_id))).select(
            "event_id", "name", "occurred_at", "properties"
        )
        newest = mine.order_by([mine.occurred_at.desc(), mine.event_id]).limit(limit)
        rows = engine.to_pyarrow(newest).to_pylist()
    return [
        ToldEvent(row["occurred_at"].astimezone(UTC), event_word(row["name"]), _detail(row["properties"], currency))
        for row in rows
    ]


def event_word(name: str) -> str:
    """An event's name in the reader's language, where we have a word for it."""
    words = {
        "Campaign Received": _("Campaign received"),
        "Coupon Redeemed": _("Coupon redeemed"),
        "Coupon Applied": _("Coupon applied"),
        "Page Viewed": _("Page viewed"),
        "Product Viewed": _("Product viewed"),
        "Product List Viewed": _("Product list viewed"),
        "Application Opened": _("App opened"),
    }
    return words.get(name, name)


def _detail(properties: str | None, currency: str) -> str:
    found: Mapping[str, Any] = json.loads(properties) if properties else {}
    parts = []
    if "campaign_id" in found:
        parts.append(_("campaign %(id)s") % {"id": found["campaign_id"]})
    if isinstance(found.get("discount_minor"), int):
        parts.append(_("%(amount)s off") % {"amount": format_value(found["discount_minor"], "minor", currency)})
    if "order_id" in found:
        parts.append(str(found["order_id"]))
    return " · ".join(parts)
