"""Fixtures of the segments' tests, for these."""

from huitou.segments.tests.conftest import brand, feed, refreshed

__all__ = ["brand", "feed", "refreshed"]
