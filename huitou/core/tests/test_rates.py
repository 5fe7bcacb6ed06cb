"""How often one caller may ask, by a clock that tests turn: also after it was wrong."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.conf import LazySettings

from huitou.core.clock import FixedClock
from huitou.core.http_api.rates import RateLimitedError, take_turn

NOW = datetime(2026, 3, 10, 8, 0, tzinfo=UTC)
pytestmark = pytest.mark.django_db


def taken(at: datetime, times: int, caller: str = "key:1") -> tuple[int, set[int]]:
    """How many of so many requests at that instant are taken, and what the others are told to wait."""
    count, waits = 0, set()
    for _ in range(times):
        try:
            take_turn(caller, clock=FixedClock(at))
        except RateLimitedError as refused:
            waits.add(int(refused.headers["Retry-After"]))
        else:
            count += 1
    return count, waits


@pytest.fixture(autouse=True)
def ten(settings: LazySettings) -> None:
    settings.API_REQUESTS_PER_MINUTE = 10


def test_ten_a_minute_and_the_wait_that_is_told_suffices() -> None:
    assert taken(NOW, 12) == (10, {6})
    assert taken(NOW + timedelta(seconds=5), 1) == (0, {1})
    assert taken(NOW + timedelta(seconds=6), 2) == (1, {6})
    assert taken(NOW + timedelta(seconds=36), 9) == (5, {6})
    assert taken(NOW, 1, "key:2") == (1, set())
    assert taken(NOW + timedelta(hours=1), 12) == (10, {6})


@pytest.mark.parametrize("ahead", [timedelta(minutes=3), timedelta(days=900)])
def test_a_clock_that_ran_ahead_locks_nobody_out(ahead: timedelta) -> None:
    """What it counted counts for nothing once it is right again; from then on the limit holds as ever."""
    assert taken(NOW + ahead, 12) == (10, {6})
    assert taken(NOW, 12) == (10, {6})
    assert taken(NOW + timedelta(minutes=1), 12) == (10, {6})


def test_clocks_of_two_machines_may_differ_by_a_minute() -> None:
    """The one behind makes callers wait for the other's count; it does not give them a second share."""
    assert taken(NOW + timedelta(seconds=59), 10) == (10, set())
    assert taken(NOW, 1) == (0, {65})
