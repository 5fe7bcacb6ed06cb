"""First starts with the example, killed many times on their way."""

from __future__ import annotations

import random
import time

import pytest

from tests.faults.test_example_kills import Undisturbed, kill_until_done, undisturbed
from tests.soak.outcome import write_result

__all__ = ["undisturbed"]
STARTS, KILLS_EACH = 6, 4


@pytest.mark.soak
def test_first_starts_killed_again_and_again(undisturbed: Undisturbed) -> None:
    """Every one of them ends with the figures of a start that nobody disturbed."""
    seed, started = time.time_ns(), time.monotonic()
    chance = random.Random(seed)
    killed = [kill_until_done(undisturbed, chance, KILLS_EACH) for _ in range(STARTS)]
    assert sum(killed) > STARTS
    seconds = round(time.monotonic() - started)
    write_result("example_kills", {"seed": seed, "kills_by_start": killed, "seconds": seconds})
