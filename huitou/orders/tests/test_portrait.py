"""Features become sentences that say what the numbers say, and nothing where a number is missing."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from django.utils import translation

from huitou.orders.portrait import Value, describe, tags

ZONE = ZoneInfo("Asia/Shanghai")
NOW = datetime(2017, 10, 1, 16, tzinfo=UTC)
REGULAR: dict[str, Value] = {
    "order_count": 5,
    "days_since_last_order": 41,
    "interpurchase_days_mean": 23.2,
    "next_order_due_at": datetime(2017, 9, 14, 3, tzinfo=UTC),
    "first_order_at": datetime(2017, 5, 31, 17, tzinfo=UTC),
    "spend_minor": 123450,
    "aov_minor": 24690,
    "orders_90d": 2,
    "orders_365d": 5,
    "refund_rate": 0.1,
    "discount_share": 0.0,
}


def _describe(values: dict[str, Value]) -> list[str]:
    with translation.override("en"):
        return describe(values, currency="CNY", zone=ZONE, now=NOW)


def test_a_regular_customer_is_described_by_rhythm_first() -> None:
    assert _describe(REGULAR) == [
        "Buys again every 23\u00a0days on average; last purchase 41\u00a0days ago.",
        "By this rhythm the next purchase was due on 2017-09-14, 18\u00a0days ago.",
        # The first order's day is the brand's, not UTC's.
        "Since 2017-06-01: 5 purchases worth ¥1,234.50, ¥246.90 each on average.",
        "2 purchases in the last 90 days, 5 in the last 365.",
        "10.0% of the money went back.",
    ]


def test_one_purchase_has_no_rhythm() -> None:
    values = {**REGULAR, "order_count": 1, "interpurchase_days_mean": None, "next_order_due_at": None}
    first, second, *_rest = _describe(values)
    assert first == "Bought once, 41\u00a0days ago; no rhythm is known yet."
    assert second == "Since 2017-06-01: 1 purchase worth ¥1,234.50."


def test_one_purchase_of_late_is_no_plural() -> None:
    assert "1 purchase in the last 90 days, 5 in the last 365." in _describe({**REGULAR, "orders_90d": 1})


def test_two_purchases_have_a_gap_and_no_rhythm() -> None:
    values = {**REGULAR, "order_count": 2, "next_order_due_at": None}
    first, second, *_rest = _describe(values)
    assert first == "Bought twice, 23\u00a0days apart, last 41\u00a0days ago; no rhythm is known yet."
    assert second.startswith("Since 2017-06-01: 2 purchases")


def test_without_a_purchase_there_is_one_sentence() -> None:
    assert _describe({"order_count": 0}) == ["No purchase so far."]


def test_tags_name_stage_band_and_layers() -> None:
    with translation.override("en"):
        found = tags(
            {"lifecycle_stage": "declining", "repurchase_band": "low", "vip_layer": True, "dormant_layer": None}
        )
    assert [(tag.text, tag.tone) for tag in found] == [("Declining", "warn"), ("Low repurchase", ""), ("VIP", "accent")]


def test_what_is_due_today_is_not_in_no_days() -> None:
    values = {**REGULAR, "next_order_due_at": datetime(2017, 10, 1, 20, tzinfo=UTC)}
    assert _describe(values)[1] == "By this rhythm the next purchase is due today, on 2017-10-02."
