"""Whatever is killed while events come in, each acknowledged one is a fact exactly once."""

from __future__ import annotations

import time

from huitou.core.home import Home
from tests.faults.fire import under_fire
from tests.faults.servers import passable_folder


def test_a_few_kills_while_events_come_in() -> None:
    seed = time.time_ns() % 1_000_000
    with passable_folder() as folder:
        told = under_fire(Home(folder / "home"), kills=4, seed=seed)
    assert told["acknowledged_messages"] > 50, told
    assert told["commits"] >= 2, f"messages came again after they were taken: {told}"
