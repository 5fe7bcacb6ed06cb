"""kill -9 at every point of a turn, and at random moments: each step, task and entry happens exactly once."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from typing import Any

import pytest
from django.db import connection
from psycopg.conninfo import make_conninfo

from huitou.core.home import Home
from huitou.journeys.models import Enrollment, Signal, StaffTask, Transition
from huitou.journeys.tests.travelling import DAY, END, HOUR, WORDS, World, journey

POINTS = (
    "journeys.claimed",
    "journeys.ran",
    "journeys.written",
    "journeys.moved",
    "journeys.answered",
    "journeys.drawn",
    "journeys.heard",
)
PEOPLE = 120
CALL = {"id": "call", "kind": "handoff", "title": WORDS}
SPLIT: dict[str, Any] = {
    "id": "half",
    "kind": "split",
    "salt": "s",
    "arms": [{"share_bp": 5000, "next": "pause"}, {"share_bp": 5000, "next": "call"}],
}
PAUSE = {"id": "pause", "kind": "wait", "mode": "for", "duration": "2d", "next": "call"}
ANSWER = {
    "id": "answer",
    "kind": "wait",
    "mode": "event",
    "event": "Product Viewed",
    "at_most": "1d",
    "timeout": "end",
    "next": "again",
}
AGAIN = {"id": "again", "kind": "handoff", "title": WORDS}
_PROGRAM = """
import sys
from datetime import datetime
from huitou.core.boot import boot
boot()
from huitou.accounts.queries import get_brand
from huitou.core.clock import FixedClock
from huitou.journeys.engine.advance import advance
advance(brand=get_brand(), clock=FixedClock(datetime.fromisoformat(sys.argv[1])), limit=int(sys.argv[2]))
"""


def start_process(world: World, home: Home, *, kill_at: str = "", limit: int = 40) -> subprocess.Popen[bytes]:
    """A real process that makes one turn at the world's now."""
    settings = connection.settings_dict
    url = make_conninfo(
        dbname=settings["NAME"], user=settings["USER"], password=settings["PASSWORD"], host=settings["HOST"],
        port=settings["PORT"],
    )  # fmt: skip
    environment = {
        **os.environ, "HUITOU_HOME": str(home.root), "HUITOU_DATABASE_URL": url, "HUITOU_TEST_KILL_AT": kill_at,
    }  # fmt: skip
    command = [sys.executable, "-c", _PROGRAM, world.now.isoformat(), str(limit)]
    return subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL)


def launched() -> World:
    """Everybody buys, some look at a product later in time, some too late."""
    world = World(PEOPLE)
    world.launch(journey([SPLIT, PAUSE, CALL, ANSWER, AGAIN, END]), control_bp=2000)
    for person in world.people:
        world.hear(person, "Order Completed")
    return world


def look(world: World) -> None:
    for number, person in enumerate(world.people):
        if number % 3 == 0:
            world.hear(person, "Product Viewed")


def told() -> dict[int, list[tuple[str, str]]]:
    """The whole way of each customer."""
    ways: dict[int, list[tuple[str, str]]] = {}
    for row in Transition.objects.order_by("enrollment_id", "visit").values_list(
        "enrollment__person_id", "to_step", "reason"
    ):
        ways.setdefault(row[0], []).append((row[1], row[2]))
    return ways


def check(world: World) -> None:
    """By reading the rules again: which way each customer must have gone, and which tasks there must be."""
    import hashlib

    found = told()
    assert set(found) == set(world.people)
    assert not Signal.objects.exists()
    acting = {e.person_id: e.acts for e in Enrollment.objects.all()}
    assert len(acting) == PEOPLE == Enrollment.objects.count()
    tasks: dict[int, int] = {}
    for person in StaffTask.objects.values_list("person_id", flat=True):
        tasks[person] = tasks.get(person, 0) + 1
    for number, person in enumerate(world.people):
        draw = int(hashlib.md5(f"s:{person}".encode()).hexdigest()[:8], 16)
        waits = draw < 2**31
        answers = number % 3 == 0 and waits
        handed = "handed over" if acting[person] else "control"
        expected = [("half", "entered")]
        expected += [("pause", "arm 1"), ("call", "waited")] if waits else [("call", "arm 2")]
        expected += [("answer", handed)]
        expected += [("again", "event"), ("end", handed)] if answers else [("end", "timeout")]
        expected += [("", "finished")]
        assert found[person] == expected, person
        assert tasks.get(person, 0) == (1 + answers if acting[person] else 0)


def finish(world: World) -> None:
    """The rest of the time: the pause, a look at products half a day later, and the day of the last wait."""
    world.turn()
    world.turn(2 * DAY)
    world.now += 12 * HOUR
    look(world)
    world.turn()
    world.turn(DAY)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("point", POINTS)
def test_killed_at(point: str, home: Home) -> None:
    world = launched()
    process = start_process(world, home, kill_at=point)
    assert process.wait(120) == -signal.SIGKILL
    finish(world)
    check(world)
