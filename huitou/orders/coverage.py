"""From when to when there are orders."""

from __future__ import annotations

from datetime import UTC, date, datetime

from django.core.cache import cache

from huitou.accounts.models import Brand
from huitou.core.clock import local_day
from huitou.orders.snapshot import last_refresh, open_engine


def order_days(brand: Brand) -> tuple[date, date] | None:
    """The brand's days of the first and the last order of the last refresh; None without any."""
    run = last_refresh()
    if run is None:
        return None
    key = f"order_days.{run.pk}.{brand.zone}"
    found: tuple[date, date] | None = cache.get(key)
    if found is None:
        with open_engine() as engine:
            orders = engine.table("int_orders")
            bounds = engine.to_pyarrow(orders.aggregate(first=orders.paid_at.min(), last=orders.paid_at.max()))
        first, last = (bounds[name][0].as_py() for name in ("first", "last"))
        if first is None or last is None:
            return None
        found = _day(first, brand), _day(last, brand)
        cache.set(key, found, 86_400)
    return found


def _day(moment: datetime, brand: Brand) -> date:
    return local_day(moment.astimezone(UTC), brand.tz)
