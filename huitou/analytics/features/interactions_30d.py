"""Interactions in the last 30 days."""

from __future__ import annotations

from huitou.analytics.features._windows import interactions_within

FEATURE = interactions_within(30)
