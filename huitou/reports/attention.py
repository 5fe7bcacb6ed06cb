"""Rules that say what needs attention, as plain functions of a few numbers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.utils.translation import gettext as _

from huitou.console.formats import format_value

# A rate must fall by this share of its recent mean, and by more than chance would have it, to be worth a warning.
_FALL = 0.10
_SIGMAS = 1.64
_DORMANT_SHARE = 0.35
_REVENUE_FALL = 0.15
# Refunds are worth a look from this share of sales on, when they grew by this share of their recent mean.
_REFUND_SHARE = 0.02
_REFUND_RISE = 0.30


@dataclass(frozen=True)
class Signals:
    """What the rules look at. `rates`, `buyers`, `revenue` (minor units): finished months, oldest first,
    like `refunds`, the share of money that went back; the rest are counts of customers and days.
    """

    rates: Sequence[float]
    buyers: Sequence[int]
    revenue: Sequence[float]
    refunds: Sequence[float]
    target: float | None
    customers: int
    dormant: int
    long_dormant: int
    declining: int
    overdue: int
    silent_days: int


@dataclass(frozen=True)
class Finding:
    """One thing to look at. `tone` is bad, warn or good."""

    tone: str
    title: str
    detail: str
    url: str = ""
    action: str = ""


def find_attention(signals: Signals) -> list[Finding]:
    """What deserves a look, the most pressing first; one reassuring finding where nothing does."""
    found = [
        finding
        for rule in (_stale, _falling_rate, _below_target, _falling_revenue, _rising_refunds, _dormant, _declining)
        if (finding := rule(signals)) is not None
    ]
    if found:
        return found
    return [Finding("good", _("Nothing stands out"), _("Rates and revenue move within their usual range."))]


def _stale(signals: Signals) -> Finding | None:
    if signals.silent_days <= 7:
        return None
    return Finding(
        "warn",
        _("The data end %(days)s days ago") % {"days": signals.silent_days},
        _("Figures stand as of the last order. Import newer orders to see the present."),
        "/data/",
        _("Import"),
    )


def _falling_rate(signals: Signals) -> Finding | None:
    if len(signals.rates) < 4:
        return None
    *earlier, current = signals.rates[-4:]
    mean = sum(earlier) / len(earlier)
    people = signals.buyers[-1]
    if not mean or not people:
        return None
    chance = (mean * (1 - mean) / people) ** 0.5 if mean < 1 else 0.0
    if current > mean * (1 - _FALL) or mean - current < _SIGMAS * chance:
        return None
    values = {"now": format_value(current, "rate"), "before": format_value(mean, "rate")}
    return Finding(
        "bad",
        _("The repurchase rate is falling"),
        _("%(now)s in the last finished month; %(before)s on average in the three before.") % values,
        "/metrics/?metric=repurchase_rate&dimension=channel",
        _("Look closer"),
    )


def _below_target(signals: Signals) -> Finding | None:
    if signals.target is None or not signals.rates or signals.rates[-1] >= signals.target:
        return None
    values = {"now": format_value(signals.rates[-1], "rate"), "target": format_value(signals.target, "rate")}
    return Finding(
        "warn",
        _("The repurchase rate is below its target"),
        _("%(now)s against a target of %(target)s.") % values,
        "/metrics/?metric=repurchase_rate",
        _("Look closer"),
    )


def _falling_revenue(signals: Signals) -> Finding | None:
    if len(signals.revenue) < 4:
        return None
    *earlier, current = signals.revenue[-4:]
    mean = sum(earlier) / len(earlier)
    if mean <= 0 or current >= mean * (1 - _REVENUE_FALL):
        return None
    return Finding(
        "warn",
        _("Revenue is falling"),
        _("%(share)s below the mean of the three months before.")
        % {"share": format_value((mean - current) / mean, "rate")},
        "/metrics/?metric=revenue_equation",
        _("See which factor moved"),
    )


def _rising_refunds(signals: Signals) -> Finding | None:
    if len(signals.refunds) < 4:
        return None
    *earlier, current = signals.refunds[-4:]
    mean = sum(earlier) / len(earlier)
    if current < _REFUND_SHARE or current < mean * (1 + _REFUND_RISE):
        return None
    values = {"now": format_value(current, "rate"), "before": format_value(mean, "rate")}
    return Finding(
        "bad",
        _("More money goes back"),
        _("Refunds were %(now)s of sales in the last finished month; %(before)s in the three before.") % values,
        "/metrics/?metric=revenue&dimension=category",
        _("Look closer"),
    )


def _dormant(signals: Signals) -> Finding | None:
    sleeping = signals.dormant + signals.long_dormant
    if not signals.customers or sleeping / signals.customers < _DORMANT_SHARE:
        return None
    return Finding(
        "warn",
        _("Many customers are asleep"),
        _("%(count)s of %(all)s customers (%(share)s) have not bought for longer than your limit.")
        % {
            "count": format_value(sleeping, "count"),
            "all": format_value(signals.customers, "count"),
            "share": format_value(sleeping / signals.customers, "rate"),
        },
        "/customers/?dormant_layer=dormant",
        _("Show them"),
    )


def _declining(signals: Signals) -> Finding | None:
    if not signals.declining or signals.declining * 10 < signals.customers:
        return None
    return Finding(
        "warn",
        _("Customers are drifting away"),
        _("%(count)s customers are silent for longer than their own rhythm explains.")
        % {"count": format_value(signals.declining, "count")},
        "/customers/?lifecycle_stage=declining",
        _("Show them"),
    )
