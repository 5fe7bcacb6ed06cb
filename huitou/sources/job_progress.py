"""How far a job of the console is, kept in a small file of the data directory: the page that watches may be another
process. Losing it loses nothing but the bar."""

from __future__ import annotations

import json
import os
import time
from dataclasses import asdict, dataclass
from pathlib import Path

from huitou.core.home import Home

_EVERY_SECONDS = 0.4


@dataclass(frozen=True)
class JobState:
    """`state` is waiting, running, done or failed; `step` and `error` are texts for people."""

    state: str
    step: str = ""
    done: int = 0
    total: int | None = None
    error: str = ""

    @property
    def percent(self) -> int | None:
        """Share done of the present step, 0 to 100; None where the end is not known."""
        return min(100, self.done * 100 // self.total) if self.total else None

    @property
    def is_over(self) -> bool:
        return self.state in {"done", "failed"}


def _path(home: Home, name: str) -> Path:
    return home.root / "progress" / f"{name}.json"


def write_state(home: Home, name: str, state: JobState) -> None:
    """Replace what is known about the job `name`."""
    path = _path(home, name)
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_suffix(f".{os.getpid()}")
    fresh.write_text(json.dumps(asdict(state), ensure_ascii=False), encoding="utf-8")
    fresh.replace(path)


def read_state(home: Home, name: str) -> JobState | None:
    """What is known about the job `name`; None if nothing is."""
    try:
        found = json.loads(_path(home, name).read_text(encoding="utf-8"))
        return JobState(**found)
    except (OSError, ValueError, TypeError):
        return None


def forget_state(home: Home, name: str) -> None:
    """Forget the job: somebody has seen its end."""
    _path(home, name).unlink(missing_ok=True)


class Reporter:
    """A progress callback that writes at most a few times a second, and every change of step at once."""

    def __init__(self, home: Home, name: str) -> None:
        self._home = home
        self._name = name
        self._written = 0.0
        self._step = ""

    def __call__(self, done: int, total: int | None = None, step: str = "") -> None:
        moment = time.monotonic()
        if step == self._step and moment - self._written < _EVERY_SECONDS and done != total:
            return
        self._written, self._step = moment, step
        write_state(self._home, self._name, JobState("running", step=step, done=done, total=total))
