"""Write keys as the door needs them: recognized in microseconds, and for a few seconds only after they are revoked."""

from __future__ import annotations

import re
import threading
import time
from dataclasses import dataclass

from django.db import connection

from huitou.accounts.keys import find_key, note_key_use
from huitou.core.clock import Clock

# A revoked key opens the door for at most this long.
CACHED_SECONDS = 3.0
# The form of our keys. What has another is no key, and neither remembered nor looked up.
_FORM = re.compile(r"[\w-]{12,100}", re.ASCII)
_MOST_WRONG = 1_000


@dataclass(frozen=True, slots=True)
class Sender:
    """Whom a write key stands for."""

    key_id: int
    source: str


class Keys:
    """Lookups of write keys, remembered for seconds, wrong ones too: guessing must not load the database."""

    def __init__(self, clock: Clock, cached_seconds: float = CACHED_SECONDS) -> None:
        self._clock = clock
        self._seconds = cached_seconds
        self._known: dict[str, tuple[float, Sender | None]] = {}
        self._wrong: dict[str, tuple[float, Sender | None]] = {}
        self._lock = threading.Lock()

    def find(self, secret: str) -> Sender | None:
        """Who shows this secret; None if it is no write key that is valid. Raises django.db.Error without database."""
        if not _FORM.fullmatch(secret):
            return None
        found = self._known.get(secret) or self._wrong.get(secret)
        now = time.monotonic()
        if found is not None and now < found[0]:
            return found[1]
        # One lookup at a time: when an entry expires under load, the others wait for it instead of repeating it.
        with self._lock:
            found = self._known.get(secret) or self._wrong.get(secret)
            if found is not None and now < found[0]:
                return found[1]
            sender = self._look_up(secret)
            self._known.pop(secret, None)
            self._wrong.pop(secret, None)
            if sender is not None:
                # As many as there are keys.
                self._known[secret] = (now + self._seconds, sender)
            else:
                if len(self._wrong) >= _MOST_WRONG:
                    self._wrong.clear()
                self._wrong[secret] = (now + self._seconds, None)
        return sender

    def _look_up(self, secret: str) -> Sender | None:
        try:
            key = find_key(secret)
            if key is None or key.kind != "write":
                return None
            note_key_use(key, clock=self._clock)
            return Sender(key.pk, key.source)
        finally:
            # Outside of Django's own requests nobody drops a connection that has died, or that a thread keeps idle.
            if not connection.in_atomic_block:
                connection.close()
