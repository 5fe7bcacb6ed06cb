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
    """Each kill is followed by a look for processes left behind and for every acknowledged row."""
    seed, started = time.time_ns(), time.monotonic()
    chance = random.Random(seed)
    victims: Counter[str] = Counter()
    acknowledged = 0
    for _ in range(KILLS):
        victim, acknowledged = kill_somebody(created, chance)
        victims[victim] += 1
    assert acknowledged > KILLS, "the writers wrote between the kills"
    write_result(
        "postgres_kills",
        {
            "seed": seed,
            "kills": dict(sorted(victims.items())),
            "acknowledged_rows_found_again": acknowledged,
            "seconds": round(time.monotonic() - started),
        },
    )
