"""The hours of a customer's own day, and waiting for them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from huitou.messaging.hours import next_hour_of
from huitou.messaging.timing import busy_hours, hours_of

SHANGHAI = ZoneInfo("Asia/Shanghai")


def test_hours_are_where_the_instants_crowd_by_the_wall_clock() -> None:
    evening = [datetime(2026, 3, day, 12, 30, tzinfo=UTC) for day in range(1, 9)]  # 20:30 in Shanghai
    assert hours_of([*evening, datetime(2026, 3, 1, 1, tzinfo=UTC)], SHANGHAI) == (20,)
    assert busy_hours({}) == ()
    assert busy_hours({23: 5, 0: 5}) == (0, 23)


def test_the_next_of_its_hours_is_waited_for() -> None:
    at = datetime(2026, 3, 4, 4, 20, tzinfo=UTC)  # 12:20
    assert next_hour_of(at, (12, 20), SHANGHAI) == at
    assert next_hour_of(at, (20,), SHANGHAI) == datetime(2026, 3, 4, 12, tzinfo=UTC)
    assert next_hour_of(at, (10,), SHANGHAI) == datetime(2026, 3, 5, 2, tzinfo=UTC)
    assert next_hour_of(at, (), SHANGHAI) - at == timedelta(0)
