"""Bodies of requests, read with a patience that ends; the server in front has none, and a proxy is not always there.

A read from a sender that stops in the midst cannot be broken off. Therefore the door's own threads read only while
enough others are free. From there on bodies are read by threads beside them, which are left behind with a sender that
does not go on; they end when it hangs up.
"""

from __future__ import annotations

import threading
from typing import Any

PATIENCE_SECONDS = 10.0
# So many readers may be left behind; with more, somebody holds connections open on purpose.
MOST_LEFT = 100


class SlowBodyError(Exception):
    """The body did not arrive in time."""


class Bodies:
    """Reads bodies; at most `own` of them in the threads of those who ask."""

    def __init__(self, *, own: int, seconds: float = PATIENCE_SECONDS, most_left: int = MOST_LEFT) -> None:
        self._own = threading.BoundedSemaphore(own)
        self._beside = threading.BoundedSemaphore(most_left)
        self._seconds = seconds

    def read(self, stream: Any, most: int) -> bytes:
        """At most so many bytes. Raises SlowBodyError."""
        if not self._own.acquire(blocking=False):
            return self.read_beside(stream, most, self._seconds)
        try:
            body: bytes = stream.read(most)
            return body
        finally:
            self._own.release()

    def read_beside(self, stream: Any, most: int, seconds: float) -> bytes:
        """The same, never in the thread of whoever asks. Raises SlowBodyError."""
        if not self._beside.acquire(blocking=False):
            raise SlowBodyError
        found: list[bytes] = []
        errors: list[Exception] = []
        done = threading.Event()

        def read() -> None:
            try:
                found.append(stream.read(most))
            except Exception as error:
                errors.append(error)
            finally:
                self._beside.release()
                done.set()

        threading.Thread(target=read, name="body-reader", daemon=True).start()
        if not done.wait(seconds):
            raise SlowBodyError
        if errors:
            raise errors[0]
        return found[0]
