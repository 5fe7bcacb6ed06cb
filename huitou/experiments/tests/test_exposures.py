"""Assignments and first touches come into the lake exactly once, wherever the process is killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections import Counter
from datetime import timedelta

import pytest
from django.db import connection
from psycopg.conninfo import make_conninfo

from huitou.core.clock import FixedClock
from huitou.core.engine import open_home_engine
from huitou.core.home import Home
from huitou.core.lake import commit_pending
from huitou.core.models import LakeBatch
from huitou.experiments import services
from huitou.experiments.exposures import Reached, write_exposures
from huitou.experiments.models import Assignment, Exposure
from huitou.experiments.tests.conftest import START, Market

CLOCK = FixedClock(START)
_PROGRAM = """
from huitou.core.boot import boot
home = boot()
from huitou.core.clock import SystemClock
from huitou.experiments.exposures import write_exposures
write_exposures(home=home, clock=SystemClock())
"""


def rows_in_lake(home: Home) -> Counter[tuple[object, ...]]:
    with open_home_engine(home) as engine:
        found = engine.to_pyarrow(engine.table("fct_exposures")).to_pylist()
    return Counter((r["experiment"], r["person_id"], r["kind"], r["arm"], r["channel"], r["touch_id"]) for r in found)


def expected() -> Counter[tuple[object, ...]]:
    assigned = Assignment.objects.values_list("experiment__key", "person_id", "arm")
    reached = Exposure.objects.values_list("experiment__key", "person_id", "arm", "channel", "touch_id")
    found = Counter((key, person, "assigned", arm, None, None) for key, person, arm in assigned)
    return found + Counter(
        (key, person, "reached", arm, channel, touch) for key, person, arm, channel, touch in reached
    )


def fill(market: Market) -> None:
    """Two experiments over two months, some of the treated reached."""
    people = market.people(300)
    one, two = market.experiment(), market.experiment(key="launch:2")
    arms = services.assign(one, people, market.at(START))
    services.assign(two, people[:100], market.at(START + timedelta(days=31)))
    treated = [p for p in people if arms[p] == "treatment"]
    services.record_exposures(one, [Reached(p, START + timedelta(days=1), "email", p) for p in treated[:50]])


def test_everything_is_written_once(market: Market, home: Home) -> None:
    fill(market)
    assert write_exposures(home=home, clock=CLOCK) == sum(expected().values())
    assert write_exposures(home=home, clock=CLOCK) == 0
    services.assign(market.experiment(key="launch:3"), market.people(5), market.at(START))
    assert write_exposures(home=home, clock=CLOCK) == 5
    assert rows_in_lake(home) == expected()
    assert not any(home.staging.iterdir())


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("point", ["exposures.staged", "exposures.claimed", "lake.appended", "lake.committed"])
def test_killed_at_any_point_it_ends_as_if_nothing_had_happened(market: Market, home: Home, point: str) -> None:
    fill(market)
    settings = connection.settings_dict
    address = make_conninfo(
        dbname=settings["NAME"],
        user=settings["USER"],
        password=settings["PASSWORD"],
        host=settings["HOST"],
        port=settings["PORT"],
    )
    environment = {
        **os.environ,
        "HUITOU_HOME": str(home.root),
        "HUITOU_DATABASE_URL": address,
        "HUITOU_TEST_KILL_AT": point,
    }
    died = subprocess.run([sys.executable, "-c", _PROGRAM], env=environment, capture_output=True, check=False)
    assert died.returncode == -signal.SIGKILL, died.stderr.decode()
    commit_pending(home=home, clock=CLOCK)
    write_exposures(home=home, clock=CLOCK)
    assert rows_in_lake(home) == expected()
    assert not LakeBatch.objects.filter(committed_at=None).exists()
