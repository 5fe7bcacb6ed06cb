"""Features once more, customer by customer in plain Python, from the orders of the order oracle."""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta
from itertools import pairwise
from statistics import stdev
from typing import Any

from huitou.analytics.rules import Thresholds
from huitou.analytics.tests.order_oracle import Answer

Row = dict[str, Any]
_DAY = timedelta(days=1)


def features_of(account: Answer, people: set[int], as_of: datetime, cuts: Thresholds) -> dict[int, Row]:
    """Every feature of every customer in `people`."""
    table = {person: _own(account, person, as_of, cuts) for person in people}
    buyers = [r for r in table.values() if r["order_count"]]
    for row in table.values():
        _compare(row, buyers, cuts)
    return table


def _own(account: Answer, person: int, as_of: datetime, cuts: Thresholds) -> Row:
    mine = [o for o in account.orders.values() if o["person_id"] == person and not o["is_excluded"]]
    bought = sorted((o for o in mine if o["is_purchase"]), key=lambda o: o["purchase_no"])
    times = [o["paid_at"] for o in bought]
    row: Row = {}
    for days in (30, 60, 90, 180, 365):
        recent = [o for o in bought if o["paid_at"] >= as_of - days * _DAY]
        row[f"orders_{days}d"] = len(recent)
        row[f"spend_{days}d_minor"] = sum(o["amount_minor"] for o in recent)
    row["repeat_orders_365d"] = sum(o["purchase_no"] > 1 for o in recent)
    count, spend = len(bought), sum(o["amount_minor"] for o in bought)
    row |= {"order_count": count, "spend_minor": spend}
    row["net_spend_minor"] = spend - sum(o["refunded_minor"] for o in bought)
    row["aov_minor"] = (2 * spend + count) // (2 * count) if count else None
    row["first_order_at"], row["last_order_at"] = (times[0], times[-1]) if times else (None, None)
    row["days_since_first_order"] = (as_of - times[0]) // _DAY if times else None
    row["days_since_last_order"] = (as_of - times[-1]) // _DAY if times else None
    gaps = [(b - a) / _DAY for a, b in pairwise(times)]
    mean = (times[-1] - times[0]) / _DAY / len(gaps) if gaps else None
    row["interpurchase_days_mean"] = mean
    row["interpurchase_days_std"] = stdev(gaps) if len(gaps) > 1 else None
    has_rhythm = mean is not None and mean >= 1 and len(times) >= 3
    row["next_order_due_at"] = times[-1] + timedelta(days=mean or 0) if has_rhythm else None
    ordered, discount = sum(o["amount_minor"] for o in mine), sum(o["discount_minor"] for o in bought)
    row["refund_rate"] = sum(o["refunded_minor"] for o in mine) / ordered if ordered else None
    row["discount_share"] = discount / (spend + discount) if spend + discount else None
    kinds = Counter(
        name
        for (source, order_id, name), c in account.categories.items()
        if c["is_purchase"] and name != "unknown" and account.orders[source, order_id]["person_id"] == person
    )
    row["categories_count"] = len(kinds)
    row["top_category"] = min(kinds, key=lambda k: (-kinds[k], k), default=None)
    row["lifecycle_stage"] = _stage(row, cuts)
    silent = row["days_since_last_order"]
    row["dormant_layer"] = None
    if silent is not None and silent >= cuts.dormant_days:
        row["dormant_layer"] = "long_dormant" if silent >= cuts.long_dormant_days else "dormant"
    row["rfm_recency_band"] = None if silent is None else 5 - sum(silent > cut for cut in cuts.rfm_recency_days)
    row["rfm_frequency_band"] = 1 + sum(count >= cut for cut in cuts.rfm_order_count) if count else None
    row["rfm_monetary_band"] = 1 + sum(spend >= cut for cut in cuts.rfm_spend_minor) if count else None
    return row


def _stage(row: Row, cuts: Thresholds) -> str:
    count, mean = row["order_count"], row["interpurchase_days_mean"]
    if count == 0 or (count == 1 and row["days_since_first_order"] < cuts.new_days):
        return "new"
    patience: float = cuts.declining_days
    if count >= cuts.mature_order_count and mean >= 1:
        patience = max(cuts.new_days, mean * cuts.declining_gap_percent / 100)
    if row["days_since_last_order"] > patience:
        return "declining"
    return "mature" if count >= cuts.mature_order_count else "growing"


def _compare(row: Row, buyers: list[Row], cuts: Thresholds) -> None:
    def top(name: str, percent: int) -> bool:
        return bool(row["order_count"]) and sum(b[name] > row[name] for b in buyers) * 100 < percent * len(buyers)

    for score, name in (("recency", "last_order_at"), ("frequency", "order_count"), ("monetary", "spend_minor")):
        below = sum(b[name] < row[name] for b in buyers) if row["order_count"] else 0
        row[f"rfm_{score}_score"] = 1 + below * 5 // len(buyers) if row["order_count"] else None
    below = sum(b["aov_minor"] < row["aov_minor"] for b in buyers) if row["order_count"] else 0
    row["aov_score"] = 1 + below * 5 // len(buyers) if row["order_count"] else None
    repeats, gap = row["repeat_orders_365d"], row["interpurchase_days_mean"]
    both = cuts.band_high_percent + cuts.band_medium_percent
    row["repurchase_band"] = "low" if row["order_count"] else None
    if top("repeat_orders_365d", cuts.band_high_percent) and repeats >= cuts.band_high_repeat_count:
        row["repurchase_band"] = "high"
    elif repeats >= cuts.band_medium_repeat_count and top("repeat_orders_365d", both):
        row["repurchase_band"] = "medium"
    gap = row["days_since_last_order"] if gap is None else gap
    row["vip_layer"] = row["orders_90d"] >= 3 * cuts.vip_monthly_count and top("aov_minor", cuts.vip_aov_percent)
    row["nurture_layer"] = top("aov_minor", cuts.nurture_aov_percent) and gap >= cuts.nurture_gap_days
    often = row["orders_90d"] >= 3 * cuts.traffic_monthly_count
    row["traffic_layer"] = often and not top("aov_minor", 100 - cuts.traffic_aov_percent)
