"""Touches set-wise: claims, places under caps, outcomes."""

from __future__ import annotations

from huitou.experiments.sql import CUSTOMERS
