"""A customer's features in plain words, for people who do not read columns."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from huitou.console.formats import format_day, format_days, format_gap, format_value

# One gap is no rhythm: so many purchases show one.
_RHYTHM = 3
Value = int | float | str | bool | datetime | None


@dataclass(frozen=True)
class Tag:
    """A short word about a customer. `tone` is good, warn, bad, accent or empty."""

    text: str
    tone: str = ""


def _number(values: Mapping[str, Value], name: str) -> float | None:
    found = values.get(name)
    return float(found) if isinstance(found, int | float) and not isinstance(found, bool) else None


def _moment(values: Mapping[str, Value], name: str) -> datetime | None:
    found = values.get(name)
    return found if isinstance(found, datetime) else None


def describe(values: Mapping[str, Value], *, currency: str, zone: ZoneInfo, now: datetime) -> list[str]:
    """Sentences about one customer, the most useful first, from the feature values (money in minor units)."""
    count = int(_number(values, "order_count") or 0)
    if not count:
        return [_("No purchase so far.")]
    sentences = [
        _rhythm(values),
        _due(values, zone, now),
        _spend(values, count, currency, zone),
        _recent(values),
        _taste(values),
        _refunds(values),
        _discounts(values),
    ]
    return [sentence for sentence in sentences if sentence]


def _rhythm(values: Mapping[str, Value]) -> str:
    since = _number(values, "days_since_last_order")
    gap = _number(values, "interpurchase_days_mean")
    if since is None:
        return ""
    if gap is None:
        return _("Bought once, %(ago)s ago; no rhythm is known yet.") % {"ago": format_days(int(since))}
    if (_number(values, "order_count") or 0) < _RHYTHM:
        return _("Bought twice, %(gap)s apart, last %(ago)s ago; no rhythm is known yet.") % {
            "gap": format_gap(gap),
            "ago": format_days(int(since)),
        }
    return _("Buys again every %(gap)s on average; last purchase %(ago)s ago.") % {
        "gap": format_gap(gap),
        "ago": format_days(int(since)),
    }


def _due(values: Mapping[str, Value], zone: ZoneInfo, now: datetime) -> str:
    due = _moment(values, "next_order_due_at")
    if due is None:
        return ""
    days = (due.astimezone(zone).date() - now.astimezone(zone).date()).days
    text = {"day": format_day(due, zone), "days": format_days(abs(days))}
    if not days:
        return _("By this rhythm the next purchase is due today, on %(day)s.") % text
    if days < 0:
        return _("By this rhythm the next purchase was due on %(day)s, %(days)s ago.") % text
    return _("By this rhythm the next purchase is due on %(day)s, in %(days)s.") % text


def _spend(values: Mapping[str, Value], count: int, currency: str, zone: ZoneInfo) -> str:
    spend = _number(values, "spend_minor")
    first = _moment(values, "first_order_at")
    if spend is None or first is None:
        return ""
    return ngettext(
        "Since %(day)s: %(count)s purchase worth %(spend)s.",
        "Since %(day)s: %(count)s purchases worth %(spend)s, %(aov)s each on average.",
        count,
    ) % {
        "day": format_day(first, zone),
        "count": format_value(count, "count"),
        "spend": format_value(spend, "minor", currency),
        "aov": format_value(_number(values, "aov_minor"), "minor", currency),
    }


def _recent(values: Mapping[str, Value]) -> str:
    quarter, year = _number(values, "orders_90d"), _number(values, "orders_365d")
    if quarter is None or year is None:
        return ""
    return ngettext(
        "%(quarter)s purchase in the last 90 days, %(year)s in the last 365.",
        "%(quarter)s purchases in the last 90 days, %(year)s in the last 365.",
        int(quarter),
    ) % {"quarter": int(quarter), "year": int(year)}


def _taste(values: Mapping[str, Value]) -> str:
    top = values.get("top_category")
    kinds = _number(values, "categories_count")
    if not isinstance(top, str) or not top or kinds is None:
        return ""
    return ngettext(
        "Buys from %(count)s category: %(top)s.", "Buys from %(count)s categories, most of all %(top)s.", int(kinds)
    ) % {"count": int(kinds), "top": top}


def _refunds(values: Mapping[str, Value]) -> str:
    share = _number(values, "refund_rate")
    return _("%(share)s of the money went back.") % {"share": format_value(share, "rate")} if share else ""


def _discounts(values: Mapping[str, Value]) -> str:
    share = _number(values, "discount_share")
    return _("%(share)s of the price was discounted.") % {"share": format_value(share, "rate")} if share else ""


def tags(values: Mapping[str, Value]) -> list[Tag]:
    """Stage, band and layers of one customer as short words."""
    found = []
    stage = str(values.get("lifecycle_stage") or "")
    if stage in (stages := lifecycle_words()):
        found.append(Tag(stages[stage], {"declining": "warn", "mature": "good"}.get(stage, "accent")))
    band = str(values.get("repurchase_band") or "")
    if band in (bands := band_words()):
        found.append(Tag(bands[band], {"high": "good"}.get(band, "")))
    layers = {"vip_layer": Tag(_("VIP"), "accent"), "nurture_layer": Tag(_("To nurture"), "info")}
    layers["traffic_layer"] = Tag(_("Traffic"))
    found += [tag for name, tag in layers.items() if values.get(name) is True]
    dormant = str(values.get("dormant_layer") or "")
    if dormant in (sleeping := dormant_words()):
        found.append(Tag(sleeping[dormant], {"dormant": "warn"}.get(dormant, "bad")))
    return found


def lifecycle_words() -> dict[str, str]:
    """Lifecycle stages by code."""
    return {"new": _("New"), "growing": _("Growing"), "mature": _("Mature"), "declining": _("Declining")}


def band_words() -> dict[str, str]:
    """Repurchase bands by code."""
    return {"high": _("High repurchase"), "medium": _("Medium repurchase"), "low": _("Low repurchase")}


def dormant_words() -> dict[str, str]:
    """Dormant layers by code."""
    return {"dormant": _("Dormant"), "long_dormant": _("Long dormant")}
