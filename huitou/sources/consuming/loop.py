"""The consumer as a thread of the worker: takes in what waits, every few seconds or as soon as a batch is full.

Any number of workers may run one; they share the inbox by the rows they lock. It polls: a notification for each
request would make the senders' commits wait for each other.
"""

from __future__ import annotations

import logging
import shutil
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

from django.db import connection

from huitou.core.clock import Clock
from huitou.core.home import Home
from huitou.core.lake import commit_pending
from huitou.core.models import LakeBatch
from huitou.sources.consuming import sql
from huitou.sources.consuming.compaction import compact_if_scattered
from huitou.sources.consuming.consumer import consume_once
from huitou.sources.consuming.letters import forget_letters, release_held
from huitou.sources.consuming.trouble import is_transient, rendered

logger = logging.getLogger(__name__)
PAUSE_SECONDS = 2.0
_LONGEST_PAUSE_SECONDS = 30.0
_UPKEEP_SECONDS = 60.0
# Staged files that no claim names belong to a transaction that did not come about; one at work is younger.
_ABANDONED_SECONDS = 3600.0
_FORGOTTEN = timedelta(days=1)


class ConsumerLoop(threading.Thread):
    """Consumes until it is asked to stop; the batch in hand is finished."""

    def __init__(self, *, home: Home, clock: Clock, pause_seconds: float = PAUSE_SECONDS) -> None:
        super().__init__(name="event-consumer", daemon=True)
        self._home = home
        self._clock = clock
        self._pause = pause_seconds
        self._stop_asked = threading.Event()
        self._keep_up_at = 0.0

    def stop(self) -> None:
        """Ask it to end after the batch in hand, and wait for that."""
        self._stop_asked.set()
        self.join()

    def run(self) -> None:
        pause = self._pause
        try:
            while not self._stop_asked.is_set():
                full = False
                try:
                    full = consume_once(home=self._home, clock=self._clock).full
                    pause = self._pause
                except Exception as error:
                    # Whatever it is, the feed goes on: events stay in the inbox until they are taken.
                    _tell("events wait", error, pause)
                    # What it claimed and could not bring into the lake is finished at once.
                    self._keep_up_at = 0.0
                    pause = min(pause * 2, _LONGEST_PAUSE_SECONDS)
                self._keep_up_if_due()
                if not full:
                    self._stop_asked.wait(pause)
        finally:
            connection.close()

    def _keep_up_if_due(self) -> None:
        """Upkeep, whether or not events could be taken: what it finishes may be what they wait for."""
        if time.monotonic() < self._keep_up_at:
            return
        try:
            keep_up(home=self._home, clock=self._clock)
            self._keep_up_at = time.monotonic() + _UPKEEP_SECONDS
        except Exception as error:
            _tell("the upkeep of events failed", error, _LONGEST_PAUSE_SECONDS)
            self._keep_up_at = time.monotonic() + _LONGEST_PAUSE_SECONDS


def _tell(what: str, error: Exception, pause: float) -> None:
    """Log a failure, and begin the next attempt with a connection of its own."""
    if is_transient(error):
        logger.warning("%s: %s; trying again in %.0f s", what, rendered(error), pause)
    else:
        logger.error("%s; trying again in %.0f s", what, pause, exc_info=error)
    connection.close()


def keep_up(*, home: Home, clock: Clock) -> None:
    """What has to be done now and then.

    Finish what killed consumers claimed, sweep what they staged, compact, give held events another turn, forget dead
    letters that were settled long ago.
    """
    commit_pending(home=home, clock=clock)
    _sweep_staging(home)
    compact_if_scattered(home=home)
    with connection.cursor() as cursor:
        cursor.execute(sql.FORGET_CONSUMERS, [clock.now() - _FORGOTTEN])
    release_held()
    forget_letters(clock=clock)


def _sweep_staging(home: Home) -> None:
    for folder in home.staging.glob("inbox-*"):
        number = folder.name.removeprefix("inbox-")
        try:
            young = time.time() - folder.stat().st_mtime < _ABANDONED_SECONDS
        except FileNotFoundError:
            continue
        if not young and number.isdigit() and not LakeBatch.objects.filter(pk=int(number)).exists():
            shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def consuming(*, home: Home, clock: Clock) -> Iterator[ConsumerLoop]:
    """A consumer at work beside the block."""
    loop = ConsumerLoop(home=home, clock=clock)
    loop.start()
    try:
        yield loop
    finally:
        loop.stop()
