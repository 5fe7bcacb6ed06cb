"""Fixtures of the orders' tests, for these."""

from huitou.orders.tests.conftest import brand, feed

__all__ = ["brand", "feed"]
