"""Money spent in the last 60 days."""

from __future__ import annotations

from huitou.analytics.features._windows import spend_within

FEATURE = spend_within(60)
