"""One `huitou up` in one data directory: who serves it, where, and whether the one before was stopped or killed."""

from __future__ import annotations

import fcntl
import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO

from huitou.core.clock import Clock
from huitou.core.home import Home


@dataclass(frozen=True)
class Standing:
    """What a running `up` says of itself. `since` is an instant in ISO form."""

    url: str
    process: int
    since: str


class Place:
    """The right to serve a data directory; the kernel takes it back when the process ends, however it ends."""

    def __init__(self, home: Home) -> None:
        self._lock = home.root / "up.lock"
        self._note = home.root / "up.json"
        self._file: IO[bytes] | None = None

    def take(self) -> bool:
        """Take the place; False if another process has it."""
        self._lock.parent.mkdir(parents=True, exist_ok=True)
        file = self._lock.open("ab")
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            file.close()
            return False
        self._file = file
        return True

    def read(self) -> Standing | None:
        """What the holder says of itself or, where nobody holds the place, what a killed one left behind."""
        return _read(self._note)

    def tell(self, url: str, clock: Clock) -> None:
        """Say where this process serves."""
        fresh = self._note.with_suffix(f".{os.getpid()}")
        fresh.write_text(json.dumps(asdict(Standing(url, os.getpid(), clock.now().isoformat()))), encoding="utf-8")
        fresh.replace(self._note)

    def leave(self) -> None:
        """Give the place up in order: the next start has nothing to recover."""
        self._note.unlink(missing_ok=True)
        if self._file is not None:
            self._file.close()
            self._file = None


def _read(path: Path) -> Standing | None:
    try:
        return Standing(**json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return None
