"""Messages as threads of the worker: every few seconds what is due is judged and sent, welcomes within a second.

Any number of workers may run them; they share the touches by the customers they lock.
"""

from __future__ import annotations

import logging
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection

from huitou.accounts.queries import find_brand
from huitou.core.clock import Clock, SystemClock
from huitou.core.home import Home
from huitou.messaging.following import plan_fallbacks, poll_accounts
from huitou.messaging.lake import write_touches
from huitou.messaging.outbox import Sent, send_due, send_urgent
from huitou.messaging.recalling import run_recalls
from huitou.sources.consuming.trouble import is_transient, rendered

logger = logging.getLogger(__name__)
PAUSE_SECONDS = 3.0
URGENT_PAUSE_SECONDS = 0.5
_LONGEST_PAUSE_SECONDS = 60.0
_UPKEEP_SECONDS = 60.0


def run_turn(*, home: Home, clock: Clock | None = None) -> Sent:
    """One turn of everything that happens to messages by itself, by the brand's clock; nothing without a brand."""
    brand = find_brand()
    if brand is None:
        return Sent()
    now = clock or brand.clock
    plan_fallbacks(clock=now)
    run_recalls(clock=now)
    sent = send_due(clock=now)
    poll_accounts(clock=now)
    return sent


def keep_up(*, home: Home) -> None:
    """What need not be at once: what happened to touches goes into the lake."""
    brand = find_brand()
    if brand is not None:
        write_touches(home=home, clock=SystemClock())


class _Loop(threading.Thread, ABC):
    """Takes turns until it is asked to stop; the sitting in hand is finished."""

    def __init__(self, *, name: str, pause_seconds: float) -> None:
        super().__init__(name=name, daemon=True)
        self._pause = pause_seconds
        self._stop_asked = threading.Event()

    def stop(self) -> None:
        """Ask it to end after the sitting in hand, and wait for that."""
        self._stop_asked.set()
        self.join()

    @abstractmethod
    def turn(self) -> None:
        """What is done each time."""

    def run(self) -> None:
        pause = self._pause
        try:
            while not self._stop_asked.is_set():
                try:
                    self.turn()
                    pause = self._pause
                except Exception as error:
                    if is_transient(error):
                        logger.warning("%s wait: %s; trying again in %.0f s", self.name, rendered(error), pause)
                    else:
                        logger.error("%s wait; trying again in %.0f s", self.name, pause, exc_info=error)
                    connection.close()
                    pause = min(pause * 2, _LONGEST_PAUSE_SECONDS)
                self._stop_asked.wait(pause)
        finally:
            connection.close()


class MessageLoop(_Loop):
    """Sends everything, asks providers what became of it, and tells the lake."""

    def __init__(self, *, home: Home, pause_seconds: float = PAUSE_SECONDS) -> None:
        super().__init__(name="messages", pause_seconds=pause_seconds)
        self._home = home
        self._keep_up_at = 0.0

    def turn(self) -> None:
        run_turn(home=self._home)
        if time.monotonic() >= self._keep_up_at:
            keep_up(home=self._home)
            self._keep_up_at = time.monotonic() + _UPKEEP_SECONDS


class UrgentLoop(_Loop):
    """Sends what has seconds only, such as the welcome that WeCom takes for 20 seconds.

    In a thread of its own, as the other one may be waiting for a mail server.
    """

    def __init__(self, *, pause_seconds: float = URGENT_PAUSE_SECONDS) -> None:
        super().__init__(name="urgent messages", pause_seconds=pause_seconds)

    def turn(self) -> None:
        brand = find_brand()
        if brand is not None:
            send_urgent(clock=brand.clock)


@contextmanager
def sending(*, home: Home) -> Iterator[None]:
    """Messages going out beside the block."""
    loops = [UrgentLoop(), MessageLoop(home=home)]
    for loop in loops:
        loop.start()
    try:
        yield
    finally:
        for loop in loops:
            loop.stop()
