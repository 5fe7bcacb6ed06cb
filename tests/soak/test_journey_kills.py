"""Engines of journeys killed at any moment, two at a time, again and again: every step is made exactly once."""

from __future__ import annotations

import random
import time

import pytest

from huitou.core.home import Home
from huitou.journeys.models import Transition
from huitou.journeys.tests.test_kills import check, launched, look, start_process
from huitou.journeys.tests.travelling import DAY, HOUR
from tests.soak.outcome import write_result

pytestmark = [pytest.mark.soak, pytest.mark.django_db(transaction=True)]
SEED, ROUNDS = 11, 10


def test_killed_at_random_moments(home: Home) -> None:
    """Two processes at once, killed at a random moment of their work, while time goes on; then the whole way of all."""
    world, rng = launched(), random.Random(SEED)
    began, kills = time.monotonic(), 0
    working = 0

    def kill_some() -> None:
        nonlocal kills, working
        for _round in range(ROUNDS):
            before = Transition.objects.count()
            processes = [start_process(world, home, limit=rng.choice((1, 3, 5))) for _ in range(2)]
            # Until the first step of this round is on record: then the killing comes in the midst of the work.
            while Transition.objects.count() == before and any(process.poll() is None for process in processes):
                time.sleep(0.005)
            time.sleep(rng.uniform(0.0, 0.1))
            for process in processes:
                kills += process.poll() is None
                process.kill()
                process.wait()
            working += Transition.objects.count() > before

    kill_some()
    world.turn()
    world.now += 2 * DAY
    kill_some()
    world.turn()
    world.now += 12 * HOUR
    look(world)
    kill_some()
    world.turn()
    world.turn(DAY)
    check(world)
    assert kills >= ROUNDS
    assert working >= ROUNDS
    write_result(
        "journey_kills",
        {
            "seed": SEED,
            "customers": len(world.people),
            "kills": kills,
            "rounds_in_which_steps_were_made": working,
            "transitions": Transition.objects.count(),
            "seconds": round(time.monotonic() - began),
        },
    )
