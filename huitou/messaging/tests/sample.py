"""Messages and accounts for the tests of adapters."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import count
from typing import Any

from huitou.core.clock import FixedClock
from huitou.messaging.channel import Address, Config, Outgoing

NOON = FixedClock(datetime(2026, 3, 2, 4, tzinfo=UTC))
_numbers = count(1000)


def message(to: Address, **given: Any) -> Outgoing:
    """One message with a key of its own."""
    number = next(_numbers)
    told: dict[str, Any] = {"touch_id": number, "key": f"touch-{number}-1", "title": "好久不见", "text": "想念您"}
    return Outgoing(to=to, **(told | given))


def account(settings: dict[str, str]) -> Config:
    return Config(account_id=1, name="test", settings=settings, callback_url="https://brand.example/callback/1")
