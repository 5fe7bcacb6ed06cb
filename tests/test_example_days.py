"""Moving the example on by many days at once is the same as by as many single days: facts, ways, messages, readout.

Two copies of one store with a running launch: a database of each and a data directory of each, on some households.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from datetime import timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import psycopg
import pytest
from django.db import connection
from psycopg.conninfo import make_conninfo

from huitou.accounts.models import Brand
from huitou.analytics.engines import DuckEngine, Lake
from huitou.core.clock import SystemClock
from huitou.core.home import Home
from huitou.customers.models import Identifier, Person
from huitou.experiments.models import HoldoutShare
from huitou.journeys.services import create_journey, launch, publish
from huitou.messaging.models import ChannelAccount
from huitou.messaging.tests.stage import agree
from huitou.segments.models import SegmentSize
from huitou.segments.saving import create_segment
from huitou.sources.connectors.complete_journey import loading
from huitou.sources.connectors.complete_journey.tests.few_households import some_households

__all__ = ["some_households"]
WORDS = {"zh": "好久不见", "en": "It has been a while"}
SILENT = {"feature": "days_since_last_order", "is": ">=", "value": 30}
# Advances a store in a process of its own, by steps of so many days, and says what the readout says then.
_PROGRAM = """
import json, sys
from pathlib import Path
from huitou.core.boot import boot
boot()
from django.conf import settings
from huitou.core.clock import SystemClock
from huitou.experiments.queries import readout
from huitou.sources.connectors.complete_journey import loading, panel
folder, key, *steps = sys.argv[1:]
loading.data_folder = panel.data_folder = lambda: Path(folder)
for days in steps:
    loading.advance_example(days=int(days), home=settings.HOME, clock=SystemClock())
found = readout(key)
arms = {arm.arm: [arm.customers, arm.buyers, arm.revenue_minor, arm.reached, arm.cost_minor] for arm in found.arms}
rates = [[c.arm, c.verdict, c.rate and [c.rate.estimate, c.rate.low, c.rate.high]] for c in found.comparisons]
print(json.dumps([found.state, found.as_of.isoformat(), dict(found.assigned), arms, rates]))
"""
# What happened, without what tells the machine's own time or the number of a batch.
_STATE = {
    "ways": """SELECT id, person_id, entry_key, arm, acts, state, entered_at, step, visit, reached_at, due_at, ended_at,
        exit_reason FROM journeys_enrollment ORDER BY id""",
    "steps": """SELECT enrollment_id, visit, from_step, to_step, at, reason FROM journeys_transition
        ORDER BY enrollment_id, visit""",
    "touches": """SELECT key, person_id, state, reason, send_after, not_after, sent_at, ended_at, channel
        FROM messaging_touch ORDER BY key""",
    "decisions": """SELECT t.key, d.at, d.verdict, d.reason FROM messaging_touchdecision AS d
        JOIN messaging_touch AS t ON t.id = d.touch_id ORDER BY t.key, d.at, d.id""",
    "tasks": "SELECT key, person_id, state, created_at, due_at FROM journeys_stafftask ORDER BY key",
    "arms": """SELECT e.key, a.person_id, a.arm, a.at FROM experiments_assignment AS a
        JOIN experiments_experiment AS e ON e.id = a.experiment_id ORDER BY 1, 2""",
    "reached": "SELECT person_id, arm, at, channel FROM experiments_exposure ORDER BY 1",
    "launches": "SELECT id, state, state_at, entered_through FROM journeys_launch ORDER BY id",
    "sizes": """SELECT s.name, z.as_of, z.size, z.entered, z."left" FROM segments_segmentsize AS z
        JOIN segments_segment AS s ON s.id = z.segment_id ORDER BY s.name, z.as_of""",
    "clock": "SELECT clock_now, clock_target FROM accounts_brand",
}
_FACTS = {
    "fct_order_lines": ["order_id", "line_no", "kind", "person_id", "sku", "quantity", "amount_minor", "occurred_at"],
    "fct_events": ["event_id", "name", "person_id", "occurred_at"],
    "fct_exposures": ["experiment", "person_id", "kind", "arm", "at", "channel", "touch_id"],
    "fct_segment_changes": ["segment", "person_id", "change", "at"],
    "fct_touches": ["touch_id", "person_id", "source", "channel", "state", "sent_at"],
}
pytestmark = pytest.mark.django_db(transaction=True)


def launched(home: Home, *, entry_days: int, window_days: int) -> str:
    """The example at its opening; whoever is silent is written to, and every third has agreed to it."""
    home.root.mkdir(parents=True, exist_ok=True)
    loading.load_example(home=home, clock=SystemClock())
    brand = Brand.objects.get()
    now = brand.now()
    HoldoutShare.objects.create(share_bp=500, first_day=(now - timedelta(days=400)).date(), at=now)
    ChannelAccount.objects.create(
        kind="console_log", name="log", callback_token="t" * 20, created_at=now, settings={"consent_channel": "sms"}
    )
    for number, person in enumerate(Person.objects.order_by("pk").values_list("pk", flat=True)):
        Identifier.objects.create(person_id=person, kind="phone", value=f"+86139{number:08d}")
        if number % 3:
            agree(person, "sms", at=now - timedelta(days=1))
    create_segment(name="silent", title="Silent", definition=SILENT, clock=brand.clock)
    loading.advance_example(days=1, home=home, clock=SystemClock())
    brand.refresh_from_db()
    send: dict[str, Any] = {"kind": "send", "channels": ["console_log"], "text": WORDS}
    definition = {
        "trigger": {"kind": "segment", "segment": "silent", "inside": "enter"},
        "steps": [
            {"id": "first", **send, "when": "best", "valid": "3d"},
            {"id": "rest", "kind": "wait", "mode": "for", "duration": "12h", "at": "10:00"},
            {"id": "call", "kind": "handoff", "title": WORDS},
            {"id": "second", **send, "title": WORDS},
            {"id": "end", "kind": "exit"},
        ],
        "goal": {"purchase": True},
        "reentry": "after_exit",
    }
    draft = create_journey(name="silent", title="Silent", definition=definition, clock=brand.clock)
    version = publish(journey=draft.journey, clock=brand.clock)
    made = launch(
        version=version,
        clock=brand.clock,
        control_bp=4_000,
        window_days=window_days,
        ends_at=brand.now() + timedelta(days=entry_days),
    )
    return made.experiment


def url_of(name: str) -> str:
    parts = connection.settings_dict
    return make_conninfo(
        dbname=name, user=parts["USER"], password=parts["PASSWORD"], host=parts["HOST"], port=parts["PORT"]
    )


def moved(folder: Path, key: str, steps: list[int], *, home: Path, url: str) -> Any:
    """What the readout says after the store was advanced by these steps."""
    told = {"HUITOU_HOME": str(home), "HUITOU_DATABASE_URL": url}
    words = [sys.executable, "-c", _PROGRAM, str(folder), key, *map(str, steps)]
    done = subprocess.run(words, env={**os.environ, **told}, capture_output=True, text=True, timeout=1800, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout.splitlines()[-1])


def state_of(url: str) -> Mapping[str, list[tuple[Any, ...]]]:
    with psycopg.connect(url) as other:
        return {name: other.execute(query).fetchall() for name, query in _STATE.items()}


def facts_of(home: Path, scratch: Path) -> Mapping[str, list[Any]]:
    engine = DuckEngine(Lake(Home(home).lake_url), scratch=scratch)
    try:
        found = {}
        for name, columns in _FACTS.items():
            rows = engine.to_pyarrow(engine.table(name).select(*columns)).to_pylist()
            found[name] = sorted(map(repr, rows))
        return found
    finally:
        engine.close()


@pytest.mark.parametrize(
    ("days", "entry_days", "window_days"),
    [pytest.param(2, 1, 1, id="2"), pytest.param(56, 27, 28, id="56", marks=pytest.mark.soak)],
)
def test_many_days_at_once_are_as_many_single_days(
    days: int, entry_days: int, window_days: int, home: Home, some_households: Path, tmp_path: Path
) -> None:
    key = launched(home, entry_days=entry_days, window_days=window_days)
    name = connection.settings_dict["NAME"]
    copy, second = f"{name}_days", tmp_path / "second"
    shutil.copytree(home.root, second)
    connection.close()
    with psycopg.connect(url_of("postgres"), autocommit=True) as admin:
        admin.execute(f'CREATE DATABASE "{copy}" TEMPLATE "{name}"')
        try:
            at_once = moved(some_households, key, [days], home=home.root, url=url_of(name))
            one_by_one = moved(some_households, key, [1] * days, home=second, url=url_of(copy))
            one, other = state_of(url_of(name)), state_of(url_of(copy))
        finally:
            admin.execute(f'DROP DATABASE "{copy}" WITH (FORCE)')
    assert at_once == one_by_one
    assert at_once[0] == "final"
    for part, rows in one.items():
        assert rows == other[part], part
    facts = facts_of(home.root, tmp_path / "engine")
    assert facts == facts_of(second, tmp_path / "other-engine")
    # Something did happen of everything, else nothing would have been compared.
    assert [part for part, rows in {**one, **facts}.items() if not rows] == []
    assert {state for _key, _person, state, *_more in one["touches"]} >= {"sent", "refused"}
    assert {reason for *_more, reason in one["ways"]} >= {"goal"}


def test_each_day_that_is_crossed_has_its_own_size_of_a_segment(home: Home, some_households: Path) -> None:
    """Nothing waits for its time, and yet who came and went is told by day."""
    home.root.mkdir(parents=True, exist_ok=True)
    loading.load_example(home=home, clock=SystemClock())
    before = Brand.objects.get().now()
    create_segment(name="silent", title="Silent", definition=SILENT, clock=Brand.objects.get().clock)
    loading.advance_example(days=3, home=home, clock=SystemClock())
    sizes = list(SegmentSize.objects.order_by("as_of"))
    assert [size.as_of for size in sizes] == [before + timedelta(days=day) for day in range(4)]
    for earlier, later in pairwise(sizes):
        assert later.size == earlier.size + later.entered - later.left
