"""A hundred kills at random moments, with the same promises as the short version."""

from __future__ import annotations

import random
import time
from collections import Counter

import pytest

from huitou.core.home import Home
from tests.faults.test_postgres_supervisor import created, kill_somebody
from tests.soak.outcome import write_result

__all__ = ["created"]
KILLS = 100


@pytest.mark.soak
def test_a_hundred_kills(created: Home) -> None:
    seed = time.time_ns()
    chance = random.Random(seed)
    started = time.monotonic()
    victims = Counter(kill_somebody(created, chance) for _ in range(KILLS))
    write_result(
        "postgres_kills",
        {"seed": seed, "kills": dict(victims), "lost_rows": 0, "orphans": 0, "seconds": time.monotonic() - started},
    )
