"""Journeys as a thread of the worker: every few seconds whoever is due moves on; at once while something is left.

Any number of workers may run one; they share the customers by the rows they lock.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection

from huitou.accounts.queries import find_brand
from huitou.core.clock import Clock
from huitou.journeys.engine.advance import Advanced, advance
from huitou.sources.consuming.trouble import is_transient, rendered

logger = logging.getLogger(__name__)
PAUSE_SECONDS = 3.0
_LONGEST_PAUSE_SECONDS = 60.0
_TURN_SECONDS = 20.0


def run_turn(*, clock: Clock | None = None, seconds: float | None = None) -> Advanced:
    """One turn of the engine by the brand's clock; nothing without a brand."""
    brand = find_brand()
    if brand is None:
        return Advanced()
    return advance(brand=brand, clock=clock or brand.clock, seconds=seconds)


class JourneyLoop(threading.Thread):
    """Moves customers on until it is asked to stop; the turn in hand is finished."""

    def __init__(self, *, pause_seconds: float = PAUSE_SECONDS) -> None:
        super().__init__(name="journeys", daemon=True)
        self._pause = pause_seconds
        self._stop_asked = threading.Event()

    def stop(self) -> None:
        """Ask it to end after the turn in hand, and wait for that."""
        self._stop_asked.set()
        self.join()

    def run(self) -> None:
        pause = self._pause
        try:
            while not self._stop_asked.is_set():
                is_done = True
                try:
                    is_done = run_turn(seconds=_TURN_SECONDS).is_done
                    pause = self._pause
                except Exception as error:
                    if is_transient(error):
                        logger.warning("journeys wait: %s; trying again in %.0f s", rendered(error), pause)
                    else:
                        logger.error("journeys wait; trying again in %.0f s", pause, exc_info=error)
                    connection.close()
                    pause = min(pause * 2, _LONGEST_PAUSE_SECONDS)
                if is_done:
                    self._stop_asked.wait(pause)
        finally:
            connection.close()


@contextmanager
def travelling() -> Iterator[JourneyLoop]:
    """Customers moving on beside the block."""
    loop = JourneyLoop()
    loop.start()
    try:
        yield loop
    finally:
        loop.stop()
