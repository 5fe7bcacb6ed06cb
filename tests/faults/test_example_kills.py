"""A first start with the example, killed at any moment and started again, ends with the very same figures."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from huitou.core.home import Home
from tests.faults.product import answers, environment, huitou
from tests.faults.servers import ROOT, eventually, passable_folder, processes

UP = ("up", "--example", "--no-serve")
FIGURES = (
    ("example", "status"),
    ("metrics", "show", "revenue", "--from", "2017-01-01", "--to", "2017-10-01", "--by", "month"),
    ("metrics", "show", "repurchase_rate", "--from", "2017-01-01", "--to", "2017-10-01", "--by", "month"),
)


@dataclass(frozen=True)
class Undisturbed:
    """What a first start gives that nobody kills, and how long it takes."""

    home: Home
    seconds: float
    figures: list[Any]


@pytest.fixture(scope="module")
def undisturbed() -> Iterator[Undisturbed]:
    with passable_folder() as folder:
        home, started = Home(folder / "home"), time.monotonic()
        ran = huitou(home, *UP)
        assert ran.returncode == 0, ran.stderr
        seconds = time.monotonic() - started
        yield Undisturbed(home, seconds, answers(home, *FIGURES))
        assert eventually(lambda: not processes(home)), processes(home)


def start_and_kill(home: Home, seconds: float) -> bool:
    """Start the product and kill it after `seconds`; whether it was still at work then."""
    process = subprocess.Popen(
        [sys.executable, "-m", "config", *UP],
        cwd=ROOT,
        env=environment(home),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        process.wait(timeout=seconds)
    except subprocess.TimeoutExpired:
        process.send_signal(signal.SIGKILL)
        process.wait()
        return True
    return False


def kill_until_done(undisturbed: Undisturbed, chance: random.Random, kills: int) -> int:
    """A first start, killed up to `kills` times, ends as the undisturbed one did. Returns how often it was killed."""
    killed = 0
    with passable_folder() as folder:
        home = Home(folder / "home")
        for _ in range(kills):
            killed += start_and_kill(home, chance.uniform(0.3, undisturbed.seconds))
        ran = huitou(home, *UP)
        assert ran.returncode == 0, ran.stderr
        assert answers(home, *FIGURES) == undisturbed.figures
        assert eventually(lambda: not processes(home)), processes(home)
    return killed


def test_a_killed_first_start_ends_with_the_same_figures(undisturbed: Undisturbed) -> None:
    kill_until_done(undisturbed, random.Random(time.time_ns()), kills=1)


def test_a_second_start_is_quick_and_loads_nothing(undisturbed: Undisturbed) -> None:
    # Of the processor: a busy machine makes everything late, and nothing more expensive.
    before = os.times()
    ran = huitou(undisturbed.home, *UP)
    after = os.times()
    assert ran.returncode == 0, ran.stderr
    assert after.children_user + after.children_system - before.children_user - before.children_system < 10
    assert answers(undisturbed.home, *FIGURES) == undisturbed.figures
