"""Purchases in the last 90 days."""

from __future__ import annotations

from huitou.analytics.features._windows import orders_within

FEATURE = orders_within(90)
