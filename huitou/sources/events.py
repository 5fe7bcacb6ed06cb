"""What happened to a customer besides orders: campaigns, coupons, visits, as the events tell."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from huitou.catalog.queries import product_names
from huitou.console.channels import channel_label
from huitou.console.formats import format_value
from huitou.customers.queries import persons_of
from huitou.orders.queries import open_engine
from huitou.sources.order_events.told import TOLD_NAMES
from huitou.sources.tracking.words import event_word

_SHOWN = 30
# What is told about a person is no deed of theirs.
_TOLD_KINDS = ("identify", "alias", "group")
_OBJECTS = {
    "product": gettext_lazy("product %(id)s"),
    "order": gettext_lazy("order %(id)s"),
    "coupon": gettext_lazy("coupon %(id)s"),
    "campaign": gettext_lazy("campaign %(id)s"),
    "page": gettext_lazy("page %(id)s"),
    "screen": gettext_lazy("screen %(id)s"),
    "cart": gettext_lazy("cart %(id)s"),
    "list": gettext_lazy("list %(id)s"),
    "promotion": gettext_lazy("promotion %(id)s"),
    "activity": gettext_lazy("activity %(id)s"),
    "live_room": gettext_lazy("live room %(id)s"),
    "content": gettext_lazy("content %(id)s"),
    "survey": gettext_lazy("survey %(id)s"),
    "group_chat": gettext_lazy("group %(id)s"),
    "message": gettext_lazy("message %(id)s"),
    "store": gettext_lazy("store %(id)s"),
}


@dataclass(frozen=True)
class ToldEvent:
    """One event in words. `channel` is where it happened, empty if nobody said."""

    at: datetime
    title: str
    detail: str
    channel: str = ""


def list_events(person_id: int, *, currency: str, limit: int = _SHOWN) -> list[ToldEvent]:
    """The latest events of the customer that the person belongs to, newest first, as of the last refresh."""
    with open_engine() as engine:
        events = engine.table("fct_events")
        mine = events.filter(
            events.person_id.isin(persons_of(person_id)),
            events.kind.isnull() | events.kind.notin(_TOLD_KINDS),
            events.name.notin(TOLD_NAMES),
        ).select("event_id", "name", "occurred_at", "source", "channel", "object_type", "object_id", "properties")
        newest = mine.order_by([mine.occurred_at.desc(), mine.event_id]).limit(limit)
        rows = engine.to_pyarrow(newest).to_pylist()
    names = product_names(row["object_id"] for row in rows if row["object_type"] == "product" and row["object_id"])
    return [
        ToldEvent(
            at=row["occurred_at"].astimezone(UTC),
            title=event_word(row["name"]),
            detail=_detail(row, names, currency),
            channel=_channel(row),
        )
        for row in rows
    ]


def _channel(row: Mapping[str, Any]) -> str:
    """Where it happened; a feed's name that stands in for it says nothing, unless it is a channel's own."""
    code = str(row["channel"] or "")
    return "" if code == row["source"] and channel_label(code) == code else code


def _detail(row: Mapping[str, Any], product_names: Mapping[str, str], currency: str) -> str:
    """What it was done to, then campaign, money and order where they are something else."""
    properties = row["properties"]
    found: Mapping[str, Any] = json.loads(properties) if properties else {}
    kind, code = row["object_type"], row["object_id"]
    parts = []
    if code and kind in _OBJECTS:
        shown = product_names.get(code, "") if kind == "product" else ""
        parts.append(shown or str(_OBJECTS[kind]) % {"id": code})
    if "campaign_id" in found and kind != "campaign":
        parts.append(str(_OBJECTS["campaign"]) % {"id": found["campaign_id"]})
    if isinstance(found.get("discount_minor"), int):
        parts.append(_("%(amount)s off") % {"amount": format_value(found["discount_minor"], "minor", currency)})
    if "order_id" in found and kind != "order":
        parts.append(str(found["order_id"]))
    return " · ".join(parts)
