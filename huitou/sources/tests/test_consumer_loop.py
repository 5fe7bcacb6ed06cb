"""The consumer in the worker: keeps going through trouble, stops when asked, and tidies up after the killed."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from typing import Any

import pytest

from huitou.analytics.engines import DuckEngine, Lake
from huitou.core.home import Home
from huitou.core.lake import commit_pending
from huitou.core.lake_mark import adopt_lake
from huitou.core.models import LakeBatch
from huitou.sources.consuming import loop as loop_module
from huitou.sources.consuming.compaction import compact_if_scattered
from huitou.sources.consuming.consumer import Consumed, consume_once
from huitou.sources.consuming.loop import ConsumerLoop, keep_up
from huitou.sources.models import InboxEvent
from huitou.sources.tests.eventing import NOW, Client, consume, facts, track


def becomes(condition: Callable[[], bool], seconds: float = 20) -> bool:
    until = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > until:
            return False
        time.sleep(0.02)
    return True


def test_the_loop_takes_in_what_comes_and_stops_when_asked(client: Client, home: Home) -> None:
    loop = ConsumerLoop(home=home, clock=client.clock, pause_seconds=0.05)
    loop.start()
    try:
        for number in range(3):
            client.batch(track(str(number)))
            assert becomes(lambda: not InboxEvent.objects.exists())
    finally:
        loop.stop()
    assert not loop.is_alive()
    assert len(facts(home)) == 3
    client.batch(track("after"))
    assert InboxEvent.objects.count() == 1


@pytest.mark.parametrize("trouble", [OSError("disk full"), ZeroDivisionError("a mistake of ours")])
def test_trouble_delays_the_feed_and_does_not_end_it(
    client: Client, home: Home, monkeypatch: pytest.MonkeyPatch, trouble: Exception
) -> None:
    left = [trouble, trouble]

    def sometimes(**arguments: Any) -> Consumed:
        if left:
            raise left.pop()
        return consume_once(**arguments)

    monkeypatch.setattr(loop_module, "consume_once", sometimes)
    client.batch(track("a"))
    loop = ConsumerLoop(home=home, clock=client.clock, pause_seconds=0.02)
    loop.start()
    try:
        assert becomes(lambda: not InboxEvent.objects.exists())
    finally:
        loop.stop()
    assert len(facts(home)) == 1


def test_upkeep_goes_on_while_events_cannot_be_taken(
    client: Client, home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(**_: Any) -> Consumed:
        raise OSError("disk full")

    kept: list[object] = []
    monkeypatch.setattr(loop_module, "consume_once", fails)
    monkeypatch.setattr(loop_module, "keep_up", lambda **arguments: kept.append(arguments))
    loop = ConsumerLoop(home=home, clock=client.clock, pause_seconds=0.02)
    loop.start()
    try:
        assert becomes(lambda: bool(kept))
    finally:
        loop.stop()


def test_events_are_taken_while_the_upkeep_fails(client: Client, home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(**_: Any) -> None:
        raise ZeroDivisionError("a mistake of ours")

    monkeypatch.setattr(loop_module, "keep_up", fails)
    loop = ConsumerLoop(home=home, clock=client.clock, pause_seconds=0.02)
    loop.start()
    try:
        for number in range(3):
            client.batch(track(str(number)))
            assert becomes(lambda: not InboxEvent.objects.exists())
    finally:
        loop.stop()


def test_a_batch_that_cannot_be_finished_does_not_hold_up_the_others(client: Client, home: Home) -> None:
    client.batch(track("a"))
    consume(home, client.clock)
    done = LakeBatch.objects.get()
    LakeBatch.objects.update(lake_version=None, committed_at=None)
    # Older, and of a table that there is not.
    LakeBatch.objects.create(
        pk=done.pk - 1, key="lost", table="fct_nothing", staged_path="lost", row_count=1, claimed_at=NOW
    )
    with pytest.raises(KeyError):
        commit_pending(home=home, clock=client.clock)
    assert LakeBatch.objects.get(pk=done.pk).committed_at is not None


def test_upkeep_sweeps_what_nobody_claimed_and_spares_the_rest(client: Client, home: Home) -> None:
    adopt_lake(home)
    old, young, claimed = (home.staging / f"inbox-{number}" for number in (901, 902, 903))
    for folder in (old, young, claimed):
        folder.mkdir(parents=True)
    for folder in (old, claimed):
        os.utime(folder, (0, 0))
    LakeBatch.objects.create(
        pk=903,
        key="inbox:903",
        table="fct_events",
        staged_path="inbox-903",
        row_count=0,
        claimed_at=NOW,
        committed_at=NOW,
        lake_version=1,
    )
    keep_up(home=home, clock=client.clock)
    assert [folder.exists() for folder in (old, young, claimed)] == [False, True, True]


def test_small_files_are_written_together_and_say_the_same(client: Client, home: Home) -> None:
    for number in range(5):
        client.batch(track(str(number), properties={"product_id": f"S{number}"}))
        consume(home, client.clock)
    lake, before = Lake(home.lake_url), facts(home)
    assert len(lake.files("fct_events")) == 5
    assert compact_if_scattered(home=home, at_least=6) == []
    assert compact_if_scattered(home=home, at_least=5) == ["fct_events/2026-03"]
    assert len(lake.files("fct_events")) == 1
    with DuckEngine(lake, scratch=home.root / "scratch") as engine:
        rows = engine.to_pyarrow(engine.table("fct_events")).to_pylist()
    found = [{name: value for name, value in row.items() if name != "month"} for row in rows]
    assert sorted(found, key=lambda row: row["event_id"]) == sorted(before, key=lambda row: row["event_id"])
    # A batch that was committed before is still known.
    assert all(
        lake.append("fct_events", home.staging, transaction_id=f"batch-{row['batch_id']}") == lake.version("fct_events")
        for row in before
    )
