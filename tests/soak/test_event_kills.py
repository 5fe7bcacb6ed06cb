"""A hundred kills at random moments while events come in, with the same promises as the short version."""

from __future__ import annotations

import time

import pytest

from huitou.core.home import Home
from tests.faults.fire import under_fire
from tests.faults.servers import passable_folder
from tests.soak.outcome import write_result

KILLS = 100


@pytest.mark.soak
def test_a_hundred_kills_while_events_come_in() -> None:
    seed = time.time_ns() % 1_000_000_000
    with passable_folder() as folder:
        told = under_fire(Home(folder / "home"), kills=KILLS, seed=seed)
    assert told["acknowledged_messages"] > 1000, told
    assert told["commits"] > KILLS // 4, "messages came again after they were taken"
    write_result("event_kills", told)
